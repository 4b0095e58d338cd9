// The command line of the package: its commands, its output, and its exit status.

import { isNativeError } from 'node:util/types'
import { manifest } from '../internal/manifest.ts'
import type { Shared } from '../shared.ts'
import { asTyped, helpOf, readArguments, UsageError } from './arguments.ts'
import type { DiagnoseOptions, Facts } from './context.ts'
import { use } from './facade.ts'
import type { Severity } from './finding.ts'
import { diagnose } from './index.ts'
import { leaveOutNpm } from './npm.ts'
import { print, styleOf, wrap } from './print.ts'
import { runAs as runAsTarget } from './run-as.ts'
import { unloadable } from './unloadable.ts'
import { harmless, json } from './words.ts'

const STATUS: Record<Severity, number> = { ok: 0, info: 0, warning: 1, error: 2 }
/** sysexits.h: so that a mistyped command or option is not taken for a finding. */
const USAGE = 64
const DEFECT = 70

const COMMANDS = `Usage: provider-env doctor [options]
       provider-env run-as --uid N --gid N -- COMMAND [ARG…]

The commands are doctor and run-as. \`provider-env COMMAND --help\` lists the options.
`
/** What diagnose() says of its options. */
const OPTION_ERRORS = ['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE', 'ERR_PROVIDER_PRIVILEGE_REFUSED']

const help = (facts: Facts[]) => `Usage: provider-env doctor [options]

${wrap(`Checks everything that a start of ${facts.map(({ name }) => name).join(' or ') || 'a CLI'} needs, and what could leak or redirect a key. It changes nothing.`, 79).join('\n')}

${helpOf(facts)}

Exit status: 0 no problem was found, 1 there are warnings, 2 there are errors,
64 the command or an option is invalid, 70 the doctor itself failed.

The other command, run-as, runs a command as the target user: run-as --help.
`

/**
 * Sets the process's exit status.
 * @param load Returns what the doctor uses of the facade. It throws if the addon does not load, which is a finding.
 */
export async function main(args: string[], load: () => Shared) {
  try {
    process.exitCode = await run(args, loaded(load))
  } catch (error) {
    const wrong = error instanceof UsageError || OPTION_ERRORS.includes((error as NodeJS.ErrnoException | null)?.code ?? '')
    const message = isNativeError(error) ? error.message : String(error)
    const name = args[0] === 'run-as' ? 'provider-env run-as' : 'provider-env doctor'
    process.stderr.write(`${name}: ${wrong ? `${asTyped(message)}\n${name} --help lists the options.\n` : `${message}\n`}`)
    process.exitCode = wrong ? USAGE : DEFECT
  }
}

/** @returns The exit status. */
async function run([command, ...rest]: string[], facade: Loaded): Promise<number> {
  if (command === '--version') return show(version())
  if (command === '--help' || command === '-h' || command === 'help') return show(help(factsOf(facade) ?? []))
  if (command === 'doctor') return await doctor(rest, facade)
  if (command === 'run-as') return await runAs(rest, facade)
  process.stderr.write(command === undefined ? COMMANDS : `The command ${JSON.stringify(harmless(command))} is unknown.\n\n${COMMANDS}`)
  return USAGE
}

async function doctor(args: string[], facade: Loaded) {
  const facts = factsOf(facade)
  const asked = readArguments(args, facts)
  if (asked.help) return show(help(facts ?? []))
  if (asked.version) return show(version())
  const report = await examine(asked.options, facade)
  show(asked.json ? `${json(report)}\n` : print(report, styleOf(process.stdout, process.env)))
  return STATUS[report.worst]
}

function show(text: string) {
  process.stdout.write(text)
  return 0
}

function version() {
  return `${manifest().version}\n`
}

/** What the doctor uses of the facade, or why that does not load. */
type Loaded = { shared: Shared } | { error: unknown }

function loaded(load: () => Shared): Loaded {
  try {
    const shared = load()
    use(shared)
    return { shared }
  } catch (error) {
    return { error }
  }
}

/** Null if the addon does not load. */
function factsOf(facade: Loaded) {
  return 'shared' in facade ? (facade.shared.binding.providerFacts() as Facts[]) : null
}

async function examine(options: DiagnoseOptions, facade: Loaded) {
  // Before anything looks at the environment: the report is about the worker's, not about that of npx.
  const npm = leaveOutNpm(process.env)
  return 'error' in facade ? unloadable(facade.error) : await diagnose(options, npm)
}

async function runAs(args: string[], facade: Loaded) {
  if ('error' in facade) throw facade.error
  return await runAsTarget(args)
}
