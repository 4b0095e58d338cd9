// resolveProgram(): where a provider's program is, and whether the target can run it.

import { binding } from '../internal/binding.ts'
import { variable } from '../internal/environment-variable.ts'
import { bare, translate } from '../internal/errors.ts'
import { IDS, readIds } from './launch.ts'
import { packageRoots } from './package-roots.ts'
import { warnOfUntested } from './untested-version.ts'
import * as validate from '../internal/validate.ts'
import type { ProviderId } from '../../binding.js'

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

/** The executable file of a CLI, proved reachable as the target ids. */
export interface Program {
  /** Absolute, without symlinks. */
  readonly path: string
  /** What was found first: on `PATH`, in `node_modules`, or as `command`. */
  readonly foundAt: string
  readonly foundBy: 'command' | 'path' | 'npm-package'
  /** `native`: an executable the kernel loads itself. `script`: one with an interpreter. */
  readonly kind: 'native' | 'script'
  /** The script's interpreter, absolute. */
  readonly interpreter: string | null
  /**
   * From the package that the program belongs to, the file beside it, or the native installer's file name, the oldest where
   * they disagree; `null` when none of them tells, or others than root and this process can change what does.
   */
  readonly version: string | null
  /**
   * Whether the version is in the range that this package was tested with. `false`: it is newer, which a warning
   * (`PROVIDER_CLI_UNTESTED`, once per version) says too. `null`: the version is unknown, which is warned of in the same way, and
   * Claude Code is then not started on the server's key. An older version is an error.
   */
  readonly tested: boolean | null
}

/**
 * Finds a provider's program and proves that the target ids can run it: every directory of the real path, the file, and
 * what runs it (a dynamic loader, a script's interpreter). A candidate that nobody could run is passed over. Synchronous: a
 * few file system look-ups and, where ids differ, one or two short-lived processes.
 * A file system that does not answer is given up after 2 s.
 *
 * @throws {ProviderError} `ERR_PROVIDER_PROGRAM_NOT_FOUND`; `ERR_PROVIDER_PROGRAM_OUTDATED` for a version that is not
 * started, or is told and cannot be understood; `ERR_PROVIDER_PROGRAM_UNREACHABLE`, whose `path` is the first component in the way, or the file that nobody could run, and whose message has the reason and the remedy; `ERR_PROVIDER_PRIVILEGE_REFUSED`,
 * `ERR_PROVIDER_PRIVILEGE_FAILED`; `ERR_PROVIDER_SPAWN_FAILED`, also where a file system does not answer.
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
    foundBy: found.foundBy as Program['foundBy'],
    kind: found.interpreter == null ? 'native' : 'script',
    interpreter: found.interpreter ?? null,
    version: found.version ?? null,
    tested: found.tested ?? null
  })
}
