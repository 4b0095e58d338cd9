// resolveProgram(): finds a provider's program, and proves that the target user can run it.

import type { ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { variable } from '../internal/environment-variable.ts'
import { bare, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import { IDS, readIds } from './launch.ts'
import { packageRoots } from './package-roots.ts'
import { warnOfUntested } from './untested-version.ts'

/** Options of {@link resolveProgram}. */
export interface ResolveOptions {
  command?: string | undefined
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  allowRoot?: boolean | undefined
  /** Default: `process.env.PATH`. Entries that are not absolute are skipped. */
  path?: string | undefined
}

/** The executable file of a CLI. It was verified that the target user can run it. */
export interface Program {
  /** Absolute, without symlinks. */
  readonly path: string
  /** The path that was found first: on `PATH`, in `node_modules`, or as `command`. */
  readonly foundAt: string
  readonly foundBy: 'command' | 'path' | 'npm-package'
  /** `native`: an executable that the kernel loads itself. `script`: a file with an interpreter. */
  readonly kind: 'native' | 'script'
  /** The absolute path of the script's interpreter. */
  readonly interpreter: string | null
  /**
   * The version according to the package that contains the program, the file beside it, or the file name that the
   * native installer uses; the oldest one if they differ. `null` if none of them states a version, or if users other
   * than root and this process can change the file that does.
   */
  readonly version: string | null
  /**
   * Whether the version is in the range that this package was tested with. `false`: it is newer, and there is a warning
   * (`PROVIDER_CLI_UNTESTED`, once per version). `null`: the version is unknown; there is the same warning, and Claude
   * Code is not started with the server's key. An older version is an error.
   */
  readonly tested: boolean | null
}

/**
 * Finds a provider's program and proves that the target user can run it: every directory of the real path, the file,
 * and its dynamic loader or interpreter. A candidate that cannot be run is skipped. The call is synchronous: it makes a
 * few file system look-ups and, for another uid, starts one or two short-lived processes. If a file system does not
 * answer, it gives up after 2 s.
 *
 * @throws {ProviderError} `ERR_PROVIDER_PROGRAM_NOT_FOUND`; `ERR_PROVIDER_PROGRAM_OUTDATED` for a version that is not
 * supported or cannot be parsed; `ERR_PROVIDER_PROGRAM_UNREACHABLE`, whose `path` is the first component that blocks
 * the way, or the file that cannot be run, and whose message gives the reason and the remedy;
 * `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_PRIVILEGE_FAILED`; `ERR_PROVIDER_SPAWN_FAILED`, also if a file system
 * does not answer.
 */
export function resolveProgram(provider: ProviderId, options?: ResolveOptions): Program {
  if (typeof provider !== 'string') throw validate.wrongType('provider', 'a string', provider)
  validate.wellFormed('provider', provider)
  const read = validate.options('options', options, [...IDS, 'command', 'path'])
  const command = validate.optionalString('options.command', read.command)
  const path = validate.optionalString('options.path', read.path) ?? variable('PATH') ?? ''
  const query = { provider, command, path, packageRoots: packageRoots(), ids: readIds(read) }
  const found = bare(translate(() => binding.resolveProgram(query)))
  warnOfUntested(found.untested)
  return Object.freeze({
    path: found.path,
    foundAt: found.foundAt,
    foundBy: found.foundBy,
    kind: found.interpreter == null ? 'native' : 'script',
    interpreter: found.interpreter ?? null,
    version: found.version ?? null,
    tested: found.tested ?? null
  })
}
