// Types of checkKey().
import type { ProviderEnvOptions, ProviderId, SecretInput } from '../index.js'

/** How a request is made. */
export interface HttpOptions {
  /** The most time for all of it, in milliseconds, the wait for a thread included; 100 to 600 000. */
  timeoutMs?: number | undefined
  /** `http://host[:port]` of a proxy. Default: none. `HTTPS_PROXY` and its like are not read. */
  proxy?: string | undefined
  /** Further roots of trust beside the system's, PEM. The CLI's own are {@link ProviderEnvOptions.caFile}. */
  ca?: string | Uint8Array | undefined
}

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
export type KeyCheckOutcome = import('../binding').Outcome

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
  /** How long the endpoint asks to wait, by a `retry-after` that is a number of seconds or a date: in milliseconds, at most 2³¹ − 1. */
  readonly retryAfterMs: number | null
  /** As of {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** When it was asked, in milliseconds since 1970. */
  readonly checkedAt: number
  /** Whether it is an earlier answer, by `cacheMs`. */
  readonly cached: boolean
}

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
export function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck>
