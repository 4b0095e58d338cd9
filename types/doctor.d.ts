// The types of the doctor: diagnose() and the report that `provider-env doctor --json` prints.
import type { ProviderId } from '../index.js'
import type { StateDirectories } from './providers.js'

/** The severity of a finding. `info` requires no action. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'

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
  /** The `PATH` on which the program is searched. Default: `process.env.PATH`. */
  path?: string | undefined
  /** The directory where the commands of remedies install programs. Default: `/opt/provider-env`. */
  prefix?: string | undefined
  /** Whether to start each CLI once with a mock of its API on 127.0.0.1. Default: true. */
  start?: boolean | undefined
  /** The time limit of such a start, in milliseconds. Default: 30 000. */
  startTimeoutMs?: number | undefined
}

/** The result of one check. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions, for use in scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that the finding is about; `null` for the machine and the target user. */
  readonly provider: ProviderId | null
  /** What was found, in one or two English sentences. It contains no value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` if no action is required. */
  readonly remedy: string | null
  /**
   * The commands that fix it, quoted for a POSIX shell. Run them in order in one shell: `export PATH=…` changes the
   * `PATH` of that shell. Read them first, because most require root. Commands that the target user has to run use
   * `provider-env run-as`. Empty if no command can fix it.
   */
  readonly commands: readonly string[]
  /** The file or directory that the finding is about. */
  readonly path: string | null
  /**
   * Details that depend on the finding: numbers, names and paths, all of which JSON can represent. Any version may add
   * fields.
   */
  readonly details: Readonly<Record<string, unknown>>
}

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** The version of this format: 1. */
  readonly schemaVersion: number
  /** The version of the package. */
  readonly version: string
  /** Whether no finding is worse than `info`. */
  readonly ok: boolean
  readonly worst: Severity
  readonly target: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** The providers that were checked, with their names. */
  readonly providers: readonly { readonly id: ProviderId; readonly name: string }[]
  readonly durationMs: number
  /**
   * The machine and the target user come first, then each provider. `target.unseen`, which lists what was not checked,
   * is last.
   */
  readonly findings: readonly Finding[]
}

/**
 * Checks everything that a start needs, and what could leak or redirect a key, like `provider-env doctor`. It changes
 * nothing. The dry start of each CLI (see `start`) uses fresh directories below the temporary directory, a made-up key,
 * and a mock of the API on 127.0.0.1, and removes its files.
 *
 * Use it in a health check or by hand, not for every request, because it starts processes. The first call loads its
 * code, so make that call before the worker drops its privileges.
 *
 * Rejects with a `TypeError` for an invalid option, and with `ERR_PROVIDER_PRIVILEGE_REFUSED` if only one of `uid` and
 * `gid` is given or an id is out of range. Every other problem is a finding.
 */
export function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>
