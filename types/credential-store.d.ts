// Types of CredentialStore.
import type { Lockbox, ProviderError, ProviderId, SecretInput } from '../index.js'
import type { HttpOptions } from './check-key.js'

/**
 * A fleet's own lock. It takes the lock called `name`, calls `critical` with what the last holder returned (`null` at first),
 * keeps what `critical` resolves with for the next holder, unless that is `null`, releases the lock, and settles.
 *
 * What is kept is sealed with the store's `lockbox`, and may lie in Redis or a table as it is.
 */
export type WithLock = (name: string, critical: (published: string | null) => Promise<string | null>) => Promise<unknown>

/** Options of {@link CredentialStore.open}. */
export interface LoginOptions extends HttpOptions {
  /**
   * The directory of the login's file, absolute. In it others than its owner must not be able to write, unless it is sticky.
   * claude: best one that only the worker reads, and not the `CLAUDE_CONFIG_DIR` of a run. codex: its `CODEX_HOME`.
   */
  dir: string
  /** The file's name in it. Default: the CLI's own, `.credentials.json` (claude), `auth.json` (codex, whose CLI reads no other). */
  file?: string | undefined
  /**
   * The uid that the file must belong to, and the directory too unless it is root's; then `dir` must be no symlink either.
   * Give it where a tenant can write to `dir` or above it. `undefined` is refused.
   */
  owner?: number
  /** How long before its expiry a token is refreshed, in milliseconds. Default 300 000 (5 minutes). */
  refreshAheadMs?: number | undefined
  /**
   * The most time for the request, and before it, from the call on, for the wait for a turn and for the lock of this
   * machine, in milliseconds. Default 30 000; at least 5 000, as an answer that nobody awaits costs the login.
   */
  timeoutMs?: number | undefined
  /** Where tokens are refreshed: `https://…`, or `http://` on loopback. Default: the vendor's. */
  tokenUrl?: string | undefined
  /** Default: that of the CLI. */
  clientId?: string | undefined
  /** How the request is written. Default `"json"`, as both CLIs do; `"form"` is what RFC 6749 has. */
  format?: import('../binding').BodyFormat | undefined
  /** Where things stand in the file, as names with dots between them. Default: as the CLI writes it. */
  fields?: {
    accessToken?: string | undefined
    refreshToken?: string | undefined
    /** `"jwt"`: in the access token, its claim `exp`. */
    expiresAt?: string | undefined
    /** Default `"ms"`, milliseconds since 1970; `"s"`, seconds. */
    expiresAtUnit?: import('../binding').ExpiryUnit | undefined
  } | undefined
  /** For a login that several machines use. The lock of this machine is taken within it. */
  withLock?: WithLock | undefined
  /** What the fleet calls this login. Needed with `withLock`. */
  name?: string | undefined
  /**
   * Seals what the machines tell one another, where each has a file of its own. Without it, `withLock` is a lock and no more: for
   * machines that share the file.
   */
  lockbox?: Lockbox | undefined
}

/** What came of {@link CredentialStore.fresh} and its like. */
export interface RefreshResult {
  /**
   * Who got the tokens that the store has now: nobody, as the old ones are good, or as `reload()` asks nobody; this call; another
   * process, host, the CLI or a person.
   */
  readonly how: import('../binding').How
  /**
   * Whether this call has asked the endpoint. With a `failure` and `false`, the endpoint was left alone: nothing could be asked, or
   * the failure is that of an earlier call.
   */
  readonly asked: boolean
  /**
   * Whether the file has the tokens. False: it has a refresh token that is used up, and the new tokens are in this process only,
   * which goes on from them, and tries to write them with each call. A process that ends before it could may have lost the login.
   */
  readonly persisted: boolean
  readonly generation: number
  readonly fingerprint: string
  readonly expiresAt: Date | null
  /**
   * Why it failed, where the old tokens serve on; why the file could not be written; or why a crash of the machine may undo what was
   * written.
   */
  readonly failure: ProviderError | null
}

/**
 * The newest credential of one provider for one tenant: a key that {@link CredentialStore.rotate} replaces, or a login
 * whose tokens are refreshed before they expire. An environment that was built with an older credential starts nothing
 * any more (`ERR_PROVIDER_CREDENTIAL_SUPERSEDED`), nor one whose token has expired (`ERR_PROVIDER_CREDENTIAL_EXPIRED`); what
 * runs, runs on.
 */
export class CredentialStore {
  private constructor()
  /**
   * A store of one credential.
   * @param secret A `Uint8Array` is consumed: zero-filled before the call returns.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static of(provider: ProviderId, secret: SecretInput, options?: { kind?: 'api-key' | 'oauth-token' | undefined }): CredentialStore
  /**
   * A store of the login that a CLI has put into its state directory. There is no interactive login here: it opens a
   * browser and a port, and waits for a person. Log in with the CLI elsewhere, and put its file there.
   *
   * claude: the access token is handed over as any OAuth token; the refresh token is not. Whoever runs as a uid that can read
   * the file has it nevertheless: keep it in a directory that only the worker reads. codex: the CLI
   * takes tokens from its own file only, so `dir` becomes its `CODEX_HOME`, and whoever runs as its uid can read them.
   * An API key in Codex's file is handed over as any API key.
   *
   * The file may have up to 4 MiB. Mount its directory into a container, and not the file alone.
   *
   * @returns Rejects with `ProviderError` `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_LOGIN_REQUIRED`,
   * `ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE`, `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_KEY_MALFORMED`,
   * `ERR_PROVIDER_KEY_WRONG_PROVIDER`; with `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. An access token that
   * no launch would take is an error only where there is no refresh token beside it.
   */
  static open(provider: ProviderId, options: LoginOptions): Promise<CredentialStore>
  readonly provider: ProviderId
  readonly kind: 'api-key' | 'oauth-token'
  /** As of {@link Secret.fingerprint}. */
  readonly fingerprint: string
  /** Counts the credentials that this store has had, in this process, from 1 on. */
  readonly generation: number
  /** `null`: it is a key, which does not expire, or nobody says until when the token is good. */
  readonly expiresAt: Date | null
  /** The login's file; `null` for a store of one credential. */
  readonly path: string | null
  readonly disposed: boolean
  /**
   * Replaces the credential of a store of one. No launch that begins after it has returned uses the old one.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, and then nothing has changed;
   * `ERR_PROVIDER_UNSUPPORTED` for a login; `ERR_PROVIDER_DISPOSED`.
   */
  rotate(secret: SecretInput): void
  /**
   * Makes sure that the token is good for `refreshAheadMs`. To be awaited before each `buildProviderEnv`: it costs nothing
   * while the token is good and in the file. A token that does not say until when it is good is refreshed as well, where there is a
   * refresh token. After a failure the endpoint is left alone for a while. Refreshes happen once: one at a time in this process,
   * under a lock of this machine, and under `withLock`; who comes second takes what the first got. A failure is in the result
   * while the old token is good. A key needs nothing.
   * @returns Rejects, when the old token has expired, with `ProviderError` `ERR_PROVIDER_LOGIN_REQUIRED` (only a person can help),
   * `ERR_PROVIDER_REFRESH_FAILED` (try again), `ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE`, `ERR_PROVIDER_UNSEAL_FAILED`,
   * `ERR_PROVIDER_BUSY` (in the middle of an exit), `ERR_PROVIDER_UNSUPPORTED` (a login that only the CLI can use);
   * `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_DISPOSED`. The file is whole, whatever happens.
   */
  fresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /**
   * The same whatever the expiry, unless somebody else has refreshed since this store last looked: after a 401, for instance. It asks
   * also after a failure, but not about a login that the vendor has just called dead.
   * @returns Rejects as `fresh()` does, and with `ERR_PROVIDER_UNSUPPORTED` for a store of one credential.
   */
  refresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /**
   * Reads the file again, for what a person or another process has put there, and what the fleet has. No new tokens are asked for,
   * not even where the old one has expired.
   * @returns Rejects as `fresh()` does where neither what is read nor the old token is of any use, and with
   * `ERR_PROVIDER_UNSUPPORTED` for a store of one credential.
   */
  reload(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult>
  /** Wipes it. Idempotent. */
  dispose(): void
  [Symbol.dispose](): void
}
