// What the types must refuse: each row fails to compile, and tsc fails when one does not.

import type { ProviderErrorCode } from '../../index.js'
import {
  buildProviderEnv,
  claudeAgentOptions,
  codexOptions,
  ProviderEnv,
  ProviderProcess,
  resolveProgram,
  ServerCredentials,
  spawnProvider
} from '../../index.js'

declare const env: ProviderEnv
declare const child: ProviderProcess

export const rows: (() => unknown)[] = [
  // @ts-expect-error a payload is needed
  () => buildProviderEnv(),
  // @ts-expect-error JSON comes as bytes, which can be wiped
  () => buildProviderEnv('{"apiKey":"x"}'),
  // @ts-expect-error no such provider
  () => buildProviderEnv({ provider: 'nobody' }),
  // @ts-expect-error the caller's word, and no field
  () => buildProviderEnv({ apiKey: 'x', credentialOwner: 'server' }),
  // @ts-expect-error no such owner
  () => buildProviderEnv({ apiKey: 'x' }, { credentialOwner: 'tenant' }),
  // @ts-expect-error no such field
  () => buildProviderEnv({ apikey: 'x' }),
  // @ts-expect-error a number is no secret
  () => buildProviderEnv({ apiKey: 7 }),
  // @ts-expect-error values of userEnvKeys are secrets
  () => buildProviderEnv({ userEnvKeys: { A: 1 } }),
  // @ts-expect-error credentials come from takeServerCredentials()
  () => buildProviderEnv({}, { serverCredentials: { anthropic: 'x' } }),
  // @ts-expect-error no such option
  () => buildProviderEnv({}, { env: {} }),
  // @ts-expect-error a value of set is a string
  () => buildProviderEnv({}, { set: { A: 1 } }),
  // @ts-expect-error only buildProviderEnv() makes one
  () => new ProviderEnv(),
  // @ts-expect-error only spawnProvider() makes one
  () => new ProviderProcess(),
  // @ts-expect-error only takeServerCredentials() makes one
  () => new ServerCredentials(),
  // @ts-expect-error an environment is needed, not variables
  () => spawnProvider({ PATH: '/usr/bin' }),
  // @ts-expect-error the environment is decided already
  () => spawnProvider(env, { env: {} }),
  // @ts-expect-error there is no shell
  () => spawnProvider(env, { shell: true }),
  // @ts-expect-error ids are numbers
  () => spawnProvider(env, { uid: '1000', gid: 1000 }),
  // @ts-expect-error three streams
  () => spawnProvider(env, { stdio: ['pipe', 'pipe'] }),
  // @ts-expect-error no channel
  () => spawnProvider(env, { stdio: ['pipe', 'pipe', 'ipc'] }),
  // @ts-expect-error no such signal
  () => spawnProvider(env, { killSignal: 'SIGFOO' }),
  // @ts-expect-error no such delivery
  () => spawnProvider(env, { delivery: 'file' }),
  // @ts-expect-error no such limit
  () => spawnProvider(env, { limits: { stackBytes: 1 } }),
  // @ts-expect-error a fact is not to be changed
  () => (env.provider = 'codex'),
  // @ts-expect-error nor is a number of a process
  () => (child.pid = 1),
  // @ts-expect-error streams may be null
  () => child.stdin.end(),
  // @ts-expect-error get() may find nothing
  (): string => env.get('HOME'),
  // @ts-expect-error no such provider
  () => resolveProgram('nobody'),
  // @ts-expect-error the SDK decides the arguments
  () => claudeAgentOptions(env, { args: [] }),
  // @ts-expect-error the SDK starts the CLI as the worker itself
  () => codexOptions(env, { uid: 1000 }),
  // @ts-expect-error no such code
  (): ProviderErrorCode => 'ERR_PROVIDER_MADE_UP'
]
