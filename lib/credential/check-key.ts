// checkKey(): asks a provider's API whether a credential is valid.

import type { NativeSecret, Outcome, ProviderId } from '../../binding.js'
import { abortSignal } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import type { HttpOptions } from '../internal/jobs.ts'
import { readHttpSettings, runJob, runUnlessAborted } from '../internal/jobs.ts'
import * as validate from '../internal/validate.ts'
import type { SecretInput } from '../secret/secret.ts'
import { lendInput } from '../secret/secret.ts'

/** Options of {@link checkKey}. */
export interface CheckKeyOptions extends HttpOptions {
  /**
   * An OpenAI- or Anthropic-compatible endpoint, as in `buildProviderEnv`: with `/v1` for Codex
   * (`https://gateway.example/v1`), without it for Claude (`https://gateway.example`). The request goes to `/v1/models`
   * in both cases. Default: the vendor's endpoint.
   */
  baseUrl?: string | undefined
  /** Default: 10 000. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /**
   * The maximum age in milliseconds of an earlier answer for the same provider, credential and endpoint. Default: 0,
   * which always sends a request. The 1 000 newest answers are kept by fingerprint, except `rate-limited` and
   * `unreachable`.
   */
  cacheMs?: number | undefined
}

/**
 * `valid`: the endpoint accepts the credential. `invalid`: the endpoint does not recognize it, or it cannot be a
 * credential for this provider (in which case nothing was sent). `forbidden`: the endpoint recognizes it, but refuses
 * it or its account. `rate-limited`: the endpoint recognizes it, but accepts no request at the moment. `unreachable`:
 * nothing is known.
 */
export type KeyCheckOutcome = Outcome

/**
 * The reason for an outcome. `invalid`: `malformed`, `rejected`. `forbidden` and `rate-limited`: those that the vendor
 * states. `unreachable`: all others.
 */
export type KeyCheckReason =
  | 'malformed'
  | 'rejected'
  | 'missing-scope'
  | 'region'
  | 'ip-address'
  | 'quota'
  | 'account'
  | 'organization'
  | 'dns'
  | 'refused'
  | 'network'
  | 'tls'
  | 'timeout'
  | 'proxy'
  | 'protocol'
  | 'server-error'
  | 'unexpected-answer'

/** What an endpoint says about a credential. It contains no part of the credential, and no text of the endpoint. */
export interface KeyCheck {
  readonly provider: ProviderId
  readonly outcome: KeyCheckOutcome
  readonly reason: KeyCheckReason | null
  /** The HTTP status; `null` if there was no answer. */
  readonly status: number | null
  /** What is wrong and what to do, for a settings page. */
  readonly message: string
  /**
   * How long to wait according to the endpoint's `retry-after`, which is a number of seconds or a date: in
   * milliseconds, at most 2³¹ − 1.
   */
  readonly retryAfterMs: number | null
  /** See {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** The time of the request, in milliseconds since 1970. */
  readonly checkedAt: number
  /** Whether this is an earlier answer (see `cacheMs`). */
  readonly cached: boolean
}

const OPTIONS = validate.members({ baseUrl: true, ca: true, cacheMs: true, proxy: true, signal: true, timeoutMs: true } satisfies Record<
  keyof CheckKeyOptions,
  true
>)
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_CACHED = 1000
/** What the vendor said of the credential itself: an endpoint that was out of reach says nothing. */
const CACHED = new Set(['valid', 'invalid', 'forbidden'] as Outcome[])

/** The newest last. */
const cache: Map<string, KeyCheck> = new Map()

/**
 * Asks a provider's API whether a credential is valid: `GET /v1/models`, which costs nothing, over TLS with the
 * system's trusted roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are obeyed). Redirects are not followed. The call does not
 * block: requests run on separate threads, at most 4 at the same time to one endpoint (host and port) of a `baseUrl`.
 * Requests to the vendor's own endpoint do not wait for these. A waiting request that is aborted is not sent; a request
 * that was sent occupies its thread until it is answered or `timeoutMs` has passed.
 *
 * This was measured with a mock of both APIs; the answers of the vendors' own APIs are known only from their
 * documentation.
 *
 * @param input A `Uint8Array` is consumed: the call fills it with zeros before it returns. A sealed secret is refused.
 * @returns Rejects with `ProviderError` `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_UNSUPPORTED` (the API has no request for
 * this kind of credential), `ERR_PROVIDER_ABORTED` (a request that was already sent is not cancelled),
 * `ERR_PROVIDER_BUSY`, `ERR_PROVIDER_DISPOSED`; with `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export async function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck> {
  // Lent first: bytes are consumed even if an option is wrong.
  const { baseUrl, cacheMs, signal, fingerprint, question } = lendInput(input, 'input', (secret) => plan(provider, secret, options))
  try {
    const key = JSON.stringify([provider, fingerprint, baseUrl])
    const known = cache.get(key)
    if (known && Date.now() - known.checkedAt < cacheMs) return Object.freeze({ ...known, cached: true })
    const verdict = await (signal ? runUnlessAborted((abort) => question.ask(abort), signal) : runJob(() => question.ask()))
    const check = Object.freeze({ provider, ...verdict, fingerprint, checkedAt: Date.now(), cached: false } as KeyCheck)
    if (CACHED.has(check.outcome)) remember(key, check)
    return check
  } finally {
    question.dispose()
  }
}

function plan(provider: ProviderId, secret: NativeSecret, value: CheckKeyOptions | undefined) {
  const options = validate.options('options', value, OPTIONS)
  const baseUrl = validate.optionalString('options.baseUrl', options.baseUrl)
  const settings = readHttpSettings(options, DEFAULT_TIMEOUT_MS)
  return {
    baseUrl,
    cacheMs: validate.optionalMilliseconds('options.cacheMs', options.cacheMs) ?? 0,
    signal: abortSignal(options.signal),
    fingerprint: secret.fingerprint,
    question: binding.planKeyCheck(secret, { provider: validate.optionalString('provider', provider) ?? '', baseUrl, http: settings })
  }
}

function remember(key: string, check: KeyCheck) {
  cache.delete(key)
  cache.set(key, check)
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value as string)
}
