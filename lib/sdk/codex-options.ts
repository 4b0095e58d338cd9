// codexOptions(): the Codex SDK's options. The SDK starts the CLI itself, so the key must go into its `env`.

import path from 'node:path'
import { binding } from '../internal/binding.ts'
import { translate, providerError } from '../internal/errors.ts'
import { isTrusted, unsupported } from '../process/launch.ts'
import { credentialOf, nativeOf, toObject } from '../environment/provider-env.ts'
import { packageRoots } from '../process/package-roots.ts'
import { resolveProgram } from '../process/resolve-program.ts'
import * as validate from '../internal/validate.ts'
import type { ProviderEnv } from '../environment/provider-env.ts'

/** How the Codex SDK is to start the CLI. The SDK starts it itself, so the worker must already run as the target. */
export interface CodexLaunch {
  /**
   * The directory that threads work in: it must be the `workingDirectory` of each, or that directory is trusted in
   * spite of `"untrusted"` (Codex up to 0.166), or not trusted in spite of `"trusted"` (0.169). Default: `workspace.dir`; one of the two is needed unless the workspace is trusted.
   */
  cwd?: string | undefined
  command?: string | undefined
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /** The SDK takes the key as a JS string in `env`. Saying `true` is what lets it out. */
  exposeSecrets?: boolean | undefined
  allowRoot?: boolean | undefined
}

/** What {@link codexOptions} returns: pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  /** Has the key, and in an untrusted workspace `GIT_DIR`, which hides the repository from Codex's own `git`. */
  env: Record<string, string>
  /**
   * Raw `--config` overrides: what keeps the key out of the agent's shell, what keeps the workspace from configuring
   * the CLI, and the base URL.
   */
  configOverrides: string[]
}

const OPTIONS = ['cwd', 'command', 'workspaceTrust', 'exposeSecrets', 'allowRoot', 'uid', 'gid'] as const

/**
 * Options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` when `env` is not for `codex`, without `exposeSecrets: true`, for a Codex SDK
 * before 0.149.0 in `node_modules` of the main module, which would ignore the protections, or with the
 * server's key, which the SDK cannot keep from `config.toml` in `CODEX_HOME`; `ERR_PROVIDER_CA_FILE_UNUSABLE`;
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`; what
 * {@link resolveProgram} throws.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` when no directory is named and the workspace is untrusted, or when a directory
 * or the base URL contains a secret.
 */
export function codexOptions(env: ProviderEnv, launch: CodexLaunch): CodexOptions {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'what buildProviderEnv() returns', env)
  if (native.provider !== 'codex') throw unsupported(`codexOptions() is for codex, and this environment is for ${native.provider}.`)
  const ownLaunch = validate.options('launch', launch, OPTIONS)
  if (ownLaunch.exposeSecrets !== true) {
    throw unsupported(
      'The Codex SDK takes the key as a JS string in its env, which cannot be wiped. Say exposeSecrets: true to let it out, or use spawnProvider().',
      'exposeSecrets'
    )
  }
  if (ownLaunch.uid !== undefined || ownLaunch.gid !== undefined) {
    throw unsupported(
      'The Codex SDK starts the CLI as the worker itself: it knows no uid. Drop the worker first, or use spawnProvider().',
      'uid'
    )
  }
  if (process.geteuid?.() === 0 && ownLaunch.allowRoot !== true) {
    throw providerError({
      code: 'ERR_PROVIDER_PRIVILEGE_REFUSED',
      message:
        'The Codex SDK starts the CLI as this process, which is root. Drop the worker first (docs/migration.md), use spawnProvider(), or say allowRoot: true.',
      provider: 'codex'
    })
  }
  const { owner, source } = credentialOf(env)
  if (owner === 'server') {
    const option = source === 'server' ? 'serverCredentials' : 'credentialOwner'
    throw unsupported(
      "The Codex SDK cannot keep the CLI from config.toml and .env in CODEX_HOME, which can send the server's key elsewhere. Use spawnProvider(), or give the workspace's own key.",
      option
    )
  }
  translate(() => binding.checkSdk('codex', [], packageRoots()))
  const trusted = isTrusted(ownLaunch.workspaceTrust)
  const variables = toObject(
    translate(() => [...native.exposeSecrets(), ...native.guardVariables(trusted), native.authority() ?? []].flat())
  )
  const program = resolveProgram('codex', {
    command: ownLaunch.command as string,
    allowRoot: ownLaunch.allowRoot as boolean,
    path: variables.PATH
  })
  const directories = names([native.facts.workspaceDir, validate.optionalString('launch.cwd', ownLaunch.cwd)])
  if (!trusted && directories.length === 0) {
    throw validate.wrongValue('launch.cwd', "must name the threads' workingDirectory, or it would be trusted. Or give workspace.dir.")
  }
  return {
    codexPathOverride: program.path,
    env: variables,
    configOverrides: translate(() => native.configOverrides(directories, trusted))
  }
}

/**
 * Each directory by its given and its real name: Codex compares the real one. Node's own realpathSync() would be held for
 * tens of seconds by a tenant's maze of links.
 */
function names(given: (string | null | undefined)[]) {
  const all = given.filter((dir) => typeof dir === 'string').flatMap((dir) => [path.resolve(dir), binding.realPath(dir) ?? dir])
  return [...new Set(all)]
}
