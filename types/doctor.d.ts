// The types of the doctor: diagnose() and the report that `provider-env doctor --json` prints.
import type { ProviderId } from '../index.js'
import type { StateDirectories } from './providers.js'

/** How bad a finding is. `info` asks for nothing. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'

/**
 * Options of {@link diagnose}. Paths may be relative to the working directory of this process. A state directory that is not
 * given is this process's own where the target is its own uid.
 */
export interface DiagnoseOptions extends StateDirectories {
  /** The provider to look at. Default: every one. */
  provider?: ProviderId | undefined
  /** Whom the CLI becomes. Default: this process's own effective ids. */
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  /** The tenant's workspace. Default: none, and its files are not looked at. */
  workspace?: string | undefined
  /** `HOME` of the CLI. Default: this process's own where the target is its own uid, else none. */
  home?: string | undefined
  /** `TMPDIR` of the CLI. Default: this process's own, else `/tmp`. */
  tmpDir?: string | undefined
  /** The program, as in `SpawnOptions`. Needs `provider`. */
  command?: string | undefined
  /** The `PATH` that the program is looked for on. Default: `process.env.PATH`. */
  path?: string | undefined
  /** Where the commands of remedies install programs. Default: `/opt/provider-env`. */
  prefix?: string | undefined
  /** Whether to start each CLI once against a mock of its API on 127.0.0.1. Default: true. */
  start?: boolean | undefined
  /** How long such a start may take, in milliseconds. Default: 30 000. */
  startTimeoutMs?: number | undefined
}

/** One thing that was looked at. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions: for scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that it is about; `null` for the machine and the target. */
  readonly provider: ProviderId | null
  /** What is so, as one or two English sentences. No value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` where nothing is to be done. */
  readonly remedy: string | null
  /**
   * The commands that mend it, quoted for a POSIX shell, to be run one after the other in one shell: `export PATH=…`
   * among them changes that shell's own. Read them first: most need root. What the target has to do is run by
   * `provider-env run-as`. Empty where no command can mend it.
   */
  readonly commands: readonly string[]
  /** The file or directory that it is about. */
  readonly path: string | null
  /** Particulars, by finding: numbers, names and paths. JSON can hold them. May gain fields in any version. */
  readonly details: Readonly<Record<string, unknown>>
}

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** Of this shape: 1. */
  readonly schemaVersion: number
  /** Of the package. */
  readonly version: string
  /** Whether no finding is worse than `info`. */
  readonly ok: boolean
  readonly worst: Severity
  readonly target: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** Those that were looked at, and what people call them. */
  readonly providers: readonly { readonly id: ProviderId; readonly name: string }[]
  readonly durationMs: number
  /** The machine and the target first, then each provider; `target.unseen`, which says what was not looked at, is last. */
  readonly findings: readonly Finding[]
}

/**
 * Looks at everything that a start needs, and at what could leak or redirect a key: the same as `provider-env doctor`.
 * It changes nothing; the dry start of each CLI (see `start`) has fresh directories below the temporary directory,
 * a made-up key, and a mock of the API on 127.0.0.1, and leaves nothing behind.
 *
 * Meant for a person or a health check, not for every request: it starts processes. Its code is loaded by the first
 * call, so make that before the worker drops its privileges.
 *
 * Rejects with a `TypeError` for a wrong option, and `ERR_PROVIDER_PRIVILEGE_REFUSED` for half an identity or an
 * impossible id. Whatever else it meets is a finding.
 */
export function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>
