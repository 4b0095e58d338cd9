// revoke(), restore() and runningProcesses(): credentials that no launch may use any more, and what still runs with one.

import { binding } from '../internal/binding.ts'
import { translate, providerError } from '../internal/errors.ts'
import { ProviderEnv } from '../environment/provider-env.ts'
import * as running from '../process/running-processes.ts'
import { Secret } from '../secret/secret.ts'
import * as validate from '../internal/validate.ts'
import type { ProviderProcess } from '../process/provider-process.ts'
import type { CredentialInfo } from '../environment/provider-env.ts'
import type { ProviderId } from '../../binding.js'

/**
 * A credential: its fingerprint (8 hex digits), a handle of it, or an environment that was built with it. A token of a stored login
 * stands for the login.
 */
export type RevocationTarget = string | Secret | ProviderEnv

/** Options of {@link runningProcesses}. All that is given must match. */
export interface ProcessFilter {
  /** {@link CredentialInfo.fingerprint}. */
  fingerprint?: string | undefined
  provider?: ProviderId | undefined
}

/**
 * Makes every later launch with a credential fail with `ERR_PROVIDER_CREDENTIAL_REVOKED`, in all threads of this process:
 * {@link buildProviderEnv}, and for environments that were built before {@link spawnProvider}, {@link codexOptions},
 * {@link ProviderEnv.exposeSecrets} and the starts of {@link claudeAgentOptions}. A start that waits in the queue is refused
 * too, by an `error` event. Idempotent. It holds until {@link restore}, or the end of the process.
 *
 * A stored login is revoked with all the tokens that its refreshes bring, whoever refreshes it. Since nothing tells those from a new
 * login of the same account, that needs {@link restore}.
 *
 * What runs goes on running: the returned processes are those of this thread that run with the credential, or another token of the
 * same login, or are about to, for you to end. Those of other worker threads are listed there, by {@link runningProcesses};
 * what the Codex SDK starts is not ours to list.
 *
 * Fingerprints have 32 bits: with n credentials revoked, a healthy one is refused with a chance of n in 4.3 thousand
 * million, and a revoked one is never let through. At most 65 536 are remembered.
 *
 * @param target Disposed handles and environments will do: their fingerprint stays known.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` for an environment with the CLI's own login, which has no
 * fingerprint, and for one credential more than are remembered.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function revoke(target: RevocationTarget): ProviderProcess[] {
  const fingerprint = fingerprintOf(target)
  // With a login, all of its tokens.
  const revoked = translate(() => binding.revoke(fingerprint))
  return running.list({ fingerprints: revoked, provider: undefined })
}

/**
 * Undoes a {@link revoke}: one that was a mistake, or that of a login whose place a new one has taken.
 * @returns whether it was revoked.
 * @throws As {@link revoke}.
 */
export function restore(target: RevocationTarget): boolean {
  const fingerprint = fingerprintOf(target)
  return translate(() => binding.restore(fingerprint))
}

/**
 * The processes of this thread that have not ended, oldest first, from the moment that their start was asked for.
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
  const { fingerprint } = target.credential as CredentialInfo
  if (fingerprint !== null) return fingerprint
  throw providerError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: "This environment uses the CLI's own login in its config directory, whose credential is not known here. Log out there.",
    provider: target.provider
  })
}
