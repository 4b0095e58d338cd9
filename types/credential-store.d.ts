// The public types of CredentialStore.
import type { Lockbox, ProviderError, ProviderId, SecretInput } from '../index.js'
import type { HttpOptions } from './check-key.js'

/**
 * A lock that all workers of a fleet share. It takes the lock named `name`, calls `critical` with the value that the
 * last holder stored (`null` at first), stores the value with which `critical` resolves for the next holder unless it
 * is `null`, releases the lock, and settles.
 *
 * The value is sealed with the store's `lockbox`, so it can be stored in Redis or a table as it is.
 */
export type WithLock = (name: string, critical: (published: string | null) => Promise<string | null>) => Promise<unknown>

/** Options of {@link CredentialStore.open}. */
export interface LoginOptions extends HttpOptions {
  /**
   * The absolute path of the directory that contains the login's file. Only its owner may be able to write to it,
   * unless it is sticky. claude: use a directory that only the worker can read, and not the `CLAUDE_CONFIG_DIR` of a
   * run. codex: its `CODEX_HOME`.
   */
  dir: string
  /**
   * The name of the file in `dir`. Default: the name that the CLI uses, `.credentials.json` (claude) or `auth.json`
   * (codex, whose CLI reads no other).
   */
  file?: string | undefined
  /**
   * The uid that must own the file, and also the directory unless root owns it; `dir` must then not be a symlink. Pass
   * it if a tenant can write to `dir` or to a directory above it. `undefined` is refused.
   */
  owner?: number
  /** How long before its expiry a token is refreshed, in milliseconds. Default: 300 000 (5 minutes). */
  refreshAheadMs?: number | undefined
  /**
   * The time limit in milliseconds for the request, and separately for the wait before it, which includes the lock of
   * this machine. At least 5 000, because the login is lost if the answer arrives after the timeout. Default: 30 000.
   */
  timeoutMs?: number | undefined
  /** The token endpoint: `https://…`, or `http://` with a loopback host. Default: the vendor's endpoint. */
  tokenUrl?: string | undefined
  /** The OAuth client id. Default: that of the CLI. */
  clientId?: string | undefined
  /** How the request is written. Default `"json"`, as both CLIs do; `"form"` is what RFC 6749 has. */
  format?: import('../binding').BodyFormat | undefined
  /** Where things stand in the file, as names with dots between them. Default: as the CLI writes it. */
  fields?: {
    accessToken?: string | undefined
    refreshToken?: string | undefined
    /** `"jwt"` means the claim `exp` of the access token. */
    expiresAt?: string | undefined
    /** Default `"ms"`, milliseconds since 1970; `"s"`, seconds. */
    expiresAtUnit?: import('../binding').ExpiryUnit | undefined
  } | undefined
  /** The fleet's lock, for a login that several machines use. The lock of this machine is taken while it is held. */
  withLock?: WithLock | undefined
  /** The fleet's name for this login. Required with `withLock`. */
  name?: string | undefined
  /**
   * Seals the tokens that the machines pass to each other, if each has its own file. Without it, `withLock` is only a
   * lock, for machines that share the file.
   */
  lockbox?: Lockbox | undefined
}

/** The result of {@link CredentialStore.fresh} and the similar methods. */
export interface RefreshResult {
  /**
   * Where the store's tokens come from. `"not-needed"`: the old tokens are still valid, or `reload()` was called, which
   * requests none. `"here"`: this call. `"elsewhere"`: another process or host, the CLI, or a person.
   */
  readonly how: import('../binding').How
  /**
   * Whether this call sent a request to the endpoint. If it is `false` and there is a `failure`, no request was sent:
   * none was possible, or the failure is that of an earlier call.
   */
  readonly asked: boolean
  /**
   * Whether the file has the tokens. If it is false, the file has a refresh token that has been used up, and only this
   * process has the new tokens. It continues with them, and tries to write them with each call. If it ends before it
   * succeeds, the login may be lost.
   */
  readonly persisted: boolean
  readonly generation: number
  readonly fingerprint: string
  readonly expiresAt: Date | null
  /**
   * Why the refresh failed, if the old tokens are still valid; why the file could not be written; or why a crash of the
   * machine may undo the write.
   */
  readonly failure: ProviderError | null
}

/**
 * The newest credential of one provider for one tenant: a key that {@link CredentialStore.rotate} replaces, or a login
 * whose tokens are refreshed before they expire. An environment that was built with an older credential can no longer
 * start anything (`ERR_PROVIDER_CREDENTIAL_SUPERSEDED`), and neither can one whose token has expired
 * (`ERR_PROVIDER_CREDENTIAL_EXPIRED`). Processes that already run continue.
 */
export class CredentialStore {
  private constructor()
  /**
   * Creates a store of a single credential.
   * @param secret A `Uint8Array` is consumed: zero-filled before the call returns.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static of(provider: ProviderId, secret: SecretInput, options?: { kind?: 'api-key' | 'oauth-token' | undefined }): CredentialStore
  /**
   * Opens a store of the login that a CLI has written to its state directory. This package does not run an interactive
   * login, which would open a browser and a port and wait for a person. Log in with the CLI on another machine, and
   * copy its file to the directory.
   *
   * claude: the access token is passed to the CLI like any OAuth token; the refresh token is not. A process whose uid
   * can read the file has the refresh token anyway, so keep the file in a directory that only the worker can read.
   * codex: the CLI reads tokens only from its own file, so `dir` becomes its `CODEX_HOME`, and every process of its uid
   * can read them. An API key in Codex's file is passed like any API key.
   *
   * The file may have up to 4 MiB. To use it in a container, mount its directory and not the file alone.
   *
   * @returns Rejects with `ProviderError` `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_LOGIN_REQUIRED`,
   * `ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE`, `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_KEY_MALFORMED`,
   * `ERR_PROVIDER_KEY_WRONG_PROVIDER`; with `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. An access
   * token that a launch would refuse is an error only if the login has no refresh token.
   */
  static open(provider: ProviderId, options: LoginOptions): Promise<CredentialStore>
  readonly provider: ProviderId
  readonly kind: 'api-key' | 'oauth-token'
  /** See {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** The number of credentials that this store has had in this process, counted from 1. */
  readonly generation: number
  /** When the token expires; `null` for a key, which does not expire, and for a token whose expiry is unknown. */
  readonly expiresAt: Date | null
  /** The path of the login's file; `null` for a store of a single credential. */
  readonly path: string | null
  readonly disposed: boolean
  /**
   * Replaces the credential of a store of a single credential. A launch that begins after it has returned does not use
   * the old credential.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, in which case nothing has
   * changed; `ERR_PROVIDER_UNSUPPORTED` for a login; `ERR_PROVIDER_DISPOSED`.
   */
  rotate(secret: SecretInput): void
  /**
   * Makes sure that the token is valid for at least `refreshAheadMs`. Await it before each `buildProviderEnv`: it costs
   * nothing while the token is valid and in the file. A token whose expiry is unknown is also refreshed, if there is a
   * refresh token. After a failure, no request is sent to the endpoint for a while. Only one caller refreshes: calls
   * are serialized in this process, by a lock of this machine, and by `withLock`, and a later caller uses the tokens of
   * the first. While the old token is valid, a failure is in the result. For a key there is nothing to do.
   * @returns Rejects, when the old token has expired, with `ProviderError` `ERR_PROVIDER_LOGIN_REQUIRED` (only a person
   * can fix this), `ERR_PROVIDER_REFRESH_FAILED` (try again), `ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE`,
   * `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_BUSY` (the process is about to exit), `ERR_PROVIDER_UNSUPPORTED` (a
   * login that only the CLI can use); `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_DISPOSED`. The file is complete in every
   * case.
   */
  fresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /**
   * Refreshes the token regardless of its expiry, for example after a 401, unless another caller has refreshed it since
   * this store last read the file. It also sends a request after a failure, but not for a login that the vendor has
   * just rejected.
   * @returns Rejects as `fresh()` does, and with `ERR_PROVIDER_UNSUPPORTED` for a store of a single credential.
   */
  refresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /**
   * Reads the file again for a login that a person or another process has written, and the tokens that the fleet has.
   * It requests no new tokens, even if the old one has expired.
   * @returns Rejects as `fresh()` does if neither the login in the file nor the old token is valid, and with
   * `ERR_PROVIDER_UNSUPPORTED` for a store of a single credential.
   */
  reload(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /** Wipes the credential. Idempotent. */
  dispose(): void
  [Symbol.dispose](): void
}
