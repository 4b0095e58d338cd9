// The ESM door: the same implementation as the CommonJS one, by name.
import main from './index.js'

export const {
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
} = main
