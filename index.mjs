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
  diagnose,
  hardenWorker,
  memoryProtection,
  resolveProgram,
  spawnProvider,
  takeServerCredentials
} = main
