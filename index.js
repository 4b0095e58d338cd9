// The CommonJS door: named exports only.
'use strict'

// All of it now: a worker that drops its privileges later may not be able to read its own node_modules any more.
const { buildProviderEnv } = require('./lib/build-provider-env.js')
const { claudeAgentOptions } = require('./lib/claude-agent-options.js')
const { codexOptions } = require('./lib/codex-options.js')
const { ProviderError } = require('./lib/errors.js')
const { ProviderEnv } = require('./lib/provider-env.js')
const { ProviderProcess } = require('./lib/provider-process.js')
const { Lockbox } = require('./lib/lockbox.js')
const { hardenWorker, memoryProtection } = require('./lib/memory-protection.js')
const { Recipient, createRecipient } = require('./lib/recipient.js')
const { Redactor } = require('./lib/redactor.js')
const { resolveProgram } = require('./lib/resolve-program.js')
const { Secret } = require('./lib/secret.js')
const { ServerCredentials, takeServerCredentials } = require('./lib/server-credentials.js')
const { spawnProvider } = require('./lib/spawn-provider.js')

/**
 * Loaded by the first call: it adds nothing to the load of the package, and few workers ever call it.
 * @param {import('./index').DiagnoseOptions} [options]
 */
function diagnose(options) {
  return require('./lib/doctor/index.js').diagnose(options)
}

module.exports = {
  Lockbox,
  ProviderEnv,
  ProviderError,
  ProviderProcess,
  Recipient,
  Redactor,
  Secret,
  ServerCredentials,
  buildProviderEnv,
  claudeAgentOptions,
  codexOptions,
  createRecipient,
  diagnose,
  hardenWorker,
  memoryProtection,
  resolveProgram,
  spawnProvider,
  takeServerCredentials
}
