// The context of a diagnosis: the options, and everything that the checks read from this process.

import path from 'node:path'
import type { IdentityRequest, ProviderFacts, ProviderId, StateDirectories } from '../../binding.js'
import { binding, packageRoots, readIds, translate, validate, variable } from './facade.ts'

/**
 * Options of {@link diagnose}. Paths may be relative to the working directory of this process. If the target is this
 * process's own uid, the default of a state directory is that of this process.
 */
export interface DiagnoseOptions extends StateDirectories {
  /** The provider to check. Default: all providers. */
  provider?: ProviderId | undefined
  /** The target user of the CLI. Default: the effective ids of this process. */
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  /** The tenant's workspace. Without it, the files of a workspace are not checked. */
  workspace?: string | undefined
  /** `HOME` of the CLI. Default: that of this process if the target is its own uid, otherwise none. */
  home?: string | undefined
  /** `TMPDIR` of the CLI. Default: that of this process, otherwise `/tmp`. */
  tmpDir?: string | undefined
  /** The program, as in `SpawnOptions`. Requires `provider`. */
  command?: string | undefined
  /** The `PATH` on which the program is looked up. Default: `process.env.PATH`. */
  path?: string | undefined
  /** The directory where the commands of remedies install programs. Default: `/opt/provider-env`. */
  prefix?: string | undefined
  /** Whether to start each CLI once with a mock of its API on 127.0.0.1. Default: true. */
  start?: boolean | undefined
  /** The time limit of such a start, in milliseconds. Default: 30 000. */
  startTimeoutMs?: number | undefined
}

/** Beside the state directory of each provider, by the option that its row names. */
const optionNames = () =>
  validate.members({
    uid: true,
    gid: true,
    groups: true,
    command: true,
    home: true,
    path: true,
    prefix: true,
    provider: true,
    start: true,
    startTimeoutMs: true,
    tmpDir: true,
    workspace: true
  } satisfies Record<Exclude<keyof DiagnoseOptions, keyof StateDirectories>, true>)
/** A user who owns nothing. */
export const STRANGER = Object.freeze({ uid: 65534, gid: 65534 })
/** Where the remedies install programs. */
export const DEFAULT_PREFIX = '/opt/provider-env'
/** Codex needs five seconds more if it looks for a network that does not exist. */
const DEFAULT_START_TIMEOUT_MS = 30_000

export type Facts = ProviderFacts & { id: ProviderId }

export interface Context {
  /** As the addon takes them. */
  ids: IdentityRequest
  target: { uid: number; gid: number }
  own: { uid: number; gid: number }
  /** Whether the caller named the target. */
  named: boolean
  /** Whether the kernel cannot be asked as the target: this process cannot become it. */
  byModeBits: boolean
  /** Whether the kernel can be asked as a user who is neither this process's nor the target. */
  asksStranger: boolean
  providers: Facts[]
  /** The child's PATH. */
  path: string
  command: string | undefined
  packageRoots: string[]
  prefix: string
  directories: { workspace?: string; home?: string; tmpDir: string }
  /** By provider. */
  states: Record<string, { path: string; given: boolean } | undefined>
  start: boolean
  startTimeoutMs: number
  /** What could not be looked at, and why; checks add to it. */
  unseen: string[]
}

export function readContext(value: unknown): Context {
  const all = translate(() => binding.providerFacts()) as Facts[]
  const options = validate.options('options', value, [...optionNames(), ...all.map(({ stateOption }) => stateOption)])
  // Whoever runs the doctor may be root; that is a finding, not a refusal.
  const ids = { ...readIds(options), allowRoot: true }
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const named = ids.uid !== undefined || ids.gid !== undefined
  const target = { uid: ids.uid ?? own.uid, gid: ids.gid ?? own.gid }
  const provider = validate.optionalWord(
    'options.provider',
    options.provider,
    all.map(({ id }) => id)
  )
  const command = validate.optionalString('options.command', options.command)
  if (command !== undefined && provider === undefined)
    throw validate.wrongValue('options.command', 'requires options.provider, because it is the program of one provider.')
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

/** An option that is a path; a relative one means this process's directory, as on any command line. */
function directory(name: string, value: unknown) {
  const given = validate.optionalString(`options.${name}`, value)
  if (given === undefined) return undefined
  if (given === '' || given.includes('\0')) throw validate.wrongValue(`options.${name}`, 'must be the path of a directory.')
  return path.resolve(given)
}

function absolute(value: string | undefined) {
  return value !== undefined && path.isAbsolute(value) ? path.resolve(value) : undefined
}

/**
 * A directory of this process, which also belongs to the target only if both are the same user.
 * @param name Of the variable.
 */
function ownDirectory(name: string, target: { uid: number }, own: { uid: number }) {
  return target.uid === own.uid ? absolute(variable(name)) : undefined
}

/** A provider's state directory: as the option says, as the CLI would find it, or unknown. */
function stateOf(facts: Facts, options: Record<string, unknown>, home: string | undefined, target: { uid: number }, own: { uid: number }) {
  const given = directory(facts.stateOption, options[facts.stateOption]) ?? ownDirectory(facts.stateVariable, target, own)
  if (given !== undefined) return { path: given, given: true }
  return home === undefined ? undefined : { path: path.join(home, facts.stateBelowHome), given: false }
}
