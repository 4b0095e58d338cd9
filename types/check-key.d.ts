// The public types of checkKey().
import type { ProviderEnvOptions, ProviderId, SecretInput } from '../index.js'

/** Options of an HTTP request. */
export interface HttpOptions {
  /** The time limit of the whole request in milliseconds, including the wait for a thread: 100 to 600 000. */
  timeoutMs?: number | undefined
  /** The proxy, as `http://host[:port]`. Default: none. `HTTPS_PROXY` and similar variables are not read. */
  proxy?: string | undefined
  /**
   * PEM certificates to trust in addition to the system's. For those that the CLI trusts, see
   * {@link ProviderEnvOptions.caFile}.
   */
  ca?: string | Uint8Array | undefined
}

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
export type KeyCheckOutcome = import('../binding').Outcome

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
  /** How long the endpoint asks to wait, by a `retry-after` that is a number of seconds or a date: in milliseconds, at most 2³¹ − 1. */
  readonly retryAfterMs: number | null
  /** See {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** The time of the request, in milliseconds since 1970. */
  readonly checkedAt: number
  /** Whether this is an earlier answer (see `cacheMs`). */
  readonly cached: boolean
}

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
 * this kind of credential), `ERR_PROVIDER_ABORTED` (a request that was sent is not taken back), `ERR_PROVIDER_BUSY`,
 * `ERR_PROVIDER_DISPOSED`; with `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck>
