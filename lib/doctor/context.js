// The context of a diagnosis: the options, and everything that the checks read from this process.
'use strict'

const path = require('node:path')
const binding = require('../binding.js')
const { variable } = require('../environment-variable.js')
const { translate } = require('../errors.js')
const { IDS, readIds } = require('../launch.js')
const { packageRoots } = require('../package-roots.js')
const validate = require('../validate.js')

/** Beside the state directory of each provider, by the option that its row names. */
const OPTIONS = /** @type {const} */ ([
  ...IDS.filter((name) => name !== 'allowRoot'),
  'command',
  'home',
  'path',
  'prefix',
  'provider',
  'start',
  'startTimeoutMs',
  'tmpDir',
  'workspace'
])
/** Nobody in particular: ids that own nothing. */
const STRANGER = Object.freeze({ uid: 65534, gid: 65534 })
/** Where the remedies install programs. */
const DEFAULT_PREFIX = '/opt/provider-env'
/** Codex needs five seconds more where it looks for a network that is not there. */
const DEFAULT_START_TIMEOUT_MS = 30_000

/** @typedef {import('../../binding').ProviderFacts & { id: import('../../index').ProviderId }} Facts */

/**
 * @typedef {object} Context
 * @property {import('./ask.js').Ids} ids As the addon takes them.
 * @property {{ uid: number, gid: number }} target
 * @property {{ uid: number, gid: number }} own
 * @property {boolean} named Whether the caller named the target.
 * @property {boolean} byModeBits Whether the kernel cannot be asked as the target: this process cannot become it.
 * @property {boolean} asksStranger Whether the kernel can be asked as somebody who is neither us nor the target.
 * @property {Facts[]} providers
 * @property {string} path The child's PATH.
 * @property {string | undefined} command
 * @property {string[]} packageRoots
 * @property {string} prefix
 * @property {{ workspace?: string, home?: string, tmpDir: string }} directories
 * @property {Record<string, { path: string, given: boolean } | undefined>} states By provider.
 * @property {boolean} start
 * @property {number} startTimeoutMs
 * @property {string[]} unseen What could not be looked at, and why; checks add to it.
 */

/**
 * @param {any} value
 * @returns {Context}
 */
function readContext(value) {
  const all = /** @type {Facts[]} */ (translate(() => binding.providerFacts()))
  const options = validate.options('options', value, [...OPTIONS, ...all.map(({ stateOption }) => stateOption)])
  // Whoever runs the doctor may be root; that is a finding, not a refusal.
  const ids = { ...readIds(options), allowRoot: true }
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const named = ids.uid !== undefined || ids.gid !== undefined
  const target = { uid: ids.uid ?? own.uid, gid: ids.gid ?? own.gid }
  const provider = validate.optionalWord('options.provider', options.provider, all.map(({ id }) => id))
  const command = validate.optionalString('options.command', options.command)
  if (command !== undefined && provider === undefined) throw validate.wrongValue('options.command', 'requires options.provider, because it is the program of one provider.')
  const home = directory('home', options.home) ?? ownDirectory('HOME', target, own)
  const providers = all.filter(({ id }) => provider === undefined || id === provider)
  return {
    ids,
    target,
    own,
    named,
    byModeBits: false,
    asksStranger: false,
    providers,
    path: validate.optionalString('options.path', options.path) ?? variable('PATH') ?? '',
    command,
    packageRoots: packageRoots(),
    prefix: directory('prefix', options.prefix) ?? DEFAULT_PREFIX,
    directories: {
      workspace: directory('workspace', options.workspace),
      home,
      tmpDir: directory('tmpDir', options.tmpDir) ?? absolute(variable('TMPDIR')) ?? '/tmp'
    },
    states: Object.fromEntries(providers.map((facts) => [facts.id, stateOf(facts, options, home, target, own)])),
    start: validate.optionalBoolean('options.start', options.start) ?? true,
    startTimeoutMs: validate.optionalMilliseconds('options.startTimeoutMs', options.startTimeoutMs) || DEFAULT_START_TIMEOUT_MS,
    unseen: []
  }
}

/**
 * An option that is a path; a relative one means this process's directory, as on any command line.
 * @param {string} name
 * @param {unknown} value
 */
function directory(name, value) {
  const given = validate.optionalString(`options.${name}`, value)
  if (given === undefined) return undefined
  if (given === '' || given.includes('\0')) throw validate.wrongValue(`options.${name}`, 'must be the path of a directory.')
  return path.resolve(given)
}

/** @param {string | undefined} value */
function absolute(value) {
  return value !== undefined && path.isAbsolute(value) ? path.resolve(value) : undefined
}

/**
 * A directory of this process's, which is the target's too only where the target is who we are.
 * @param {string} name Of the variable.
 * @param {{ uid: number }} target
 * @param {{ uid: number }} own
 */
function ownDirectory(name, target, own) {
  return target.uid === own.uid ? absolute(variable(name)) : undefined
}

/**
 * A provider's state directory: as the option says, as the CLI would find it, or unknown.
 * @param {Facts} facts
 * @param {any} options
 * @param {string | undefined} home
 * @param {{ uid: number }} target
 * @param {{ uid: number }} own
 */
function stateOf(facts, options, home, target, own) {
  const given = directory(facts.stateOption, options[facts.stateOption]) ?? ownDirectory(facts.stateVariable, target, own)
  if (given !== undefined) return { path: given, given: true }
  return home === undefined ? undefined : { path: path.join(home, facts.stateBelowHome), given: false }
}

module.exports = { DEFAULT_PREFIX, STRANGER, readContext }
