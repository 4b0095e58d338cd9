// The command line: its arguments, what it prints, and its exit status.
'use strict'

const { parseArgs } = require('node:util')
const { harmless, json } = require('./words.js')

/** @type {Record<import('../../index').Severity, number>} */
const STATUS = { ok: 0, info: 0, warning: 1, error: 2 }
/** No such command: as shells and most tools have it. */
const NO_COMMAND = 2
/** sysexits.h: so that a mistyped option is not taken for a finding. */
const USAGE = 64
const DEFECT = 70

const HELP = `Usage: provider-env doctor [options]

Looks at everything that a start of Claude Code or Codex needs, and at what
could leak or redirect a key. It changes nothing.

  --provider claude|codex  one of them; default: both
  --uid N --gid N          whom the CLI becomes; default: who runs this
  --groups N,N             its supplementary groups
  --workspace DIR          the tenant's workspace
  --home DIR               its HOME
  --tmp-dir DIR            its TMPDIR
  --codex-home DIR         its CODEX_HOME
  --claude-config-dir DIR  its CLAUDE_CONFIG_DIR
  --command PROGRAM        the program, with --provider; default: that on PATH
  --prefix DIR             where remedies install programs;
                           default: /opt/provider-env
  --no-start               do not start the CLIs against a mock of their API
  --json                   print the report as JSON, and nothing else
  --help                   print this

Exit status: 0 all is well, 1 the worst is a warning, 2 the worst is an error,
64 wrong options, 70 a defect of the doctor itself.
`
const COMMANDS = 'Usage: provider-env doctor [options]\n\nThere is one command, doctor. `provider-env doctor --help` lists its options.\n'

const OPTIONS = /** @type {const} */ ({
  provider: { type: 'string' },
  uid: { type: 'string' },
  gid: { type: 'string' },
  groups: { type: 'string' },
  workspace: { type: 'string' },
  home: { type: 'string' },
  'tmp-dir': { type: 'string' },
  'codex-home': { type: 'string' },
  'claude-config-dir': { type: 'string' },
  command: { type: 'string' },
  prefix: { type: 'string' },
  'no-start': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
})

class UsageError extends Error {}

/**
 * Sets the process's exit status.
 * @param {string[]} args
 */
async function main(args) {
  const [command, ...rest] = args
  if (command === '--help' || command === '-h' || command === 'help') return void process.stdout.write(HELP)
  if (command !== 'doctor') {
    process.stderr.write(command === undefined ? COMMANDS : `There is no command ${JSON.stringify(harmless(command))}.\n\n${COMMANDS}`)
    process.exitCode = NO_COMMAND
    return
  }
  try {
    process.exitCode = await doctor(rest)
  } catch (error) {
    const wrong = error instanceof UsageError || isUsage(error)
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`provider-env doctor: ${message}\n${wrong ? 'provider-env doctor --help lists the options.\n' : ''}`)
    process.exitCode = wrong ? USAGE : DEFECT
  }
}

/** @param {string[]} args */
async function doctor(args) {
  const values = read(args)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const report = await examine(values)
  if (values.json) process.stdout.write(`${json(report)}\n`)
  else {
    const { print, styleOf } = require('./print.js')
    process.stdout.write(print(report, styleOf(process.stdout, process.env)))
  }
  return STATUS[report.worst]
}

/** @param {string[]} args */
function read(args) {
  try {
    return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('. ')[0] : 'wrong options')
  }
}

/** @param {ReturnType<typeof read>} values */
async function examine(values) {
  const options = {
    provider: /** @type {any} */ (values.provider),
    uid: number('uid', values.uid),
    gid: number('gid', values.gid),
    groups: values.groups === undefined ? undefined : values.groups.split(',').map((group) => /** @type {number} */ (number('groups', group))),
    workspace: values.workspace,
    home: values.home,
    tmpDir: values['tmp-dir'],
    codexHome: values['codex-home'],
    claudeConfigDir: values['claude-config-dir'],
    command: values.command,
    prefix: values.prefix,
    start: !values['no-start']
  }
  if ((options.uid === undefined) !== (options.gid === undefined)) throw new UsageError('--uid and --gid are given together, or neither is')
  /** @type {typeof import('./index.js').diagnose} */
  let diagnose
  try {
    // Here, not above: where the addon does not load, that is the finding.
    diagnose = require('./index.js').diagnose
  } catch (error) {
    return require('./unloadable.js').unloadable(error)
  }
  return await diagnose(options)
}

/**
 * @param {string} name
 * @param {string | undefined} text
 */
function number(name, text) {
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new UsageError(`--${name} must be a number`)
}

/** What diagnose() says of its options. @param {unknown} error */
function isUsage(error) {
  const { code } = /** @type {{ code?: string }} */ (error ?? {})
  return code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_PROVIDER_PRIVILEGE_REFUSED'
}

module.exports = { main }
