// The ESM door: the same implementation as the CommonJS one, by name.
import main from './index.js'

export const {
  CredentialStore,
  Lockbox,
  ProviderEnv,
  ProviderError,
  ProviderProcess,
  Recipient,
  Redactor,
  Secret,
  ServerCredentials,
  buildProviderEnv,
  checkKey,
  claudeAgentOptions,
  codexOptions,
  createRecipient,
  hardenWorker,
  memoryProtection,
  resolveProgram,
  spawnProvider,
  takeServerCredentials
} = main
