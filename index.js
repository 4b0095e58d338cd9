// The CommonJS door: named exports only.
'use strict'

// All of it now: a worker that drops its privileges later may not be able to read its own node_modules any more.
const { buildProviderEnv } = require('./lib/build-provider-env.js')
const { claudeAgentOptions } = require('./lib/claude-agent-options.js')
const { codexOptions } = require('./lib/codex-options.js')
const { ProviderError } = require('./lib/errors.js')
const { ProviderEnv } = require('./lib/provider-env.js')
const { ProviderProcess } = require('./lib/provider-process.js')
const { resolveProgram } = require('./lib/resolve-program.js')
const { ServerCredentials, takeServerCredentials } = require('./lib/server-credentials.js')
const { spawnProvider } = require('./lib/spawn-provider.js')

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
