// The ESM door: the same implementation as the CommonJS one, by name.
import main from './index.js'

export const {
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
  hardenWorker,
  memoryProtection,
  resolveProgram,
  restore,
  revoke,
  runningProcesses,
  spawnProvider,
  takeServerCredentials,
  validateKey
} = main
