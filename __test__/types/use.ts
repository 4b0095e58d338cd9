// Typical use, as a worker in TypeScript writes it; checked against index.d.ts by tsc, never run.
import {
  buildProviderEnv,
  type CredentialInfo,
  claudeAgentOptions,
  codexOptions,
  type Delivery,
  type MissingProtection,
  type Program,
  type ProviderEnv,
  ProviderError,
  type ProviderErrorCode,
  type ProviderId,
  type ProviderPayload,
  type ProviderProcess,
  resolveProgram,
  type ServerCredentials,
  type SpawnOptions,
  spawnProvider,
  takeServerCredentials
} from '../../index.js'

declare const line: Uint8Array
declare const payload: ProviderPayload

/** Exactly the same type, both ways: `any` is none. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

export async function request(): Promise<number | null> {
  const server: ServerCredentials = takeServerCredentials()
  using env: ProviderEnv = buildProviderEnv(line, {
    workspace: {
      key: 'site',
      id: 'ws',
      userId: 'u',
      dir: '/srv/w',
      home: '/home/w',
      tmpDir: '/tmp/w',
      codexHome: '/srv/c',
      claudeConfigDir: '/srv/d'
    },
    serverCredentials: server,
    baseUrl: 'http://127.0.0.1:1/v1',
    inherit: ['COLORTERM'],
    set: { COLOR: '1' }
  })
  buildProviderEnv(payload)
  buildProviderEnv(Buffer.from('{}'), { payloadPath: ['payload'] as const })
  buildProviderEnv({ provider: 'codex', apiKey: new Uint8Array(4), oauthAccessToken: null, userEnvKeys: { A: 'a', B: new Uint8Array(1) } })

  const controller = new AbortController()
  const options: SpawnOptions = {
    args: ['-p', 'hi'],
    cwd: '/srv/w',
    uid: 1000,
    gid: 1000,
    groups: [1001],
    umask: 0o027,
    priority: 5,
    oomScoreAdj: 500,
    signal: controller.signal,
    stdio: ['pipe', 'ignore', 2],
    timeoutMs: 1000,
    killSignal: 'SIGINT',
    killGraceMs: 500,
    killGroupOnExit: false,
    limits: { coreBytes: 0, openFiles: 100, processes: 100, memoryBytes: 2e11, cpuSeconds: 60 },
    delivery: 'auto',
    workspaceTrust: 'trusted'
  }
  await using child: ProviderProcess = spawnProvider(env, options)
  child.on('exit', (code, signal) => [code, signal])
  child.stdin?.end('text')
  child.stdout?.setEncoding('utf8').on('data', (text: string) => text.length)
  await child.spawned
  const { code, signal } = await child.exited
  same<typeof signal, NodeJS.Signals | null>(true)
  child.ref()
  child.unref()
  const sent: boolean = child.kill('SIGTERM') && child.kill(9) && child.kill()

  const program: Program = resolveProgram(env.provider, { uid: 1000, gid: 1000, path: '/usr/bin' })
  same<typeof program.version, string | null>(true)
  return sent ? code : null
}

export function log(env: ProviderEnv, server: ServerCredentials, child: ProviderProcess): string {
  const credential: CredentialInfo = env.credential
  same<typeof env.provider, ProviderId>(true)
  same<typeof credential.fingerprint, string | null>(true)
  same<typeof child.pid, number | undefined>(true)
  same<typeof child.missingProtections, MissingProtection[]>(true)
  same<ReturnType<typeof env.get>, string | undefined>(true)
  same<Parameters<typeof server.fingerprint>, [provider: ProviderId]>(true)
  const source: 'user' | 'oauth' | 'server' | 'none' = env.apiKeySource
  const names: string[] = [...env.names, ...env.rejectedUserEnvKeys, ...server.names]
  return `${credential.kind} ${credential.source} ${source} ${names} ${env.userEnvKeyCount} ${env.disposed} ${child.startPath}`
}

export function remedy(error: unknown): string {
  if (!(error instanceof ProviderError)) throw error
  same<typeof error.code, ProviderErrorCode>(true)
  const fields: [number?, string?, string?, string?, string[]?] = [error.errno, error.syscall, error.path, error.step, error.names]
  switch (error.code) {
    case 'ERR_PROVIDER_PROGRAM_UNREACHABLE':
      return error.path ?? ''
    case 'ERR_PROVIDER_CREDENTIAL_MISSING':
      return String(error.names)
    default:
      return `${error.message} ${fields}`
  }
}

export const deliveries: Record<Delivery, string> = { auto: '', fd: '', env: '', broker: '' }

export function adapters(env: ProviderEnv) {
  const child = claudeAgentOptions(env, { uid: 1000, gid: 1000, onSpawn: (started) => started.pid })
  const overrides: string[] = codexOptions(env, { cwd: '/srv/w', exposeSecrets: true }).configOverrides
  return { child, overrides }
}
