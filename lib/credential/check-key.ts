// checkKey(): asks a provider's API whether a credential is good.

import { abortSignal } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { readHttpSettings, runJob, runUnlessAborted } from '../internal/jobs.ts'
import { lendInput } from '../secret/secret.ts'
import * as validate from '../internal/validate.ts'
import type { NativeSecret, ProviderId } from '../../binding.js'
import type { SecretInput } from '../secret/secret-input.ts'
import type { HttpOptions } from '../internal/jobs.ts'

/** Options of {@link checkKey}. */
export interface CheckKeyOptions extends HttpOptions {
  /**
   * An OpenAI- or Anthropic-compatible endpoint, as in `buildProviderEnv`: with its `/v1` for Codex
   * (`https://gateway.example/v1`, asked at `/v1/models`), without for Claude (`https://gateway.example`, asked at
   * `/v1/models`). Default: the vendor's own.
   */
  baseUrl?: string | undefined
  /** Default 10 000. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /**
   * How old an earlier answer to the same question may be, in milliseconds: same provider, credential and endpoint. Default 0: always
   * ask. The 1 000 newest answers are kept, by fingerprint; `rate-limited` and `unreachable` are not.
   */
  cacheMs?: number | undefined
}

/**
 * `valid`: the endpoint accepts it. `invalid`: the endpoint does not know it, or it can be no credential for this
 * provider (then nothing was sent). `forbidden`: known, and refused, or its account is. `rate-limited`: known, and not now.
 * `unreachable`: nothing is known.
 */
export type KeyCheckOutcome = 'valid' | 'invalid' | 'forbidden' | 'rate-limited' | 'unreachable'

/**
 * What is behind an outcome. `invalid`: `malformed`, `rejected`. `forbidden` and `rate-limited`: what the vendor says.
 * `unreachable`: the rest.
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

/** What an endpoint says of a credential. No part of the credential is in it, and nothing that the endpoint wrote. */
export interface KeyCheck {
  readonly provider: ProviderId
  readonly outcome: KeyCheckOutcome
  readonly reason: KeyCheckReason | null
  /** The HTTP status; `null` when there was no answer. */
  readonly status: number | null
  /** What is wrong and what to do, for a settings page. */
  readonly message: string
  /** What the endpoint asked for by `retry-after`, in milliseconds. */
  readonly retryAfterMs: number | null
  /** As of {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** When it was asked, in milliseconds since 1970. */
  readonly checkedAt: number
  /** Whether it is an earlier answer, by `cacheMs`. */
  readonly cached: boolean
}

const OPTIONS = ['baseUrl', 'ca', 'cacheMs', 'proxy', 'signal', 'timeoutMs'] as const
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_CACHED = 1000
/** What the vendor said of the credential itself: an endpoint that was out of reach says nothing. */
const CACHED = new Set(['valid', 'invalid', 'forbidden'])

/** The newest last. */
const cache: Map<string, KeyCheck> = new Map()

/**
 * Asks a provider's API whether a credential is good: `GET /v1/models`, which costs nothing, over TLS with the
 * system's roots of trust (`SSL_CERT_FILE` and `SSL_CERT_DIR` are obeyed). No redirect is followed. It blocks
 * nothing: requests run on threads of their own, at most 4 at once to one endpoint (host and port) of a `baseUrl`. Those to
 * the vendor's own endpoint do not wait for them. An aborted one that waits is not sent; one that was sent has its thread until
 * it is answered or `timeoutMs` is over.
 *
 * Measured against a mock of both APIs; what the vendors' own say in each case is known from their documents only.
 *
 * @param input A `Uint8Array` is consumed: zero-filled before the call returns. A sealed secret is refused.
 * @returns Rejects with `ProviderError` `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_UNSUPPORTED` (a kind of credential that the
 * API cannot be asked about), `ERR_PROVIDER_ABORTED` (what was sent stays sent), `ERR_PROVIDER_BUSY`, `ERR_PROVIDER_DISPOSED`; with
 * `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export async function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck> {
  // Lent first: bytes are consumed also where an option is wrong.
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
