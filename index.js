// The CommonJS entry point, with named exports only.
'use strict'

// All of it now: a worker that drops its privileges later may not be able to read its own node_modules any more.
const { buildProviderEnv } = require('./lib/build-provider-env.js')
const { checkKey } = require('./lib/check-key.js')
const { claudeAgentOptions } = require('./lib/claude-agent-options.js')
const { codexOptions } = require('./lib/codex-options.js')
const { CredentialStore } = require('./lib/credential-store.js')
const { describeProvider } = require('./lib/describe-provider.js')
const { ProviderError } = require('./lib/errors.js')
const { ProviderEnv } = require('./lib/provider-env.js')
const { ProviderProcess } = require('./lib/provider-process.js')
const { Lockbox } = require('./lib/lockbox.js')
const { hardenWorker, memoryProtection } = require('./lib/memory-protection.js')
const { Recipient, createRecipient } = require('./lib/recipient.js')
const { Redactor } = require('./lib/redactor.js')
const { resolveProgram } = require('./lib/resolve-program.js')
const { restore, revoke, runningProcesses } = require('./lib/revocation.js')
const { Secret } = require('./lib/secret.js')
const { ServerCredentials, takeServerCredentials } = require('./lib/server-credentials.js')
const { spawnProvider } = require('./lib/spawn-provider.js')
const { UsageLedger } = require('./lib/usage-ledger.js')
const { UsageMeter } = require('./lib/usage-meter.js')
const { validateKey } = require('./lib/validate-key.js')

/**
 * Loaded by the first call: it adds nothing to the load of the package, and few workers ever call it.
 * @param {import('./index').DiagnoseOptions} [options]
 */
function diagnose(options) {
  return require('./lib/doctor/index.js').diagnose(options)
}

module.exports = {
  CredentialStore,
  Lockbox,
  ProviderEnv,
  ProviderError,
  ProviderProcess,
  Recipient,
  Redactor,
  Secret,
  ServerCredentials,
  UsageLedger,
  UsageMeter,
  buildProviderEnv,
  checkKey,
  claudeAgentOptions,
  codexOptions,
  createRecipient,
  describeProvider,
  diagnose,
  hardenWorker,
  memoryProtection,
  resolveProgram,
  restore,
  revoke,
  runningProcesses,
  spawnProvider,
  takeServerCredentials,
  validateKey
}
