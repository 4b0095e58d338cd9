// The ESM entry point: the same implementation as the CommonJS entry point, with named exports.
import main from './index.js'

export const {
  Broker,
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
  startBroker,
  takeServerCredentials,
  validateKey
} = main
