// The command line of the package: its commands, its output, and its exit status.
'use strict'

const { isNativeError } = require('node:util').types
const { UsageError, asTyped, helpOf, readArguments } = require('./arguments.js')
const { leaveOutNpm } = require('./npm.js')
const { print, styleOf, wrap } = require('./print.js')
const { harmless, json } = require('./words.js')

/** @type {Record<import('../../index').Severity, number>} */
const STATUS = { ok: 0, info: 0, warning: 1, error: 2 }
/** sysexits.h: so that a mistyped command or option is not taken for a finding. */
const USAGE = 64
const DEFECT = 70

const COMMANDS = `Usage: provider-env doctor [options]
       provider-env run-as --uid N --gid N -- COMMAND [ARG…]

The commands are doctor and run-as. \`provider-env COMMAND --help\` lists the options.
`
/** What diagnose() says of its options. */
const OPTION_ERRORS = ['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE', 'ERR_PROVIDER_PRIVILEGE_REFUSED']

/** @param {import('./context.js').Facts[]} facts */
const help = (facts) => `Usage: provider-env doctor [options]

${wrap(`Checks everything that a start of ${facts.map(({ name }) => name).join(' or ') || 'a CLI'} needs, and what could leak or redirect a key. It changes nothing.`, 79).join('\n')}

${helpOf(facts)}

Exit status: 0 no problem was found, 1 there are warnings, 2 there are errors,
64 the command or an option is invalid, 70 the doctor itself failed.

The other command, run-as, runs a command as the target user: run-as --help.
`

/**
 * Sets the process's exit status.
 * @param {string[]} args
 */
async function main(args) {
  try {
    process.exitCode = await run(args)
  } catch (error) {
    const wrong = error instanceof UsageError || OPTION_ERRORS.includes(/** @type {any} */ (error)?.code)
    const message = isNativeError(error) ? error.message : String(error)
    const name = args[0] === 'run-as' ? 'provider-env run-as' : 'provider-env doctor'
    process.stderr.write(`${name}: ${wrong ? `${asTyped(message)}\n${name} --help lists the options.\n` : `${message}\n`}`)
    process.exitCode = wrong ? USAGE : DEFECT
  }
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} The exit status.
 */
async function run([command, ...rest]) {
  if (command === '--version') return show(version())
  if (command === '--help' || command === '-h' || command === 'help') return show(help(readFacts() ?? []))
  if (command === 'doctor') return await doctor(rest)
  if (command === 'run-as') return await require('./run-as.js').runAs(rest)
  process.stderr.write(command === undefined ? COMMANDS : `The command ${JSON.stringify(harmless(command))} is unknown.\n\n${COMMANDS}`)
  return USAGE
}

/** @param {string[]} args */
async function doctor(args) {
  const facts = readFacts()
  const asked = readArguments(args, facts)
  if (asked.help) return show(help(facts ?? []))
  if (asked.version) return show(version())
  const report = await examine(asked.options)
  show(asked.json ? `${json(report)}\n` : print(report, styleOf(process.stdout, process.env)))
  return STATUS[report.worst]
}

/** @param {string} text */
function show(text) {
  process.stdout.write(text)
  return 0
}

function version() {
  return `${require('../../package.json').version}\n`
}

/** Null where the addon does not load, which is a finding. @returns {import('./context.js').Facts[] | null} */
function readFacts() {
  try {
    return /** @type {import('./context.js').Facts[]} */ (require('../binding.js').providerFacts())
  } catch {
    return null
  }
}

/** @param {import('../../index').DiagnoseOptions} options */
async function examine(options) {
  // Before anything looks at the environment: the worker's is asked for, not that of npx.
  const npm = leaveOutNpm(process.env)
  /** @type {typeof import('./index.js').diagnose} */
  let diagnose
  try {
    // Here, not above: where the addon does not load, that is the finding.
    diagnose = require('./index.js').diagnose
  } catch (error) {
    return require('./unloadable.js').unloadable(error)
  }
  return await diagnose(options, npm)
}

module.exports = { main }
