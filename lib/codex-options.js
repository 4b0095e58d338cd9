// codexOptions(): returns options for the Codex SDK, which starts the CLI itself and therefore needs the key in its
// `env`.
'use strict'

const path = require('node:path')
const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')
const { isTrusted, unsupported } = require('./launch.js')
const { credentialOf, nativeOf, toObject } = require('./provider-env.js')
const { packageRoots } = require('./package-roots.js')
const { resolveProgram } = require('./resolve-program.js')
const validate = require('./validate.js')

const OPTIONS = /** @type {const} */ (['cwd', 'command', 'workspaceTrust', 'exposeSecrets', 'allowRoot', 'uid', 'gid'])

/**
 * @param {import('../index').ProviderEnv} env
 * @param {import('../index').CodexLaunch} value
 * @returns {import('../index').CodexOptions}
 */
function codexOptions(env, value) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  if (native.provider !== 'codex') throw unsupported(`codexOptions() needs an environment for codex, but this one is for ${native.provider}.`)
  const launch = validate.options('launch', value, OPTIONS)
  if (launch.exposeSecrets !== true) {
    throw unsupported('The Codex SDK needs the key as a JavaScript string in its env, which cannot be wiped. Pass exposeSecrets: true to allow this, or use spawnProvider().', 'exposeSecrets')
  }
  if (launch.uid !== undefined || launch.gid !== undefined) {
    throw unsupported('The Codex SDK starts the CLI as the user of the worker, because it has no option for a uid. Drop privileges in the worker first, or use spawnProvider().', 'uid')
  }
  if (process.geteuid?.() === 0 && launch.allowRoot !== true) {
    throw new ProviderError({
      code: 'ERR_PROVIDER_PRIVILEGE_REFUSED',
      message: 'The Codex SDK starts the CLI as the user of this process, which is root. Drop privileges in the worker first (docs/migration.md), use spawnProvider(), or pass allowRoot: true.',
      provider: 'codex'
    })
  }
  const { owner, source } = credentialOf(env)
  if (owner === 'server') {
    const option = source === 'server' ? 'serverCredentials' : 'credentialOwner'
    throw unsupported("The Codex SDK cannot stop the CLI from reading config.toml and .env in CODEX_HOME, which can send the server's key elsewhere. Use spawnProvider(), or pass the workspace's own key.", option)
  }
  translate(() => binding.checkSdk('codex', [], packageRoots()))
  const trusted = isTrusted(launch.workspaceTrust)
  const variables = toObject(translate(() => [...native.exposeSecrets(), ...native.guardVariables(trusted), native.authority() ?? []].flat()))
  const program = resolveProgram('codex', { command: launch.command, allowRoot: launch.allowRoot, path: variables.PATH })
  const directories = names([native.facts.workspaceDir, validate.optionalString('launch.cwd', launch.cwd)])
  if (!trusted && directories.length === 0) {
    throw validate.wrongValue('launch.cwd', "must name the threads' workingDirectory, because the CLI would trust it otherwise. You can pass workspace.dir instead.")
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
 * @param {(string | null | undefined)[]} given
 */
function names(given) {
  const all = given.filter((dir) => typeof dir === 'string').flatMap((dir) => [path.resolve(dir), binding.realPath(dir) ?? dir])
  return [...new Set(all)]
}

module.exports = { codexOptions }
