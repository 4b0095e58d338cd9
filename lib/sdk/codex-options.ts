// codexOptions(): returns options for the Codex SDK, which starts the CLI itself and therefore needs the key, or the
// broker's token, in its `env`.

import path from 'node:path'
import type { NativeGrant, NativeProviderEnv } from '../../binding.js'
import type { ProviderEnv } from '../environment/provider-env.ts'
import { credentialOf, nativeOf, toObject } from '../environment/provider-env.ts'
import { binding } from '../internal/binding.ts'
import { fromNative, providerError, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import { isTrusted, unsupported } from '../process/launch.ts'
import { packageRoots } from '../process/package-roots.ts'
import { resolveProgram } from '../process/resolve-program.ts'

/**
 * How the Codex SDK starts the CLI. The SDK starts the CLI itself, so the worker must already run as the target user.
 */
export interface CodexLaunch {
  /**
   * The directory in which threads work. It must be the `workingDirectory` of each thread; otherwise that directory is
   * trusted despite `"untrusted"` (Codex up to 0.166), or not trusted despite `"trusted"` (0.169). Default:
   * `workspace.dir`. One of the two is required unless the workspace is trusted.
   */
  cwd?: string | undefined
  command?: string | undefined
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * `"broker"`: the SDK gets a token that is worth nothing outside this launch, and the broker of this process adds the key
   * (`docs/broker.md`). `"env"`: it gets the key. Default: `"auto"`, which is `"broker"` on Linux, elsewhere `"env"`.
   */
  delivery?: 'auto' | 'broker' | 'env' | undefined
  /**
   * Must be `true` if `env` of the result contains a secret, which is then a JavaScript string that cannot be wiped: with
   * delivery `"env"` the key, with any delivery a session cookie or values of `userEnvKeys`.
   */
  exposeSecrets?: boolean | undefined
  allowRoot?: boolean | undefined
}

/** The return value of {@link codexOptions}. Pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  /** Contains the key or the broker's token and, in an untrusted workspace, `GIT_DIR`, which hides the repository from Codex's own `git`. */
  env: Record<string, string>
  /**
   * Raw `--config` overrides, which keep the key out of the agent's shell, keep the workspace from configuring the CLI,
   * and set the base URL.
   */
  configOverrides: string[]
  /**
   * Ends the launch: the broker refuses its token from now on. Call it when no thread runs any more. Without this call,
   * the token is good until this process ends. With delivery `"env"` it does nothing.
   */
  dispose(): void
  [Symbol.dispose](): void
}

const OPTIONS = validate.members({
  cwd: true,
  command: true,
  delivery: true,
  workspaceTrust: true,
  exposeSecrets: true,
  allowRoot: true,
  uid: true,
  gid: true
} satisfies Record<keyof CodexLaunch | 'uid' | 'gid', true>)

/**
 * Returns options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if `env` is not for `codex`, without `exposeSecrets: true` if it is
 * needed, with delivery `"broker"` on a system that has no broker, for a
 * Codex SDK before 0.149.0 in `node_modules` of the main module, which would ignore the protections, or with
 * delivery `"env"` and the server's key, which the SDK cannot protect from `config.toml` in `CODEX_HOME`; `ERR_PROVIDER_CA_FILE_UNUSABLE`;
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`; the
 * errors of {@link resolveProgram}.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` if no directory is named and the workspace is untrusted, if `cwd` is
 * empty or contains a NUL byte, or if a directory or the base URL contains a secret.
 */
export function codexOptions(env: ProviderEnv, launch?: CodexLaunch): CodexOptions {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  if (native.provider !== 'codex')
    throw unsupported(`codexOptions() needs an environment for codex, but this one is for ${native.provider}.`)
  const ownLaunch = validate.options('launch', launch, OPTIONS)
  const byBroker = usesBroker(native, ownLaunch.delivery)
  const exposes = byBroker ? translate(() => native.hasOtherSecrets()) : true
  const cwd = readDirectory('launch.cwd', ownLaunch.cwd)
  if (exposes && ownLaunch.exposeSecrets !== true) {
    const what = byBroker ? 'the session cookie and the values of userEnvKeys as JavaScript strings' : 'the key as a JavaScript string'
    throw unsupported(
      `The Codex SDK needs ${what} in its env, which cannot be wiped. Pass exposeSecrets: true to allow this, or use spawnProvider().`,
      'exposeSecrets'
    )
  }
  if (ownLaunch.uid !== undefined || ownLaunch.gid !== undefined) {
    throw unsupported(
      'The Codex SDK starts the CLI as the user of the worker, because it has no option for a uid. Drop privileges in the worker first, or use spawnProvider().',
      'uid'
    )
  }
  if (process.geteuid?.() === 0 && ownLaunch.allowRoot !== true) {
    throw providerError({
      code: 'ERR_PROVIDER_PRIVILEGE_REFUSED',
      message:
        'The Codex SDK starts the CLI as the user of this process, which is root. Drop privileges in the worker first (docs/migration.md), use spawnProvider(), or pass allowRoot: true.',
      provider: 'codex'
    })
  }
  const { owner, source } = credentialOf(env)
  if (!byBroker && owner === 'server') {
    const option = source === 'server' ? 'serverCredentials' : 'credentialOwner'
    throw unsupported(
      'The Codex SDK cannot stop the CLI from reading config.toml and .env in CODEX_HOME, which can send the server\'s key elsewhere. Use delivery "auto", spawnProvider(), or the workspace\'s own key.',
      option
    )
  }
  translate(() => binding.checkSdk('codex', [], packageRoots()))
  const trusted = isTrusted(ownLaunch.workspaceTrust)
  const program = resolveProgram('codex', {
    command: ownLaunch.command as string,
    allowRoot: ownLaunch.allowRoot as boolean,
    path: translate(() => native.get('PATH')) ?? undefined
  })
  const directories = names([native.facts.workspaceDir, cwd])
  if (!trusted && directories.length === 0) {
    throw validate.wrongValue(
      'launch.cwd',
      "must name the threads' workingDirectory, because the CLI would trust it otherwise. You can pass workspace.dir instead."
    )
  }
  const grant = byBroker ? translate(() => native.grant()) : undefined
  try {
    const own = translate(() => (grant ? native.brokeredVariables(grant) : native.exposeSecrets()))
    const guards = translate(() => [...native.guardVariables(trusted, grant !== undefined), native.authority() ?? []].flat())
    const dispose = () => {
      if (!grant) return
      grant.dispose()
      granted.delete(grant)
    }
    const configOverrides = translate(() => native.configOverrides(directories, trusted, grant))
    if (grant) granted.add(grant)
    return {
      codexPathOverride: program.path,
      env: toObject([...own, ...guards]),
      configOverrides,
      dispose,
      [Symbol.dispose]: dispose
    }
  } catch (error) {
    grant?.dispose()
    throw error
  }
}

const DELIVERIES = ['auto', 'broker', 'env']

/** The SDK copies the options. A grant that nobody refers to would be collected, and end, while its threads run. */
const granted: Set<NativeGrant> = new Set()

/** @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if the broker was requested and there is none. */
function usesBroker(native: NativeProviderEnv, value: unknown) {
  const delivery = validate.optionalWord('launch.delivery', value, DELIVERIES) ?? 'auto'
  if (delivery === 'env') return false
  const reason = translate(() => native.brokerSupport())
  if (reason && delivery === 'broker') throw fromNative(reason)
  return !reason
}

function readDirectory(name: string, value: unknown) {
  const directory = validate.optionalString(name, value)
  if (directory === '' || directory?.includes('\0')) throw validate.wrongValue(name, 'must be a path without a NUL byte.')
  return directory
}

/**
 * Each directory by its given and its real name: Codex compares the real one. Node's own realpathSync() would be held for
 * tens of seconds by a tenant's maze of links.
 */
function names(given: (string | null | undefined)[]) {
  const all = given.filter((dir) => typeof dir === 'string').flatMap((dir) => [path.resolve(dir), binding.realPath(dir) ?? dir])
  return [...new Set(all)]
}
