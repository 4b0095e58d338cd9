// Looking at keys and revoking them, as a settings page and a worker in TypeScript write it; checked by tsc, never run.
import {
  type CredentialInfo,
  type KeyClass,
  type KeyFindingCode,
  type KeyValidation,
  type ProviderEnv,
  type ProviderId,
  type ProviderProcess,
  restore,
  revoke,
  runningProcesses,
  type SealedSecret,
  Secret,
  validateKey
} from '../../index.js'

declare const env: ProviderEnv
declare const bytes: Uint8Array
declare const sealed: SealedSecret

const seen: KeyValidation = validateKey('claude', 'pasted')
validateKey('codex', bytes, { kind: 'api-key' })
validateKey('claude', Secret.from(bytes), { kind: 'oauth-token' })
validateKey('claude', sealed)
export const shown: string = seen.message
export const verdict: 'ok' | 'warning' | 'invalid' = seen.verdict
export const code: KeyFindingCode = seen.code
export const found: KeyClass | null = seen.class
export const owner: ProviderId | null = seen.belongsTo

const ended: ProviderProcess[] = revoke(env)
for (const child of [...ended, ...revoke('0123abcd'), ...revoke(Secret.from(bytes))]) child.kill()
export const was: boolean = restore('0123abcd')
export const credential: CredentialInfo | undefined = runningProcesses({ provider: 'codex', fingerprint: '0123abcd' })[0]?.credential
export const all: ProviderProcess[] = runningProcesses()

// @ts-expect-error no such provider
validateKey('nobody', 'x')
// @ts-expect-error no such kind
validateKey('claude', 'x', { kind: 'config-dir' })
// @ts-expect-error null is no key
validateKey('claude', null)
// @ts-expect-error bytes are no fingerprint
revoke(bytes)
// @ts-expect-error no such filter
runningProcesses({ pid: 1 })
// @ts-expect-error what was found stays as it is
seen.verdict = 'ok'
