// The options of the doctor's command line: their help texts, and the options of diagnose() that they set.
'use strict'

const { parseArgs, types } = require('node:util')
const { flag } = require('./words.js')

/** @typedef {import('./context.js').Facts} Facts */

/**
 * @typedef {object} Option
 * @property {string} name Without the dashes.
 * @property {string} [value] What stands for its value; none: it takes none.
 * @property {string} [text] Lines of --help; none: another one's lines name it.
 * @property {string} [usage] What --help has in its place.
 * @property {string} [option] That of diagnose() which it becomes.
 * @property {(text: any, name: string) => unknown} [read] Default: as it is.
 */

class UsageError extends Error {}

/**
 * @param {Facts[]} facts Of every provider: a new one brings its own options.
 * @returns {Option[]}
 */
const optionsOf = (facts) => [
  { name: 'provider', value: facts.map(({ id }) => id).join('|') || 'PROVIDER', text: 'the provider to check (default: all)', option: 'provider' },
  { name: 'uid', value: 'N', usage: '--uid N --gid N', text: 'the target user of the CLI\n(default: the user who runs this command)', option: 'uid', read: number },
  { name: 'gid', value: 'N', option: 'gid', read: number },
  { name: 'groups', value: 'N,N', text: "the target user's supplementary groups", option: 'groups', read: numbers },
  { name: 'workspace', value: 'DIR', text: "the tenant's workspace", option: 'workspace' },
  { name: 'home', value: 'DIR', text: 'HOME of the CLI', option: 'home' },
  { name: 'tmp-dir', value: 'DIR', text: 'TMPDIR of the CLI', option: 'tmpDir' },
  ...facts.map(({ stateOption, stateVariable }) => ({ name: flag(stateOption), value: 'DIR', text: `${stateVariable} of the CLI`, option: stateOption })),
  { name: 'command', value: 'PROGRAM', text: 'the program of --provider (default: the one on PATH)', option: 'command' },
  { name: 'prefix', value: 'DIR', text: 'the directory where remedies install programs\n(default: /opt/provider-env)', option: 'prefix' },
  { name: 'no-start', text: 'do not start the CLIs against a mock of their API', option: 'start', read: () => false },
  { name: 'json', text: 'print only the report, as JSON' },
  { name: 'help', text: 'print this help' },
  { name: 'version', text: 'print the version of the package' }
]

/** The rows of every option, for --help. @param {Facts[]} facts */
function helpOf(facts) {
  const rows = optionsOf(facts).flatMap(({ name, value, usage = `--${name}${value ? ` ${value}` : ''}`, text }) => (text ? [{ usage, lines: text.split('\n') }] : []))
  const width = Math.max(...rows.map(({ usage }) => usage.length)) + 2
  return rows.flatMap(({ usage, lines }) => lines.map((line, index) => `  ${(index === 0 ? usage : '').padEnd(width)}${line}`)).join('\n')
}

/**
 * @param {string[]} args
 * @param {Facts[] | null} facts Null where the addon does not load: then nobody knows every option.
 */
function readArguments(args, facts) {
  const known = optionsOf(facts ?? [])
  const values = parse(args, known, facts !== null)
  const given = known.filter(({ name, option }) => option !== undefined && values[name] !== undefined)
  /** @type {Record<string, any>} */
  const options = Object.fromEntries(given.map(({ name, option, read }) => [option, read ? read(values[name], name) : values[name]]))
  if ((options.uid === undefined) !== (options.gid === undefined)) throw new UsageError('--uid and --gid must be passed together')
  return { options, json: values.json === true, help: values.help === true, version: values.version === true }
}

/**
 * @param {string[]} args
 * @param {Option[]} known
 * @param {boolean} strict
 * @returns {Record<string, any>}
 */
function parse(args, known, strict) {
  const options = Object.fromEntries(known.map(({ name, value }) => [name, { type: /** @type {'string' | 'boolean'} */ (value ? 'string' : 'boolean'), ...(name === 'help' ? { short: 'h' } : {}) }]))
  try {
    return parseArgs({ args, options, strict, allowPositionals: !strict }).values
  } catch (error) {
    throw new UsageError(types.isNativeError(error) ? error.message.split('. ')[0] : 'the options are invalid')
  }
}

/** @param {string} text @param {string} name */
function number(text, name) {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new UsageError(`--${name} must be a number`)
}

/** @param {string} text @param {string} name */
function numbers(text, name) {
  if (/^\d{1,10}(,\d{1,10})*$/.test(text)) return text.split(',').map(Number)
  throw new UsageError(`--${name} must be numbers, separated by commas`)
}

/** What diagnose() says of an option, with the option as it is typed here. @param {string} message */
function asTyped(message) {
  return message.replace(/\boptions\.(\w+)/g, (_, name) => `--${flag(name)}`)
}

module.exports = { UsageError, asTyped, helpOf, number, numbers, readArguments }
