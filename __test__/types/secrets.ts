// Secrets as a worker and its parent in TypeScript use them; checked against index.d.ts by tsc, never run.
import {
  buildProviderEnv,
  type CredentialOwner,
  createRecipient,
  hardenWorker,
  Lockbox,
  type LockboxContext,
  type LockboxRow,
  type MemoryProtection,
  memoryProtection,
  type ProviderEnv,
  Recipient,
  Redactor,
  type SealedLockboxRow,
  type SealedSecret,
  Secret,
  spawnProvider,
  takeServerCredentials
} from '../../index.js'

declare const row: LockboxRow
declare const context: LockboxContext

export function parent(publicKey: string): SealedSecret {
  using lockbox = new Lockbox({
    masterKeys: [
      new Uint8Array(32),
      Secret.from(new Uint8Array(32)),
      { env: 'LOCKBOX_MASTER_KEY' },
      { file: '/run/key' },
      { credential: 'master' }
    ],
    allowLegacy: true,
    requireLocked: true
  })
  using secret: Secret = lockbox.open(row, context)
  const sealed: SealedLockboxRow = lockbox.seal(secret, context)
  const next: SealedLockboxRow = lockbox.reseal(sealed, context, { ...context, rowVersion: 2 })
  const ids: string[] = lockbox.masterKeyIds
  lockbox.open({ ...next, keyMeta: null }, context)
  return lockbox.unsealFor(next, context, publicKey, { workspace: ids[0] ?? '', field: 'apiKey', request: 'r', credentialOwner: 'server' })
}

export function worker(apiKey: SealedSecret): ProviderEnv {
  const hardened: boolean = hardenWorker().nonDumpable
  const protection: MemoryProtection = memoryProtection()
  const refused: string[] = protection.refusals.map(({ protection, syscall, errno, code }) => `${protection} ${syscall} ${errno} ${code}`)
  const recipient: Recipient = createRecipient({ maxAgeMs: 60_000, requireLocked: hardened })
  const env = buildProviderEnv(
    { apiKey, userEnvKeys: { A: Secret.from(new Uint8Array(8)), B: apiKey } },
    {
      recipient,
      requestId: refused.join(),
      requireLocked: true,
      credentialOwner: 'server',
      requireCredential: true,
      caFile: '/etc/ssl/ca.pem',
      serverCredentials: takeServerCredentials({ requireLocked: true })
    }
  )
  const owner: CredentialOwner = spawnProvider(env, { redactOutput: true }).credential.owner
  process.stdout.write(owner)
  spawnProvider(env, { redactOutput: { stdout: true, stderr: false } })
  const redactor = new Redactor([env, Secret.from(new Uint8Array(8)), new Uint8Array(8), 'text'], { minLength: 8 })
  const text: string = redactor.redact('text')
  const bytes: Buffer = redactor.redact(Buffer.from(text))
  redactor.stream().end(bytes)
  return env
}

export const refused: (() => unknown)[] = [
  // @ts-expect-error only Secret.from() makes one
  () => new Secret(),
  // @ts-expect-error only createRecipient() makes one
  () => new Recipient(),
  // @ts-expect-error a string cannot be wiped
  () => Secret.from('text'),
  // @ts-expect-error a master key is no string
  () => new Lockbox({ masterKeys: ['00'] }),
  // @ts-expect-error one place for each
  () => new Lockbox({ masterKeys: [{ path: '/run/key' }] }),
  // @ts-expect-error a name and a version belong to it
  () => new Lockbox({ masterKeys: [] }).open(row, { tenant: 't', purpose: 'p' }),
  // @ts-expect-error no such stream
  () => spawnProvider(buildProviderEnv({}), { redactOutput: { stdin: true } })
]
