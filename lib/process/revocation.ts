// revoke(), restore() and runningProcesses(): credentials that no launch may use, and the processes that still run with
// one.

import type { ProviderId } from '../../binding.js'
import { ProviderEnv } from '../environment/provider-env.ts'
import { binding } from '../internal/binding.ts'
import { providerError, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import { Secret } from '../secret/secret.ts'
import type { ProviderProcess } from './provider-process.ts'
import { running } from './provider-process.ts'

/**
 * A credential: its fingerprint (8 hex digits), a handle to it, or an environment that was built with it. A token of a
 * stored login represents the whole login.
 */
export type RevocationTarget = string | Secret | ProviderEnv

/** Options of {@link runningProcesses}. A process must match all the properties that are given. */
export interface ProcessFilter {
  /** {@link CredentialInfo.fingerprint}. */
  fingerprint?: string | undefined
  provider?: ProviderId | undefined
}

/**
 * Makes every later launch with a credential fail with `ERR_PROVIDER_CREDENTIAL_REVOKED`, in all threads of this
 * process. This affects {@link buildProviderEnv} and, for environments that already exist, {@link spawnProvider},
 * {@link codexOptions}, {@link ProviderEnv.exposeSecrets} and the starts of {@link claudeAgentOptions}. A start that is
 * waiting in the queue fails too, with an `error` event. Idempotent. The revocation lasts until {@link restore} or the
 * end of the process.
 *
 * A stored login is revoked together with all tokens of later refreshes, no matter who refreshes it. Because these
 * cannot be distinguished from a new login of the same account, call {@link restore} after a new login.
 *
 * Running processes are not stopped. The call returns the processes of this thread that run, or are about to run, with
 * the credential or another token of the same login, so that you can end them. For those of other worker threads, call
 * {@link runningProcesses} there. Processes that the Codex SDK starts are not listed.
 *
 * Fingerprints have 32 bits: with n revoked credentials, a valid one is refused with a probability of n in 4.3 billion,
 * and a revoked one is never accepted. At most 65 536 revocations are remembered.
 *
 * @param target Handles and environments that were disposed of are accepted, because their fingerprint stays known.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` for an environment with the CLI's own login, which has no
 * fingerprint, and if the limit of revocations is reached.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function revoke(target: RevocationTarget): ProviderProcess[] {
  const fingerprint = fingerprintOf(target)
  // With a login, all of its tokens.
  const revoked = translate(() => binding.revoke(fingerprint))
  return running.list({ fingerprints: revoked, provider: undefined })
}

/**
 * Undoes a {@link revoke} that was a mistake, or one of a login that a new login has replaced.
 * @returns Whether the credential was revoked.
 * @throws As {@link revoke}.
 */
export function restore(target: RevocationTarget): boolean {
  const fingerprint = fingerprintOf(target)
  return translate(() => binding.restore(fingerprint))
}

/**
 * Returns the processes of this thread whose start was requested and that have not ended, oldest first.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function runningProcesses(filter?: ProcessFilter): ProviderProcess[] {
  const ownFilter = validate.options('filter', filter, ['fingerprint', 'provider'])
  const fingerprint = validate.optionalString('filter.fingerprint', ownFilter.fingerprint)?.toLowerCase()
  return running.list({
    fingerprints: fingerprint === undefined ? undefined : [fingerprint],
    provider: validate.optionalString('filter.provider', ownFilter.provider)
  })
}

function fingerprintOf(target: unknown): string {
  if (typeof target === 'string') return target
  if (target instanceof Secret) return target.fingerprint
  if (!(target instanceof ProviderEnv)) throw validate.wrongType('target', 'a fingerprint, a Secret or a ProviderEnv', target)
  const { fingerprint } = target.credential
  if (fingerprint !== null) return fingerprint
  throw providerError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message:
      "This environment uses the CLI's own login in its config directory, and this package does not know its credential. Log out with the CLI.",
    provider: target.provider
  })
}
