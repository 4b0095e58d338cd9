// The options of the doctor's command line: their help texts, and the options of diagnose() that they set.

import { parseArgs, types } from 'node:util'
import type { Facts } from './context.ts'
import { flag } from './words.ts'

interface Option {
  /** Without the dashes. */
  name: string
  /** The placeholder for its value in the help; an option without one takes no value. */
  value?: string
  /** Lines of --help; none: another one's lines name it. */
  text?: string
  /** What --help has in its place. */
  usage?: string
  /** That of diagnose() which it becomes. */
  option?: string
  /** Default: as it is. */
  read?: (text: string, name: string) => unknown
}

export class UsageError extends Error {}

/** @param facts Of every provider: a new one brings its own options. */
const optionsOf = (facts: Facts[]): Option[] => [
  {
    name: 'provider',
    value: facts.map(({ id }) => id).join('|') || 'PROVIDER',
    text: 'the provider to check (default: all)',
    option: 'provider'
  },
  {
    name: 'uid',
    value: 'N',
    usage: '--uid N --gid N',
    text: 'the target user of the CLI\n(default: the user who runs this command)',
    option: 'uid',
    read: number
  },
  { name: 'gid', value: 'N', option: 'gid', read: number },
  { name: 'groups', value: 'N,N', text: "the target user's supplementary groups", option: 'groups', read: numbers },
  { name: 'workspace', value: 'DIR', text: "the tenant's workspace", option: 'workspace' },
  { name: 'home', value: 'DIR', text: 'HOME of the CLI', option: 'home' },
  { name: 'tmp-dir', value: 'DIR', text: 'TMPDIR of the CLI', option: 'tmpDir' },
  ...facts.map(({ stateOption, stateVariable }) => ({
    name: flag(stateOption),
    value: 'DIR',
    text: `${stateVariable} of the CLI`,
    option: stateOption
  })),
  { name: 'command', value: 'PROGRAM', text: 'the program of --provider (default: the one on PATH)', option: 'command' },
  { name: 'prefix', value: 'DIR', text: 'the directory where remedies install programs\n(default: /opt/provider-env)', option: 'prefix' },
  { name: 'no-start', text: 'do not start the CLIs against a mock of their API', option: 'start', read: () => false },
  { name: 'json', text: 'print only the report, as JSON' },
  { name: 'help', text: 'print this help' },
  { name: 'version', text: 'print the version of the package' }
]

/** The rows of every option, for --help. */
export function helpOf(facts: Facts[]) {
  const rows = optionsOf(facts).flatMap(({ name, value, usage = `--${name}${value ? ` ${value}` : ''}`, text }) =>
    text ? [{ usage, lines: text.split('\n') }] : []
  )
  const width = Math.max(...rows.map(({ usage }) => usage.length)) + 2
  return rows.flatMap(({ usage, lines }) => lines.map((line, index) => `  ${(index === 0 ? usage : '').padEnd(width)}${line}`)).join('\n')
}

/** @param facts Null if the addon does not load: then not every option is known. */
export function readArguments(args: string[], facts: Facts[] | null) {
  const known = optionsOf(facts ?? [])
  const values = parse(args, known, facts !== null)
  const given = known.filter(({ name, option }) => option !== undefined && values[name] !== undefined)
  const options: Record<string, unknown> = Object.fromEntries(
    given.map(({ name, option, read }) => [option, read ? read(String(values[name]), name) : values[name]])
  )
  if ((options.uid === undefined) !== (options.gid === undefined)) throw new UsageError('--uid and --gid must be passed together')
  return { options, json: values.json === true, help: values.help === true, version: values.version === true }
}

function parse(args: string[], known: Option[], strict: boolean): Record<string, unknown> {
  const options = Object.fromEntries(
    known.map(({ name, value }) => [
      name,
      { type: (value ? 'string' : 'boolean') as 'string' | 'boolean', ...(name === 'help' ? { short: 'h' } : {}) }
    ])
  )
  try {
    return parseArgs({ args, options, strict, allowPositionals: !strict }).values
  } catch (error) {
    throw new UsageError(types.isNativeError(error) ? error.message.split('. ')[0] : 'the options are invalid')
  }
}

export function number(text: string, name: string) {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new UsageError(`--${name} must be a number`)
}

export function numbers(text: string, name: string) {
  if (/^\d{1,10}(,\d{1,10})*$/.test(text)) return text.split(',').map(Number)
  throw new UsageError(`--${name} must be numbers, separated by commas`)
}

/** What diagnose() says of an option, with the option as it is typed here. */
export function asTyped(message: string) {
  return message.replace(/\boptions\.(\w+)/g, (_, name) => `--${flag(name)}`)
}
