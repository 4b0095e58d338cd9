// The CommonJS door: named exports only.
//
// What few workers use is loaded when it is first called: loading is paid by every start of a worker.
'use strict'

const { buildProviderEnv } = require('./lib/build-provider-env.js')
const { ProviderError } = require('./lib/errors.js')
const { ProviderEnv } = require('./lib/provider-env.js')
const { ProviderProcess } = require('./lib/provider-process.js')
const { ServerCredentials, takeServerCredentials } = require('./lib/server-credentials.js')
const { spawnProvider } = require('./lib/spawn-provider.js')

/** @type {typeof import('./lib/claude-agent-options.js').claudeAgentOptions} */
function claudeAgentOptions(env, launch) {
  return require('./lib/claude-agent-options.js').claudeAgentOptions(env, launch)
}

/** @type {typeof import('./lib/codex-options.js').codexOptions} */
function codexOptions(env, launch) {
  return require('./lib/codex-options.js').codexOptions(env, launch)
}

/** @type {typeof import('./lib/resolve-program.js').resolveProgram} */
function resolveProgram(provider, options) {
  return require('./lib/resolve-program.js').resolveProgram(provider, options)
}

module.exports = {
  ProviderEnv,
  ProviderError,
  ProviderProcess,
  ServerCredentials,
  buildProviderEnv,
  claudeAgentOptions,
  codexOptions,
  resolveProgram,
  spawnProvider,
  takeServerCredentials
}
