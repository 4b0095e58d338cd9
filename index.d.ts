// The public types of the package, made of lib/ by `npm run build`.
/// <reference types="node" />
import { EventEmitter } from 'node:events'
import { Writable, Readable, Transform } from 'node:stream'

// What follows from the rows in src/provider.

/** The CLI that serves a request. */
export type ProviderId = 'claude' | 'codex'

/** The directories that the CLIs keep their state in. docs/providers.md says what each CLI does without one. */
interface StateDirectories {
  /** `CLAUDE_CONFIG_DIR` of Claude Code. Where it is given, the target uid must be able to write to it; the CLI makes it when it is missing. Default: `.claude` below `home`. */
  claudeConfigDir?: string | undefined
  /** `CODEX_HOME` of OpenAI Codex. Where it is given, it must exist, and the target uid must be able to write to it. Default: `.codex` below `home`. */
  codexHome?: string | undefined
}

/**
 * Options of {@link diagnose}. Paths may be relative to the working directory of this process. A state directory that is not
 * given is this process's own where the target is its own uid.
 */
export interface DiagnoseOptions extends StateDirectories {
  /** The provider to look at. Default: every one. */
  provider?: ProviderId | undefined
  /** Whom the CLI becomes. Default: this process's own effective ids. */
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  /** The tenant's workspace. Default: none, and its files are not looked at. */
  workspace?: string | undefined
  /** `HOME` of the CLI. Default: this process's own where the target is its own uid, else none. */
  home?: string | undefined
  /** `TMPDIR` of the CLI. Default: this process's own, else `/tmp`. */
  tmpDir?: string | undefined
  /** The program, as in `SpawnOptions`. Needs `provider`. */
  command?: string | undefined
  /** The `PATH` that the program is looked for on. Default: `process.env.PATH`. */
  path?: string | undefined
  /** Where the commands of remedies install programs. Default: `/opt/provider-env`. */
  prefix?: string | undefined
  /** Whether to start each CLI once against a mock of its API on 127.0.0.1. Default: true. */
  start?: boolean | undefined
  /** How long such a start may take, in milliseconds. Default: 30 000. */
  startTimeoutMs?: number | undefined
}

/** How bad a finding is. `info` asks for nothing. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'
/** One thing that was looked at. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions: for scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that it is about; `null` for the machine and the target. */
  readonly provider: ProviderId | null
  /** What is so, as one or two English sentences. No value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` where nothing is to be done. */
  readonly remedy: string | null
  /**
   * The commands that mend it, quoted for a POSIX shell, to be run one after the other in one shell: `export PATH=…`
   * among them changes that shell's own. Read them first: most need root. What the target has to do is run by
   * `provider-env run-as`. Empty where no command can mend it.
   */
  readonly commands: readonly string[]
  /** The file or directory that it is about. */
  readonly path: string | null
  /** Particulars, by finding: numbers, names and paths. JSON can hold them. May gain fields in any version. */
  readonly details: Readonly<Record<string, unknown>>
}

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** Of this shape: 1. */
  readonly schemaVersion: number
  /** Of the package. */
  readonly version: string
  /** Whether no finding is worse than `info`. */
  readonly ok: boolean
  readonly worst: Severity
  readonly target: {
    readonly uid: number
    readonly gid: number
    readonly groups: readonly number[]
  }
  /** Those that were looked at, and what people call them. */
  readonly providers: readonly {
    readonly id: ProviderId
    readonly name: string
  }[]
  readonly durationMs: number
  /** The machine and the target first, then each provider; `target.unseen`, which says what was not looked at, is last. */
  readonly findings: readonly Finding[]
}

/** What every object has in common whose secrets Rust holds. */
declare class Handle {
  get disposed(): boolean
  /** Wipes it. Idempotent. */
  dispose(): void
  [Symbol.dispose](): void
}

declare const sealed: unique symbol
/**
 * A secret on its way to one worker, as text: `provider-env-sealed.v1.…`, made by {@link Lockbox.unsealFor} or {@link Secret.sealFor}. It holds
 * no plaintext: it may be logged, stored, and sent over any channel.
 */
export type SealedSecret = string & {
  readonly [sealed]: true
}
/** What a {@link SealedSecret} is bound to: it opens nowhere else. Each at most 1 KiB of UTF-8, not empty, no NUL. */
export interface SealBinding {
  /** `workspace.id` of the {@link buildProviderEnv} that opens it. */
  workspace: string
  /** The payload's field: `apiKey`, `oauthAccessToken`, `sessionCookie`, or `userEnvKeys.NAME`. */
  field: 'apiKey' | 'oauthAccessToken' | 'sessionCookie' | `userEnvKeys.${string}`
  /** `requestId` of the {@link buildProviderEnv} that opens it. */
  request: string
  /**
   * Whose credential it is, for `apiKey` and `oauthAccessToken`: `credentialOwner` of the {@link buildProviderEnv} that opens
   * it. One that was sealed as the server's does not open as the workspace's, nor the reverse. Default `"workspace"`.
   */
  credentialOwner?: CredentialOwner | undefined
}
/**
 * Whose a credential is. The server's is billed to the server and kept from the tenant: files, arguments and options by which
 * the tenant could get it, or have it sent elsewhere, are refused, also in a trusted workspace.
 */
export type CredentialOwner = 'workspace' | 'server'

/** Options of {@link Secret.from}. */
export interface SecretOptions {
  /**
   * Throw `ERR_PROVIDER_MEMORY_UNPROTECTED` where the kernel refused to lock the memory that this very secret is in, or
   * another protection that this system knows. Default false: {@link memoryProtection} tells it.
   */
  requireLocked?: boolean | undefined
}
/**
 * An opaque handle of secret bytes, held in Rust in guarded memory. `util.inspect`, `JSON.stringify`, `String()` and
 * `structuredClone` show no byte of it, and no method hands them out.
 */
export declare class Secret extends Handle {
  private constructor()
  /**
   * @param bytes Consumed: zero-filled before the call returns, on success and on failure.
   * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static from(bytes: Uint8Array, options?: SecretOptions): Secret
  /** How many bytes. */
  get length(): number
  /** 8 hex digits of a hash keyed per process; the same bytes have the same one in this process. */
  get fingerprint(): string
  /**
   * Seals it for one worker, as {@link Lockbox.unsealFor} does with a row: for a secret that comes from elsewhere, such as
   * a token that was just refreshed.
   * @param publicKey {@link Recipient.publicKey}, or its 32 bytes.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` for what can be no credential in the field
   * of one.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  sealFor(publicKey: string | Uint8Array, binding: SealBinding): SealedSecret
}

/**
 * A secret on its way in.
 *
 * `Uint8Array`: consumed. It is copied once into memory that is wiped, and zero-filled before the call returns, on
 * success and on failure. A view onto a `SharedArrayBuffer` is refused, and an array of zeros only: it was consumed before. V8 keeps arrays of up to 64 bytes in its own heap,
 * where its collector may have moved them before the call: make small secrets in an `ArrayBuffer` of their own
 * (`new Uint8Array(new ArrayBuffer(n))`), as what comes from a socket or a file is.
 *
 * `string`: accepted because today's worker holds one. V8 strings cannot be wiped, so the caller's copy stays in the
 * JS heap until the collector reuses its memory.
 *
 * {@link Secret}: a handle of bytes that Rust holds. It is not consumed: dispose of it yourself. An environment that was
 * built with it keeps what it needs until it is disposed of in turn.
 *
 * {@link SealedSecret}: a text that only this worker can open, with the option `recipient` and only there.
 */
export type SecretInput = string | Uint8Array | Secret | SealedSecret

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
export declare function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck>

/** The codes of {@link ProviderError}; `docs/errors.md` has a paragraph on each. */
export type ProviderErrorCode =
  | 'ERR_PROVIDER_PAYLOAD_INVALID'
  | 'ERR_PROVIDER_PAYLOAD_TOO_LARGE'
  | 'ERR_PROVIDER_UNKNOWN'
  | 'ERR_PROVIDER_CREDENTIAL_MISSING'
  | 'ERR_PROVIDER_KEY_MALFORMED'
  | 'ERR_PROVIDER_KEY_WRONG_PROVIDER'
  | 'ERR_PROVIDER_CREDENTIAL_REVOKED'
  | 'ERR_PROVIDER_ENV_FORBIDDEN'
  | 'ERR_PROVIDER_ENV_TOO_LARGE'
  | 'ERR_PROVIDER_PROGRAM_NOT_FOUND'
  | 'ERR_PROVIDER_PROGRAM_UNREACHABLE'
  | 'ERR_PROVIDER_PROGRAM_OUTDATED'
  | 'ERR_PROVIDER_STATE_DIR_UNUSABLE'
  | 'ERR_PROVIDER_CA_FILE_UNUSABLE'
  | 'ERR_PROVIDER_PRIVILEGE_REFUSED'
  | 'ERR_PROVIDER_PRIVILEGE_FAILED'
  | 'ERR_PROVIDER_SPAWN_FAILED'
  | 'ERR_PROVIDER_UNSUPPORTED'
  | 'ERR_PROVIDER_ABORTED'
  | 'ERR_PROVIDER_CREDENTIAL_MISMATCH'
  | 'ERR_PROVIDER_TIMEOUT'
  | 'ERR_PROVIDER_UNSEAL_FAILED'
  | 'ERR_PROVIDER_LOCKBOX_KEY_INVALID'
  | 'ERR_PROVIDER_CREDENTIAL_SUPERSEDED'
  | 'ERR_PROVIDER_CREDENTIAL_EXPIRED'
  | 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'
  | 'ERR_PROVIDER_LOGIN_REQUIRED'
  | 'ERR_PROVIDER_REFRESH_FAILED'
  | 'ERR_PROVIDER_BUSY'
  | 'ERR_PROVIDER_MEMORY_UNPROTECTED'
  | 'ERR_PROVIDER_DISPOSED'
  | 'ERR_PROVIDER_INTERNAL'
/** Everything that this package refuses or fails at. No field ever carries a value of a variable, an argument or a secret. */
export declare class ProviderError extends Error {
  readonly code: ProviderErrorCode
  private constructor()
}
export interface ProviderError {
  /** Negative errno, as in Node's system errors. */
  readonly errno?: number
  readonly syscall?: string
  readonly path?: string
  /** The step of the start that failed; `docs/errors.md` lists them. */
  readonly step?: string
  readonly provider?: ProviderId
  /** The names concerned: of variables or of payload fields. */
  readonly names?: string[]
}

/** A master key: where it comes from. */
export type MasterKeySource =
  /** 32 bytes (not all of them printable), or 64 hex digits as ASCII. Consumed: zero-filled before the call returns. */
  | Uint8Array
  | Secret
  /**
   * Taken out of this environment variable, which then is gone, as {@link takeServerCredentials} does: 64 hex digits. Main
   * thread only. Where the constructor throws, it is still there.
   */
  | {
      env: string
    }
  /**
   * A file with 64 hex digits or 32 bytes, of root's or of this process's user, which nobody else can read but its group,
   * nor write.
   */
  | {
      file: string
    }
  /** A file of `$CREDENTIALS_DIRECTORY` (systemd.exec(5), `LoadCredential=`). */
  | {
      credential: string
    }
/** Options of a {@link Lockbox}. */
export interface LockboxOptions {
  /** The first seals; all of them open. */
  masterKeys: MasterKeySource[]
  /** Whether rows of version 1 may be opened, which are bound to no tenant. Default false. */
  allowLegacy?: boolean | undefined
  /** See {@link SecretOptions.requireLocked}; for the master keys, and for every secret that is opened. */
  requireLocked?: boolean | undefined
}
/** What a row is: it opens for the caller who expects exactly this. */
export interface LockboxContext {
  tenant: string
  purpose: string
  /** The third part of a version 2 key derivation; part of version 3's as well. */
  extra?: string | undefined
  /** The secret's name in its table. Bound by version 3. */
  name: string
  /** The row's version number in its table, a whole number from 0. Bound by version 3. */
  rowVersion: number
}
/**
 * An encrypted row. Columns as a driver or PostgREST gives them: `bytea` as bytes or as `\x…` hex text. The names are
 * these: `select ciphertext, iv, auth_tag as "authTag", key_meta as "keyMeta"`. More properties are allowed.
 */
export interface LockboxRow {
  ciphertext: Uint8Array | string
  /** 12 bytes. */
  iv: Uint8Array | string
  /** 16 bytes. */
  authTag: Uint8Array | string
  /**
   * `""` or `v1`; `v2:tenant:purpose[:extra]`; `v3:<id of the master key>`. `null` and absence count as version 1, which opens
   * with {@link LockboxOptions.allowLegacy} alone: rows that were written before the column have NULL in it.
   */
  keyMeta?: string | null | undefined
}
/** A row that was just sealed: version 3, `bytea` as `\x…` hex text. */
export interface SealedLockboxRow extends LockboxRow {
  ciphertext: string
  iv: string
  authTag: string
  keyMeta: string
}
/** Opens encrypted rows and seals new ones (AES-256-GCM), in Rust: the plaintext is a {@link Secret} or sealed anew. */
export declare class Lockbox extends Handle {
  /**
   * @throws {ProviderError} `ERR_PROVIDER_LOCKBOX_KEY_INVALID`, `ERR_PROVIDER_MEMORY_UNPROTECTED`,
   * `ERR_PROVIDER_UNSUPPORTED` for `env` in a worker thread, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(options: LockboxOptions)
  /** The ids of the master keys, in their order, as they stand in `keyMeta` of version 3. No secrets. */
  get masterKeyIds(): string[]
  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the other methods.
   */
  open(row: LockboxRow, context: LockboxContext): Secret
  /** @param secret A `Uint8Array` is consumed: zero-filled before the call returns. */
  seal(secret: Secret | Uint8Array, context: LockboxContext): SealedLockboxRow
  /**
   * Opens a row and seals it again under the first master key, as version 3; the plaintext does not leave Rust.
   * @param to The new row's context. Default: that of the old one.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`.
   */
  reseal(row: LockboxRow, context: LockboxContext, to?: LockboxContext): SealedLockboxRow
  /**
   * Opens a row and seals what it holds for one worker, one workspace, one field and one request.
   * @param publicKey {@link Recipient.publicKey}, or its 32 bytes.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` for what can be
   * no credential in the field of one.
   */
  unsealFor(row: LockboxRow, context: LockboxContext, publicKey: string | Uint8Array, binding: SealBinding): SealedSecret
}
export interface Lockbox {
  /** Wipes the master keys. */
  dispose(): void
}

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
  format?: 'json' | 'form' | undefined
  /** Where things stand in the file, as names with dots between them. Default: as the CLI writes it. */
  fields?:
    | {
        accessToken?: string | undefined
        refreshToken?: string | undefined
        /** `"jwt"`: in the access token, its claim `exp`. */
        expiresAt?: string | undefined
        /** Default `"ms"`, milliseconds since 1970; `"s"`, seconds. */
        expiresAtUnit?: 'ms' | 's' | undefined
      }
    | undefined
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
  readonly how: 'not-needed' | 'here' | 'elsewhere'
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
export declare class CredentialStore extends Handle {
  private constructor()
  /**
   * A store of one credential.
   * @param secret A `Uint8Array` is consumed: zero-filled before the call returns.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static of(
    provider: ProviderId,
    secret: SecretInput,
    options?: {
      kind?: 'api-key' | 'oauth-token' | undefined
    }
  ): CredentialStore
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
  get provider(): ProviderId
  get kind(): 'api-key' | 'oauth-token'
  /** As of {@link Secret.fingerprint}. */
  get fingerprint(): string
  /** Counts the credentials that this store has had, in this process, from 1 on. */
  get generation(): number
  /** `null`: it is a key, which does not expire, or nobody says until when the token is good. */
  get expiresAt(): Date | null
  /** The login's file; `null` for a store of one credential. */
  get path(): string | null
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
}

/** What a log or a badge may show of a credential. */
export interface CredentialInfo {
  readonly kind: 'api-key' | 'oauth-token' | 'config-dir'
  readonly source: 'payload' | 'store' | 'server' | 'config-dir'
  /** Whose it is, by {@link ProviderEnvOptions.credentialOwner}; from `serverCredentials` always `"server"`. */
  readonly owner: CredentialOwner
  /**
   * 8 hex digits of a hash keyed per process: tells two keys apart in one process's log, and says nothing offline.
   * `null` for a config directory.
   */
  readonly fingerprint: string | null
  /** Which of its store's credentials it is, counted in this process from 1 on; `null` when it comes from no store. */
  readonly generation: number | null
}
/**
 * The environment of one launch, held in Rust. `util.inspect`, `JSON.stringify` and `String()` show ids, names and
 * the fingerprint, never a value.
 */
export declare class ProviderEnv extends Handle {
  private constructor()
  get provider(): ProviderId
  get credential(): CredentialInfo
  /**
   * What `prepareRequestEnv` called the source: `"user"` for the workspace's API key and `"oauth"` for its token, from the
   * payload or a credential store; `"server"` for the server's of either kind, wherever it came from; `"none"` for a login in
   * a directory. `credential` tells more. Not the claim of the same name that Claude Code makes of itself.
   */
  get apiKeySource(): 'user' | 'oauth' | 'server' | 'none'
  /** How many `USER_*` variables were set. */
  get userEnvKeyCount(): number
  /** The names of `userEnvKeys` that were left out because they do not match the pattern. */
  get rejectedUserEnvKeys(): string[]
  /**
   * Every name that this environment gives the child with delivery `"auto"`, sorted. A start adds constants of its own that keep
   * the CLI from obeying a workspace's files, and moves a temporary directory that is taken: docs/providers.md lists them.
   */
  get names(): string[]
  /**
   * The value of a variable that holds no secret; `undefined` when there is none of that name.
   * @throws {ProviderError} `ERR_PROVIDER_ENV_FORBIDDEN` for the name of a secret; `ERR_PROVIDER_DISPOSED`.
   */
  get(name: string): string | undefined
  /**
   * The whole environment with its secrets, as delivery `"env"` would hand it over: the one audited way out to JS
   * strings. They cannot be wiped. Search your code for this name to find every place.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`,
   * `ERR_PROVIDER_CREDENTIAL_REVOKED`.
   */
  exposeSecrets(): Record<string, string>
}
export interface ProviderEnv {
  /**
   * Wipes the secrets. Idempotent. A start that was already asked for keeps what it needs until it has started, and
   * {@link SpawnOptions.redactOutput} what it looks for until the child's streams have closed.
   */
  dispose(): void
}

/**
 * Tokens, in one meaning for both providers: that of OpenTelemetry's conventions for generative AI. Whole numbers, at
 * most 2^53 - 1.
 */
export interface TokenCounts {
  /** All that went in, `cachedInputTokens` and `cacheWriteInputTokens` included. (Claude Code itself tells it without them.) */
  inputTokens: number
  /** Input that was read from the cache. */
  cachedInputTokens: number
  /** Input that was written to the cache. */
  cacheWriteInputTokens: number
  /** All that came out, `reasoningTokens` included. */
  outputTokens: number
  /** Output that the model thought with. */
  reasoningTokens: number
}
/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** US dollars, as the CLI reckons them; `null` where it does not. */
  costUsd: number | null
}
/** What a thread of Codex has used in all its runs. Plain data: keep it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

/** Options of a {@link UsageMeter}. */
export interface UsageMeterOptions {
  /** What the CLI was given, to be compared with what it says (claude). Default: nothing is compared. */
  credential?: 'api-key' | 'oauth-token' | 'config-dir' | undefined
  /** The model, where the output does not tell it (codex). */
  model?: string | undefined
  /**
   * Whether the run goes on with an earlier thread of Codex, or session of Claude Code that is read as `json`. What that had
   * used is then `thread` (codex), or what this process has read of it in this `workspace`. When neither is known, `complete`
   * stays false, and the first turn counts nothing (codex) or what the agent alone used in it (claude). Default false.
   */
  resumed?: boolean | undefined
  /**
   * Say `false` where the run can have no subagents (codex: started with the override `agents.enabled=false`). Otherwise
   * `complete` stays false for codex, as its events do not tell of all subagents. Default true.
   */
  subagents?: boolean | undefined
  /** {@link ProviderUsage.thread} of the thread's last run, where another process read that. It alone counts then. */
  thread?: ThreadTotals | null | undefined
  /**
   * Whose run it is: what this process has read of a thread is kept for runs of the same workspace, a
   * ProviderEnv's `workspace.id` included. Without it nothing is kept beyond this
   * meter, and for codex either `thread` or `resumed` must be given: it reports the total of a thread.
   */
  workspace?: string | undefined
}
/**
 * Reads a CLI's JSON output that this package does not see, as when the Codex SDK starts the CLI itself. One for each run,
 * or for several runs of one thread.
 */
export declare class UsageMeter {
  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(provider: ProviderId, options?: UsageMeterOptions)
  get provider(): ProviderId
  get usage(): ProviderUsage
  get failure(): ProviderFailure | null
  get credentialMismatch(): CredentialMismatch | null
  /** The next piece of the output, cut anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this
  /** One event, as an SDK gives it. */
  event(event: object): this
  /** The run has ended; `null`, the default, when its exit code is not known. What comes after is not read. */
  end(code?: number | null): this
}

/** Whose usage. Each is 1 to 256 bytes of UTF-8, without half of a surrogate pair. */
export interface LedgerLabels {
  workspace: string
  provider: ProviderId
  /**
   * Which of the workspace's credentials: a text, or a whole number from 0. Default: of a ProviderProcess `"<fingerprint>"`, or `"<generation>-<fingerprint>"`
   * where the credential is a store's; else `"none"`. Both are others in the next process: for totals that outlast it, give
   * what your own records call the key, such as the version of its row.
   */
  generation?: string | number | undefined
}
/** Options of a {@link UsageLedger}. */
export interface UsageLedgerOptions {
  /**
   * Entries that are kept apart, 1 to 1 000 000, as long as their lines for Prometheus are no more than 256 MiB together.
   * Default 10 000, which always are.
   */
  maxEntries?: number | undefined
}
/** Totals of runs. */
export interface LedgerCounts extends TokenCounts {
  turns: number
  /** Runs that have ended. */
  runs: number
  /** Those of them whose usage is a lower bound. */
  incompleteRuns: number
  /** US dollars, as far as the CLIs tell them, summed in whole 10^-12; `null` where none has. */
  costUsd: number | null
}
/** A ledger as plain data. */
export interface LedgerSnapshot {
  /** Sorted by workspace, provider and generation. */
  entries: (LedgerCounts & {
    workspace: string
    provider: string
    generation: string
  })[]
  /** The sum of the entries that had to make room; `null` when none had to. */
  other: LedgerCounts | null
  /** How many had to. */
  evicted: number
  /** The sum of everything, `other` included. */
  total: LedgerCounts
}
/**
 * Totals per workspace, provider and generation of the credential. Beyond `maxEntries` the entry that was used longest ago
 * is added to `other`: sums stay exact. It belongs to the thread that made it; give each worker thread its own, and sum
 * what they export.
 */
export declare class UsageLedger {
  /** @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the methods. */
  constructor(options?: UsageLedgerOptions)
  /** How many entries there are, `other` not counted. */
  get size(): number
  /**
   * Adds a run that has ended. At most a trillion dollars.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN` for a provider that does not exist; so does `track`.
   */
  record(usage: ProviderUsage, labels: LedgerLabels): void
  /**
   * Adds each turn of a run as it is reported, and at its end what it used of a turn that was not. Once per run and ledger is
   * enough; more often changes nothing. A process whose stdout is not read for usage (see {@link SpawnOptions.usage}) counts
   * at its end as a run without tokens, in `runs` and in `incompleteRuns`.
   */
  track(
    run: ProviderProcess | UsageMeter,
    labels: Partial<LedgerLabels> & {
      workspace: string
    }
  ): void
  toJSON(): LedgerSnapshot
  /**
   * Prometheus' text format 0.0.4: counters `provider_env_…_total` with the labels `workspace`, `provider`, `generation`;
   * `other` is the series without labels. No label is a secret unless you make it one.
   */
  toPrometheus(): string
}

/** Why what a run has used may be more than what is told; `docs/usage.md` has more of each. */
export type UsageGap =
  /** A turn is under way, or was cut off before it was reported. */
  | 'turn-not-reported'
  /** A part of the output could not be read. */
  | 'output-unread'
  /** A turn's report says less than its answers had told. */
  | 'report-too-small'
  /** The CLI tells the total of a session that is resumed, and nobody knows what that was before. */
  | 'earlier-total-unknown'
  /** The total of a session cannot be true beside what was known of it, as when its file was changed. */
  | 'total-unbelievable'
  /** codex: `exec review`, or approvals that a model reviews (`--approve-for-me`): no event tells of their requests. */
  | 'review'
  /** codex: other threads worked for this one, such as subagents, and no event tells what they used. */
  | 'subagents'
  /** codex: nobody can tell whether any did: the session's file could not be found, or it is a {@link UsageMeter}'s run. */
  | 'subagents-unknown'
  /** codex: the session was, or may have been, summed up in requests that no event tells. */
  | 'compaction'
/** What a run has used so far: a snapshot, plain data. What was used before, in a session that is resumed, is not in it. */
export interface ProviderUsage extends TokenCounts {
  /** Turns that are over: prompts whose end was reported. */
  turns: number
  /** The model that the run began with; for codex only where the arguments name it. `null`: not known. */
  model: string | null
  /** By model, as far as the models are known; at most 32, what others use stands in the sum alone. */
  models: Record<string, ModelUsage>
  /** US dollars for the turns that are over, as the CLI reckons them at list prices; `null` for codex. */
  costUsd: number | null
  /** Whether this is all, as far as the CLI tells it. Where it is false, the counts are a lower bound. */
  complete: boolean
  /** Why it is not all; empty when `complete` is true. */
  incompleteBecause: UsageGap[]
  /** codex: the thread and its totals as last reported; see {@link UsageMeterOptions.thread}. `null` for claude. */
  thread: ThreadTotals | null
}
/** What a run failed at; `docs/usage.md` has the words of both CLIs for each. */
export type ProviderFailureKind =
  | 'authentication'
  | 'permission'
  | 'not-logged-in'
  | 'no-credential'
  | 'quota'
  | 'rate-limited'
  | 'overloaded'
  | 'server'
  | 'network'
  | 'endpoint'
  | 'model'
  | 'too-large'
  | 'invalid-request'
  | 'limit'
  | 'no-session'
  | 'configuration'
  | 'unknown'
/** A failure of a run. Nothing in it is the CLI's or the server's text, which may echo a key. */
export interface ProviderFailure {
  kind: ProviderFailureKind
  /** The API's HTTP status, where the CLI tells it. */
  status: number | null
  /** Whether the same run may succeed later with nothing changed: by its kind, or because one of the next two is told. */
  retryable: boolean
  /** How long to wait, counted from when the CLI said so, where it or the API tells it; else `null`. */
  retryAfterMs: number | null
  /** When the limit that was reached ends, in milliseconds since the epoch, where the CLI or the API tells it; else `null`. */
  resetsAt: number | null
  /** Whether the CLI was still trying again when it said so. */
  passing: boolean
  /** What is wrong. */
  message: string
  /** What to do. */
  remedy: string
}
/** The CLI says that it uses another credential than it was given. */
export interface CredentialMismatch {
  /** What it may say of what it was given. */
  expected: string[]
  /** What it said, where that is a word that is known; else `"other"`. */
  claimed: string
}

/**
 * A default protection that the start could not give; see `docs/hardening.md`. `stderr-redaction`: stderr is no pipe, so
 * it does not pass through this process. `session-keyring` on the native start: a sandbox refuses keyctl(2).
 */
export type MissingProtection =
  | 'no-new-privileges'
  | 'parent-death-signal'
  | 'verified-drop'
  | 'close-range'
  | 'core-limit'
  | 'wiped-environment'
  | 'state-directory-check'
  | 'descendant-kill'
  | 'working-directory-check'
  | 'session-keyring'
  | 'scheduling-reset'
  | 'stderr-redaction'
/**
 * A started provider: what users of `ChildProcess`, and the Claude Agent SDK's `SpawnedProcess`, expect.
 * Events as there: `spawn`, `error`, `exit`, `close`. And `usage`, `failure`, `credentialMismatch` where stdout is read
 * for them: see the option `usage`. The last of each comes before `close`.
 */
export declare class ProviderProcess extends EventEmitter {
  private constructor()
  get provider(): ProviderId
  /** What it runs with. */
  get credential(): CredentialInfo
  /** Known once `spawn` was emitted: the start happens on another thread. `undefined` before, and when it failed. */
  get pid(): number | undefined
  get stdin(): Writable | null
  get stdout(): Readable | null
  get stderr(): Readable | null
  get stdio(): [Writable | null, Readable | null, Readable | null]
  get exitCode(): number | null
  /**
   * The signal that ended it. A real-time signal, which Node has no name for, has the one that `kill -l` shows, as `SIGRTMIN+3`;
   * not on the portable start, where `child_process` takes it for an exit with 0.
   */
  get signalCode(): NodeJS.Signals | null
  /** True once a signal was sent with {@link kill}, or it was stopped by an abort, a timeout or `onCredentialMismatch`. */
  get killed(): boolean
  /** There is no channel of messages. */
  get connected(): false
  /** The absolute path of the program that was started, once known. */
  get spawnfile(): string | undefined
  /** What the program was given: {@link spawnfile}, and all arguments, ours among them. Empty until `spawn`. A copy. */
  get spawnargs(): string[]
  /** `"native"`: started by the addon. `"portable"`: by `child_process`. */
  get startPath(): 'native' | 'portable'
  /** The default protections that this start could not give. */
  get missingProtections(): MissingProtection[]
  /** What the run has used so far; `null` where stdout is not read for it. Final with `close`. */
  get usage(): ProviderUsage | null
  /** What the run failed at, or is trying again after (`passing`); `null` when it has recovered, or nothing is known. */
  get failure(): ProviderFailure | null
  /**
   * Settles when the program runs, or rejects with why not. `/proc/PID/environ` can read as empty for some
   * milliseconds after that.
   */
  get spawned(): Promise<void>
  /**
   * Settles when the process has ended. A non-zero exit is a result; it rejects only when the start failed. `error` is
   * there when it was stopped by `signal`, `timeoutMs` or `onCredentialMismatch`.
   */
  get exited(): Promise<{
    code: number | null
    signal: NodeJS.Signals | null
    error?: ProviderError
  }>
  /**
   * Signals the whole process group. `killSignal` (the default) is followed by SIGKILL after `killGraceMs`. SIGKILL
   * also reaches what the CLI started in groups of their own.
   * Before `spawn` the signal is kept and delivered as soon as the program runs.
   * @returns whether there was something to signal.
   */
  kill(signal?: NodeJS.Signals | number): boolean
  /** Keeps the event loop alive while the process runs (the default). */
  ref(): void
  unref(): void
  /** Stops the group as `kill()` does. */
  [Symbol.dispose](): void
  /** The same, and waits for `close`. */
  [Symbol.asyncDispose](): Promise<void>
}
export interface ProviderProcess {
  on(event: 'spawn', listener: () => void): this
  on(event: 'error', listener: (error: ProviderError) => void): this
  on(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
  /**
   * Running totals, the same as {@link usage}: take the last, never add them up. Whenever they have changed (a turn has begun,
   * an answer came, a turn was reported), and at least once, before `close`.
   */
  on(event: 'usage', listener: (usage: ProviderUsage) => void): this
  on(event: 'failure', listener: (failure: ProviderFailure) => void): this
  on(event: 'credentialMismatch', listener: (mismatch: CredentialMismatch) => void): this
  once(event: 'usage', listener: (usage: ProviderUsage) => void): this
  once(event: 'failure', listener: (failure: ProviderFailure) => void): this
  once(event: 'credentialMismatch', listener: (mismatch: CredentialMismatch) => void): this
  once(event: 'spawn', listener: () => void): this
  once(event: 'error', listener: (error: ProviderError) => void): this
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
}

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
export declare function revoke(target: RevocationTarget): ProviderProcess[]
/**
 * Undoes a {@link revoke}: one that was a mistake, or that of a login whose place a new one has taken.
 * @returns whether it was revoked.
 * @throws As {@link revoke}.
 */
export declare function restore(target: RevocationTarget): boolean
/**
 * The processes of this thread that have not ended, oldest first, from the moment that their start was asked for.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function runningProcesses(filter?: ProcessFilter): ProviderProcess[]

/** Options of {@link takeServerCredentials}. */
export interface ServerCredentialsOptions {
  /** See {@link SecretOptions.requireLocked}. Looked at before anything is taken. */
  requireLocked?: boolean | undefined
}
/** The server's own keys, held in Rust. */
export declare class ServerCredentials extends Handle {
  private constructor()
  /** The providers that it holds a key for. */
  get providers(): ProviderId[]
  /** The names that were taken out of the environment. */
  get names(): string[]
  /** The fingerprint of a provider's key, `null` when there is none. */
  fingerprint(provider: ProviderId): string | null
}
export interface ServerCredentials {
  dispose(): void
}
/**
 * Moves `ANTHROPIC_API_KEY`, `CODEX_API_KEY` and `OPENAI_API_KEY` out of `process.env` into Rust, and wipes them from
 * the process's initial environment block, so that `/proc/self/environ` no longer shows them. Call it once, early,
 * on the main thread, before anything copies `process.env`. It changes `process.env`: that is what it is for.
 *
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` in a worker thread (its `process.env` is a copy that cannot be
 * wiped); `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, `ERR_PROVIDER_MEMORY_UNPROTECTED` (nothing
 * was taken).
 */
export declare function takeServerCredentials(options?: ServerCredentialsOptions): ServerCredentials

/** Options of {@link validateKey}. */
export interface ValidateKeyOptions {
  /**
   * As what the key is to be used: what goes into `payload.apiKey` (`"api-key"`, the default), or into
   * `payload.oauthAccessToken` (`"oauth-token"`). One given in the other's place is `invalid` (`wrong-kind`), as
   * {@link buildProviderEnv} refuses it.
   */
  kind?: 'api-key' | 'oauth-token' | undefined
}
/** What a key was found to be. `docs/credentials.md` has a line on each code. */
export type KeyFindingCode =
  /** `ok`. */
  | 'ok'
  /** `warning`: {@link buildProviderEnv} takes it. */
  | 'unfamiliar'
  | 'unknown-kind'
  | 'too-short'
  | 'pasted-twice'
  | 'other-vendor'
  | 'likely-other-provider'
  | 'likely-other-kind'
  /** `invalid`: it is not what a vendor issued (`ERR_PROVIDER_KEY_MALFORMED` from {@link buildProviderEnv}). */
  | 'empty'
  | 'too-long'
  | 'sealed'
  | 'web-address'
  | 'header'
  | 'assignment'
  | 'invisible-characters'
  | 'quotes'
  | 'white-space'
  | 'masked'
  | 'no-value'
  | 'reference'
  | 'placeholder'
  | 'stray-punctuation'
  | 'forbidden-characters'
  /** `invalid`: it belongs elsewhere (`ERR_PROVIDER_KEY_WRONG_PROVIDER`; the last `ERR_PROVIDER_UNSUPPORTED`). */
  | 'wrong-provider'
  | 'wrong-kind'
  | 'not-for-launch'
  | 'kind-not-taken'
/** The classes of keys that are known by their shape: `src/provider/key_class.rs` has the prefixes and their sources. */
export type KeyClass =
  | 'anthropic-api-key'
  | 'anthropic-oauth-access-token'
  | 'anthropic-oauth-refresh-token'
  | 'anthropic-admin-key'
  | 'anthropic-session-cookie'
  | 'anthropic-key'
  | 'openai-project-key'
  | 'openai-service-account-key'
  | 'openai-user-key'
  | 'openai-admin-key'
  | 'openai-legacy-key'
  | 'chatgpt-access-token'
  | 'openrouter-key'
  | 'github-token'
  | 'google-api-key'
  | 'groq-key'
  | 'xai-key'
  | 'aws-access-key-id'
/** What {@link validateKey} returns. No part of the key is in it. */
export interface KeyValidation {
  /** `invalid` is what {@link buildProviderEnv} refuses; a `warning` it takes, and a person should look. */
  readonly verdict: 'ok' | 'warning' | 'invalid'
  readonly code: KeyFindingCode
  /** The provider that it was looked at for. */
  readonly provider: ProviderId
  /** What it is, by its shape; `null` for a shape that is not known. */
  readonly class: KeyClass | null
  /** The class in words, with its article: `"an Anthropic API key"`. */
  readonly className: string | null
  /** What the class can be used as; `null` for what no launch uses, and where the shape does not tell. */
  readonly kind: 'api-key' | 'oauth-token' | null
  /** Whose keys have this shape; `null` for other vendors', and where the shape does not tell. */
  readonly belongsTo: ProviderId | null
  /** One or two English sentences for a settings page: what it is, and what to do. */
  readonly message: string
  /** As in {@link CredentialInfo.fingerprint}, of the key as it was given; `null` where it is `invalid`. */
  readonly fingerprint: string | null
}
/**
 * Looks at a key before it is saved: its length, its characters, its class, and what is often pasted along. Local and
 * synchronous; whether the vendor accepts it, only a call to its API tells. {@link buildProviderEnv} refuses by the same
 * rules what is `invalid` here. A bad key is a result, not an error.
 *
 * @param input Bytes are consumed: zero-filled before the call returns, on success and on failure. A string's copy in V8
 * is the caller's; no other is made there. A {@link Secret} stays. A {@link SealedSecret} is `invalid` (`sealed`): only
 * its worker opens it.
 * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_DISPOSED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`: also for bytes that were consumed before.
 */
export declare function validateKey(provider: ProviderId, input: SecretInput, options?: ValidateKeyOptions): KeyValidation

/** Options of {@link createRecipient}. */
export interface RecipientOptions {
  /** How old a sealed secret may be, in milliseconds. Default 300 000 (5 minutes); 1 000 to 3 600 000. */
  maxAgeMs?: number | undefined
  /** See {@link SecretOptions.requireLocked}. */
  requireLocked?: boolean | undefined
}
/** The worker's end of sealed secrets: a key pair whose private half never leaves Rust. */
export declare class Recipient extends Handle {
  private constructor()
  /** X25519, 32 bytes, base64url without padding: send it to the parent. It is no secret. */
  get publicKey(): string
}
export interface Recipient {
  /** Wipes the private key: nothing that was sealed for it opens any more. */
  dispose(): void
}
/**
 * Makes a key pair for {@link ProviderEnvOptions.recipient}. One per worker (or worker thread) is enough: replays are
 * known to the recipient that opened the first.
 *
 * Sealing hides a secret from whoever reads the channel. It does not tell who sent it: whoever can write to the channel
 * can seal keys of their own.
 *
 * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_INTERNAL` where the system has no randomness.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function createRecipient(options?: RecipientOptions): Recipient

/**
 * The fields of the worker's payload that carry identity. Other fields are ignored, but for `credentialOwner` and
 * `requireCredential`, which are refused: they are the caller's word, and a tenant may have written the payload. A payload that
 * has others alone is refused too (`ERR_PROVIDER_PAYLOAD_INVALID`): a message around the payload would run on a fallback, for
 * the default provider. To run on what the options fall back to, name the provider, `{ provider: 'codex' }`, or give `{}` for
 * the default.
 */
export interface ProviderPayload {
  /** Default `"claude"`. */
  provider?: ProviderId | undefined
  /** The workspace's own API key. `""`, `null` and absence mean "none". It wins over `oauthAccessToken`. */
  apiKey?: SecretInput | null | undefined
  /** A Claude subscription token (`sk-ant-oat…`). Refused for `codex`. */
  oauthAccessToken?: SecretInput | null | undefined
  /** Becomes `ALIVE_SESSION_COOKIE`, which is `""` when this is absent: never the previous request's. */
  sessionCookie?: SecretInput | null | undefined
  /** Each becomes `USER_<NAME>`. A NAME that does not match `/^[A-Z][A-Z0-9_]*$/` is left out and reported. */
  userEnvKeys?: Record<string, SecretInput> | null | undefined
}
/** Where the tenant lives. Paths are absolute. */
export interface Workspace extends StateDirectories {
  /** `ALIVE_WORKSPACE_KEY`: the name that people know the workspace by. */
  key?: string | undefined
  /** `ALIVE_WORKSPACE_ID`. */
  id?: string | undefined
  /** `ALIVE_USER_ID`. */
  userId?: string | undefined
  /** `ALIVE_WORKSPACE_PATH`, and the directory whose files must not configure the CLI. */
  dir?: string | undefined
  /** `HOME`. Default: this process's. */
  home?: string | undefined
  /** `TMPDIR`, `TMP` and `TEMP`. Default: this process's `TMPDIR`; absent when it has none. */
  tmpDir?: string | undefined
}
/**
 * Options of {@link buildProviderEnv}.
 *
 * Here, and in every object that this package takes, only own properties count, and each is read once. A property with
 * a known name that is inherited from a class or another object is refused (`ERR_INVALID_ARG_VALUE`), not ignored: write
 * `{ uid: config.uid }`. `Object.prototype` is never read.
 */
export interface ProviderEnvOptions {
  workspace?: Workspace | undefined
  /**
   * Where the credential comes from when the payload has none: it goes before the server's. Await its `fresh()` first.
   */
  credentialStore?: CredentialStore | undefined
  /**
   * Whose the credential in the payload, or in `credentialStore`, is. Default `"workspace"`. Say `"server"` where the server's
   * key comes in the payload: it is then treated as one from `serverCredentials`. It stands here, and is refused in the
   * payload, so that no tenant can say it. A {@link SealedSecret} opens for the owner that it was sealed for alone.
   */
  credentialOwner?: CredentialOwner | undefined
  /**
   * Whether the payload must have the credential. With `true` nothing takes its place: no `credentialStore`, no
   * `serverCredentials`, no login in `claudeConfigDir`. Default false.
   */
  requireCredential?: boolean | undefined
  /** From {@link takeServerCredentials}. Absent: no server-level fallback. */
  serverCredentials?: ServerCredentials | undefined
  /**
   * An OpenAI- or Anthropic-compatible endpoint: `http(s)://host[:port][/path]`, no user name, query or fragment. Codex
   * wants it with its `/v1` (`https://gateway.example/v1`), Claude Code without (`https://gateway.example`). With it,
   * Claude Code also gets `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1`, or it would send the credential to
   * api.anthropic.com too; another value of that variable in `set` or `inherit` is refused.
   */
  baseUrl?: string | undefined
  /**
   * A file of certificates, PEM, absolute: roots of trust of the CLI's beside the system's, for an endpoint or a proxy with a
   * private CA. It becomes `NODE_EXTRA_CA_CERTS` for Claude Code and `CODEX_CA_CERTIFICATE` for Codex, which `set` and
   * `inherit` refuse. Each start proves that the target can read it, and that only root or the worker can change it or a
   * directory above it; else it fails with `ERR_PROVIDER_CA_FILE_UNUSABLE`. {@link HttpOptions.ca} is the same for requests
   * of this package.
   */
  caFile?: string | undefined
  /** Names to copy from `process.env`. One that can carry a credential, load code or redirect traffic is refused. */
  inherit?: string[] | undefined
  /**
   * Extra variables that are no secret: those that tune the CLI (`MAX_THINKING_TOKENS`), and your own. The same names are
   * refused as in `inherit`. An object, not a `Map`.
   */
  set?: Record<string, string> | undefined
  /**
   * Opens the {@link SealedSecret}s in the payload: those that were sealed for it, for this `workspace.id`, this
   * `requestId` and the field that they stand in, once each. Without it, a sealed secret is
   * refused (`ERR_PROVIDER_PAYLOAD_INVALID`).
   */
  recipient?: Recipient | undefined
  /** The id of this request, as the parent knows it. Needed where the payload has a {@link SealedSecret}. */
  requestId?: string | undefined
  /** See {@link SecretOptions.requireLocked}. The environment is wiped when it throws. */
  requireLocked?: boolean | undefined
  /**
   * Where the payload stands in a message that is given as bytes: the names of the members that lead to it, at most 16, as
   * `['payload']` for `{"id":"1","payload":{…}}`. The message must be JSON as a whole, and each of these members stand there
   * once. The rest of it is passed over, and all of it is zero-filled as the bytes of a payload are.
   */
  payloadPath?: readonly string[] | undefined
}
/**
 * Decides the environment of one launch. Nothing global is read but the base names and `inherit`, and nothing global
 * is written.
 *
 * @param payload An object, or UTF-8 JSON of up to 10 MB (10 × 1024 × 1024 bytes), which is consumed: zero-filled
 * before the call returns. With {@link ProviderEnvOptions.payloadPath}, a message around it.
 * @throws {ProviderError} `ERR_PROVIDER_PAYLOAD_INVALID`, `ERR_PROVIDER_PAYLOAD_TOO_LARGE`, `ERR_PROVIDER_UNKNOWN`,
 * `ERR_PROVIDER_CREDENTIAL_MISSING`, `ERR_PROVIDER_CREDENTIAL_REVOKED`, `ERR_PROVIDER_KEY_MALFORMED`,
 * `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
 * `ERR_PROVIDER_ENV_FORBIDDEN`, `ERR_PROVIDER_ENV_TOO_LARGE`, `ERR_PROVIDER_STATE_DIR_UNUSABLE`,
 * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_MEMORY_UNPROTECTED`,
 * `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_DISPOSED`. A sealed secret counts as used only when the call has succeeded.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function buildProviderEnv(payload: ProviderPayload | Uint8Array, options?: ProviderEnvOptions): ProviderEnv

/** What a badge shows. */
export interface ProviderDescription {
  provider: ProviderId
  /** `"Claude Code"` and the like. */
  name: string
  vendor: string
  modelFamily: string
  credentialKind: CredentialInfo['kind']
  credentialSource: CredentialInfo['source']
  /**
   * Who pays: the server for its own credential, whatever kind; else the workspace for a key, by use, and a subscription
   * for a token or login. A login in a config directory counts as a subscription, though the CLI may keep a key there.
   */
  billedTo: 'workspace' | 'server' | 'subscription'
  /** See {@link CredentialInfo.fingerprint}. */
  fingerprint: string | null
}
/** Describes an environment; also after it was disposed of. */
export declare function describeProvider(env: ProviderEnv): ProviderDescription

/** One of the three standard streams: a pipe to this process, `/dev/null`, this process's own, or a descriptor. */
export type StdioItem = 'pipe' | 'ignore' | 'inherit' | number

/** Resource limits of the child; soft and hard alike. A limit above the worker's own hard limit needs root (`CAP_SYS_RESOURCE`). */
export interface ResourceLimits {
  /**
   * `RLIMIT_CORE`, bytes. Default 0, which means none at all: the limit is then 1 byte, as the kernel would ignore 0
   * for a `core_pattern` that is a pipe. A core dump would hold the key.
   */
  coreBytes?: number | undefined
  /** `RLIMIT_NOFILE`, descriptors, up to the machine's `fs.nr_open`. Default: the worker's. */
  openFiles?: number | undefined
  /** `RLIMIT_NPROC`, processes of the target uid. Default: the worker's. */
  processes?: number | undefined
  /** `RLIMIT_AS`, bytes. Both CLIs map far more than they use: below 100 GB neither starts. Default: the worker's. */
  memoryBytes?: number | undefined
  /** `RLIMIT_CPU`, seconds. Default: the worker's. */
  cpuSeconds?: number | undefined
}
/** How the child gets its credential. */
export type Delivery = 'auto' | 'fd' | 'env' | 'broker'
/** Options of {@link spawnProvider}. */
export interface SpawnOptions {
  /**
   * The CLI's arguments. They are visible to every user of the machine, so a secret of the launch in them is refused, and so
   * is a server's definition with headers, variables or tokens. An option that undoes a protection is refused too. Ours come on top, for
   * Claude Code before yours (`--setting-sources=`), for Codex after them (`-c …`). With a
   * server's key for Codex they must begin with `exec` or `e`, and `--ignore-user-config` follows it. A mode in which the CLI
   * would not use the credential is refused (`ERR_PROVIDER_UNSUPPORTED`): `docs/providers.md` lists them.
   */
  args?: string[] | undefined
  /**
   * The program: an absolute path, or a name to look up on the child's `PATH`. Default: the provider's own. Another
   * program in the CLI's place gets the same arguments and, for Claude Code, the key on descriptor 3: make it a script
   * file, for `sh -c` takes our arguments for its own.
   */
  command?: string | undefined
  /** An absolute path. Default: `workspace.dir`, else this process's directory. Entered as the target, which must be able to. */
  cwd?: string | undefined
  /** Target ids. Give both or neither. 0 is refused unless `allowRoot`. Default: this process's. */
  uid?: number | undefined
  gid?: number | undefined
  /** Supplementary groups. Default: none where `uid` is given, else this process's. */
  groups?: number[] | undefined
  /** Lets the target be uid 0 or gid 0. Default false. */
  allowRoot?: boolean | undefined
  /** Default `"pipe"` for all three. A stream that is inherited, or a descriptor, is made blocking, as `child_process` does. */
  stdio?: 'pipe' | 'ignore' | 'inherit' | [StdioItem, StdioItem, StdioItem] | undefined
  /** File mode creation mask, 0 to 0o777. Default: this process's. */
  umask?: number | undefined
  /**
   * The child's nice value, 0 to 19. Default: this process's own at the time of the start (its main thread's, as
   * `os.getPriority()` tells there), and 0 where that is negative. A value below this process's needs root.
   */
  priority?: number | undefined
  /**
   * The child's `oom_score_adj`, 0 to 1000: the higher, the sooner the kernel kills it when memory runs out. Default: this
   * process's own, and 0 where that is negative. A value below this process's needs root.
   */
  oomScoreAdj?: number | undefined
  /** Aborting stops the process group, and emits `error` with `ERR_PROVIDER_ABORTED`. */
  signal?: AbortSignal | undefined
  /** Milliseconds until the process group is stopped and `error` is emitted with `ERR_PROVIDER_TIMEOUT`. Default, and 0: none. */
  timeoutMs?: number | undefined
  /** The signal that asks the group to end. Default `"SIGTERM"`. */
  killSignal?: NodeJS.Signals | number | undefined
  /** Milliseconds between `killSignal` (with SIGCONT) and SIGKILL. Default 5000. */
  killGraceMs?: number | undefined
  /**
   * Whether what is left of the process group is killed when the CLI has ended. Default true. Then a stream whose other
   * end somebody outside of the group still holds ends as well, once it has brought nothing for a second: `close` comes.
   */
  killGroupOnExit?: boolean | undefined
  limits?: ResourceLimits | undefined
  /**
   * Default `"auto"`: `"fd"` where the CLI can read its credential from a pipe (claude), else `"env"` (codex). `"env"` for
   * claude is what `--bare` needs: other processes of the target's uid can then find the key in `/proc/PID/environ`.
   */
  delivery?: Delivery | undefined
  /** Default `"untrusted"`: files in the workspace must not configure the CLI. */
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * Which of the child's streams are scrubbed of every secret of this launch, and of its base64, base64url, hex,
   * URL-encoded and JSON-escaped forms. `true` is both. Default: `stderr`,
   * also for what an object leaves out. Each byte of a secret becomes `*` (another
   * character where a secret has that one), so the number of bytes stays. Secrets of fewer than 8 bytes are left, so as
   * not to mask prose. Scrubbed stdout may no longer be the JSON that the CLI wrote: a number can be a secret too.
   * Only a stream that is a `"pipe"` passes through here: asked for with one that goes to a descriptor it is refused; one that is `"ignore"`d shows nothing. What is looked for
   * stays in guarded memory until those streams have closed, also after `dispose()`. Hygiene for logs, not a wall:
   * whoever runs as the child's uid can spell a key in other ways.
   */
  redactOutput?:
    | boolean
    | {
        stdout?: boolean | undefined
        stderr?: boolean | undefined
      }
    | undefined
  /**
   * Whether what passes through stdout is read for {@link ProviderProcess.usage} and {@link ProviderProcess.failure}. It goes
   * on unchanged and at once. Default: when `args` ask the CLI for JSON (claude `--output-format stream-json` or `json`,
   * codex `--json`) and stdout is a `"pipe"`. `true` reads whatever the arguments are, and is refused when stdout is no pipe.
   */
  usage?: boolean | undefined
  /**
   * codex: {@link ProviderUsage.thread} of the last run of the thread that is resumed, where another process read that.
   * It alone counts then. Without it, and when this process has not read the thread in a run of the same owner (see
   * `docs/usage.md`), the first turn counts nothing and `complete` stays false.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * What to do when the CLI says that it uses another credential than it was given. `"event"`, the default: emit
   * `credentialMismatch`. `"stop"`: stop the run too, with `ERR_PROVIDER_CREDENTIAL_MISMATCH`; refused where the CLI's JSON
   * is not read, and for codex, which says nothing of its credential.
   */
  onCredentialMismatch?: 'event' | 'stop' | undefined
}

/** Options of {@link resolveProgram}. */
export interface ResolveOptions {
  command?: string | undefined
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  allowRoot?: boolean | undefined
  /** Default: `process.env.PATH`. Entries that are not absolute are skipped. */
  path?: string | undefined
}
/** The executable file of a CLI, proved reachable as the target ids. */
export interface Program {
  /** Absolute, without symlinks. */
  readonly path: string
  /** What was found first: on `PATH`, in `node_modules`, or as `command`. */
  readonly foundAt: string
  readonly foundBy: 'command' | 'path' | 'npm-package'
  /** `native`: an executable the kernel loads itself. `script`: one with an interpreter. */
  readonly kind: 'native' | 'script'
  /** The script's interpreter, absolute. */
  readonly interpreter: string | null
  /**
   * From the package that the program belongs to, the file beside it, or the native installer's file name, the oldest where
   * they disagree; `null` when none of them tells, or others than root and this process can change what does.
   */
  readonly version: string | null
  /**
   * Whether the version is in the range that this package was tested with. `false`: it is newer, which a warning
   * (`PROVIDER_CLI_UNTESTED`, once per version) says too. `null`: the version is unknown, which is warned of in the same way, and
   * Claude Code is then not started on the server's key. An older version is an error.
   */
  readonly tested: boolean | null
}
/**
 * Finds a provider's program and proves that the target ids can run it: every directory of the real path, the file, and
 * what runs it (a dynamic loader, a script's interpreter). A candidate that nobody could run is passed over. Synchronous: a
 * few file system look-ups and, where ids differ, one or two short-lived processes.
 * A file system that does not answer is given up after 2 s.
 *
 * @throws {ProviderError} `ERR_PROVIDER_PROGRAM_NOT_FOUND`; `ERR_PROVIDER_PROGRAM_OUTDATED` for a version that is not
 * started, or is told and cannot be understood; `ERR_PROVIDER_PROGRAM_UNREACHABLE`, whose `path` is the first component in the way, or the file that nobody could run, and whose message has the reason and the remedy; `ERR_PROVIDER_PRIVILEGE_REFUSED`,
 * `ERR_PROVIDER_PRIVILEGE_FAILED`; `ERR_PROVIDER_SPAWN_FAILED`, also where a file system does not answer.
 */
export declare function resolveProgram(provider: ProviderId, options?: ResolveOptions): Program

/** A process whose three streams are pipes. */
export type PipedProviderProcess = ProviderProcess & {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}
/**
 * Starts the CLI: found, proved reachable as the target uid, unprivileged, with exactly `env` as its environment.
 * Options are checked and the streams are there when it returns; the start itself happens on a native thread.
 *
 * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_UNSUPPORTED`,
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 * Every listener of the process and its streams runs in the asynchronous context (`AsyncLocalStorage`) of this call. What
 * one of them throws is an uncaught exception, and the run goes on.
 *
 * All other failures are `error` events, with the native start and with the portable one: `ERR_PROVIDER_PROGRAM_NOT_FOUND`, `ERR_PROVIDER_PROGRAM_OUTDATED`, `ERR_PROVIDER_PROGRAM_UNREACHABLE`,
 * `ERR_PROVIDER_STATE_DIR_UNUSABLE`, `ERR_PROVIDER_CA_FILE_UNUSABLE`, `ERR_PROVIDER_PRIVILEGE_FAILED`, `ERR_PROVIDER_SPAWN_FAILED`,
 * `ERR_PROVIDER_ENV_TOO_LARGE`, the three of the credential for what became of it meanwhile, `ERR_PROVIDER_ABORTED`,
 * `ERR_PROVIDER_TIMEOUT`.
 */
export declare function spawnProvider(
  env: ProviderEnv,
  options?: SpawnOptions & {
    stdio?: 'pipe' | undefined
  }
): PipedProviderProcess
export declare function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess

/** What {@link claudeAgentOptions} returns: spread it into the Agent SDK's `query({ options })`. */
export interface ClaudeAgentOptions {
  /** Names and non-secret values only: the SDK wants an `env`, and refuses some set-ups without `PATH`. */
  env: Record<string, string>
  /** A path for the SDK's own checks. What is started is decided by `spawnClaudeCodeProcess`. */
  pathToClaudeCodeExecutable: string
  spawnClaudeCodeProcess: (options: {
    command: string
    args: string[]
    cwd?: string | undefined
    env: Record<string, string | undefined>
    signal: AbortSignal
  }) => PipedProviderProcess
  /** `[]` for an untrusted workspace: no file in it configures the CLI. */
  settingSources: ('user' | 'project' | 'local')[]
  /** Keeps the headers of your MCP servers off the command line, which every user of the machine can read. */
  mcpServersDelivery: 'initialize'
}
/** How an adapter starts the CLI: the options of {@link spawnProvider} that the SDK does not decide itself. */
export type AgentLaunch = Omit<SpawnOptions, 'args' | 'stdio' | 'signal'> & {
  /** Called with each process that the SDK starts. Read `stderr` here: the SDK's own `stderr` option is not called. */
  onSpawn?: ((child: PipedProviderProcess) => void) | undefined
}
/**
 * Options that make the Claude Agent SDK's `query()` start its CLI through {@link spawnProvider}. Of the environment
 * that the SDK composes, only its own control variables pass.
 *
 * Only the CLI becomes the tenant. In-process MCP tools (`createSdkMcpServer()`), hooks, and a `query()` that a tool calls
 * without these options run in this process: as root where the worker is root. The first call in such a worker says so
 * with a process warning (`SecurityWarning`, code `PROVIDER_WORKER_IS_ROOT`). Give tools as stdio MCP servers, have
 * them run their commands by `provider-env run-as`, or call `query()` in a worker that runs as the tenant; then
 * `node --disable-warning=PROVIDER_WORKER_IS_ROOT` silences it.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` when `env` is not for `claude`; what `resolveProgram` throws; from
 * `spawnClaudeCodeProcess`, and so from `query()`, also for an Agent SDK before 0.3.326, which would put MCP servers' tokens
 * into arguments.
 */
export declare function claudeAgentOptions(env: ProviderEnv, launch?: AgentLaunch): ClaudeAgentOptions

/** How the Codex SDK is to start the CLI. The SDK starts it itself, so the worker must already run as the target. */
export interface CodexLaunch {
  /**
   * The directory that threads work in: it must be the `workingDirectory` of each, or that directory is trusted in
   * spite of `"untrusted"` (Codex up to 0.166), or not trusted in spite of `"trusted"` (0.169). Default: `workspace.dir`; one of the two is needed unless the workspace is trusted.
   */
  cwd?: string | undefined
  command?: string | undefined
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /** The SDK takes the key as a JS string in `env`. Saying `true` is what lets it out. */
  exposeSecrets?: boolean | undefined
  allowRoot?: boolean | undefined
}
/** What {@link codexOptions} returns: pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  /** Has the key, and in an untrusted workspace `GIT_DIR`, which hides the repository from Codex's own `git`. */
  env: Record<string, string>
  /**
   * Raw `--config` overrides: what keeps the key out of the agent's shell, what keeps the workspace from configuring
   * the CLI, and the base URL.
   */
  configOverrides: string[]
}
/**
 * Options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` when `env` is not for `codex`, without `exposeSecrets: true`, for a Codex SDK
 * before 0.149.0 in `node_modules` of the main module, which would ignore the protections, or with the
 * server's key, which the SDK cannot keep from `config.toml` in `CODEX_HOME`; `ERR_PROVIDER_CA_FILE_UNUSABLE`;
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`; what
 * {@link resolveProgram} throws.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` when no directory is named and the workspace is untrusted, or when a directory
 * or the base URL contains a secret.
 */
export declare function codexOptions(env: ProviderEnv, launch: CodexLaunch): CodexOptions

/** A protection that the system refused. */
export interface ProtectionRefusal {
  readonly protection: string
  readonly syscall: string
  /** Negative, as in Node's system errors. */
  readonly errno: number
  /** `"ENOMEM"` and the like. */
  readonly code: string
}
/** What the memory that secrets live in really has: true only where all of it has. */
export interface MemoryProtection {
  /** A page before and after that nobody can touch. */
  readonly guardPages: boolean
  /** `mlock(2)`: never in swap. */
  readonly locked: boolean
  /** `MADV_DONTDUMP`: in no core dump. Linux. */
  readonly excludedFromCoreDumps: boolean
  /** `MADV_WIPEONFORK`: zero in a process that `fork` makes. Linux. */
  readonly wipedOnFork: boolean
  /**
   * How many pieces of it are in use now, in all threads: one for each key, one for all other secrets of an environment,
   * and what is needed for a moment, as an environment block or what a redactor looks for.
   */
  readonly allocations: number
  /** Their bytes. */
  readonly allocatedBytes: number
  /** The bytes of the mappings that they share, without guard pages. */
  readonly mappedBytes: number
  readonly lockedBytes: number
  /** The soft `RLIMIT_MEMLOCK` in bytes; `null` for none. A process with `CAP_IPC_LOCK` is not held to it. */
  readonly lockLimitBytes: number | null
  /** What was refused, each protection once, in the order above. */
  readonly refusals: ProtectionRefusal[]
}
/** What {@link hardenWorker} obtained, as the kernel tells it afterwards. */
export interface WorkerHardening {
  /**
   * The kernel lets no other process of the worker's uid read its memory, environment or descriptors, nor trace it, and
   * writes no core dump of it. Linux.
   */
  readonly nonDumpable: boolean
  /**
   * No debugger of Node's is open, and SIGUSR1, which any process of the worker's uid may send, opens none: a listener of
   * ours has taken its place. False in a worker thread, and where one is open already (`--inspect`).
   */
  readonly inspectorClosed: boolean
  /** `RLIMIT_CORE` is as good as 0 (1 byte: the kernel ignores 0 for a `core_pattern` that is a pipe). */
  readonly noCoreDumps: boolean
  readonly refusals: ProtectionRefusal[]
}
/** What the memory that secrets live in has at this moment; where there is none, what a new one gets. */
export declare function memoryProtection(): MemoryProtection
/**
 * Hardens the whole worker, for good: non-dumpable, no core dumps (soft and hard limit), and no debugger on SIGUSR1. It
 * changes what belongs to the process, so nothing calls it but you; call it once, early, on the main thread, after a
 * change of ids. Debuggers and profilers of the same uid cannot attach any more, and `/proc/self` belongs to root: a
 * worker that is not root can no longer open `/dev/stdout` or `/proc/self/environ`, which are links into it.
 * What could not be done is in `refusals`.
 */
export declare function hardenWorker(): WorkerHardening

/** Options of a {@link Redactor}. */
export interface RedactorOptions {
  /** Secrets and forms of fewer bytes are not looked for. Default 8; 4 to 1024. */
  minLength?: number | undefined
}
/** Whose secrets a {@link Redactor} looks for. */
export type RedactorSource = ProviderEnv | ServerCredentials | Secret | Uint8Array | string
/**
 * Scrubs secrets, and their base64, base64url, hex, URL-encoded and JSON-escaped forms, out of text: for the worker's
 * own logs. {@link SpawnOptions.redactOutput} does the same for a child's output. Hygiene, not a wall.
 */
export declare class Redactor extends Handle {
  /**
   * @param sources `Uint8Array`s are consumed: zero-filled before the call returns. The redactor has its own copy of all
   * secrets, until it is disposed of.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED` when a source was disposed of.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(sources: Iterable<RedactorSource>, options?: RedactorOptions)
  /** How many secrets are too short to be looked for. */
  get skipped(): number
  /** The text with each byte of a secret, as UTF-8, replaced by one character. */
  redact(text: string): string
  /** The bytes, in place: the same object is returned. One whole text: a secret cut in two at its end is not seen. */
  redact<T extends Uint8Array>(bytes: T): T
  /** A stream that scrubs what is written to it, across chunk borders. Its chunks are copied. */
  stream(): Transform
}
export interface Redactor {
  /** Wipes it. Its streams fail from then on. */
  dispose(): void
}

/**
 * Looks at everything that a start needs, and at what could leak or redirect a key: the same as `provider-env doctor`.
 * It changes nothing; the dry start of each CLI (see `start`) has fresh directories below the temporary directory,
 * a made-up key, and a mock of the API on 127.0.0.1, and leaves nothing behind.
 *
 * Meant for a person or a health check, not for every request: it starts processes. Its code is loaded by the first
 * call, so make that before the worker drops its privileges.
 *
 * Rejects with a `TypeError` for a wrong option, and `ERR_PROVIDER_PRIVILEGE_REFUSED` for half an identity or an
 * impossible id. Whatever else it meets is a finding.
 */
export declare function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>

export {}
