// The public types of the package, generated from lib/ by `npm run build`.
/// <reference types="node" />
import { Readable, Transform, Writable } from 'node:stream'
import { EventEmitter } from 'node:events'

/** The source and the kind of a credential, in the terms of `prepareRequestEnv`. */
type ApiKeySource = 'user' | 'oauth' | 'server' | 'none'

/** How a request ended, in one word. */
export type AuditOutcome =
  | 'completed'
  | 'refused'
  | 'client-aborted'
  | 'upstream-broke'
  | 'stalled'
  | 'body-too-large'
  | 'grant-ended'
  | 'revoked'
  | 'rotated'

/** The encoding of a token request. */
type BodyFormat = 'json' | 'form'

/** The kind of a credential, regardless of its owner and of how it is passed. */
type CredentialKind = 'api-key' | 'oauth-token' | 'config-dir'

/**
 * The owner of a credential. A credential of the server is billed to the server and kept from the tenant: files,
 * arguments and options with which the tenant could get it or send it elsewhere are refused, even in a trusted
 * workspace.
 */
export type CredentialOwner = 'workspace' | 'server'

/** Where a credential comes from, in the order of precedence. */
type CredentialSource = 'payload' | 'store' | 'server' | 'config-dir'

/** The stable codes of [`Error`]; `docs/errors.md` has a row for each. */
type ErrorCode =
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
  | 'ERR_INVALID_ARG_VALUE'

/** The unit in which a document counts the time since 1970. */
type ExpiryUnit = 'ms' | 's'

/** Why a run failed. */
type FailureKind =
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
  | 'broker'
  | 'limit'
  | 'no-session'
  | 'configuration'
  | 'unknown'

/** Where the store's tokens come from. */
type How = 'not-needed' | 'here' | 'elsewhere'

type KeyVerdict = 'ok' | 'warning' | 'invalid'

/** The outcome of a request about a credential. */
type Outcome = 'valid' | 'invalid' | 'forbidden' | 'rate-limited' | 'unreachable'

/** Why the broker refused a request; `docs/broker.md` explains each word. */
export type RefusalReason =
  | 'token'
  | 'several-credentials'
  | 'grant-ended'
  | 'peer-unknown'
  | 'peer-uid'
  | 'peer-process'
  | 'process-ended'
  | 'not-allowed'
  | 'target'
  | 'protocol'
  | 'framing'
  | 'host'
  | 'origin'
  | 'head-too-large'
  | 'body-too-large'
  | 'body-broke-off'
  | 'too-many-requests'
  | 'too-fast'
  | 'revoked'
  | 'credential-expired'
  | 'credential-unusable'
  | 'upstream-name'
  | 'upstream-address'
  | 'upstream-unreachable'
  | 'upstream-tls'
  | 'upstream-timeout'
  | 'upstream-protocol'
  | 'redirect'
  | 'unreadable-error'

// What follows from the rows in src/provider.

/** The CLI that serves a request. */
export type ProviderId = 'claude' | 'codex'

/** The directories in which the CLIs keep their state. docs/providers.md explains what each CLI does without one. */
interface StateDirectories {
  /** `CLAUDE_CONFIG_DIR` of Claude Code. If it is given, the target uid must be able to write to it; the CLI creates it if it does not exist. Default: `.claude` below `home`. */
  claudeConfigDir?: string | undefined
  /** `CODEX_HOME` of OpenAI Codex. If it is given, it must exist, and the target uid must be able to write to it. Default: `.codex` below `home`. */
  codexHome?: string | undefined
}

/**
 * Options of {@link diagnose}. Paths may be relative to the working directory of this process. If the target is this
 * process's own uid, the default of a state directory is that of this process.
 */
export interface DiagnoseOptions extends StateDirectories {
  /** The provider to check. Default: all providers. */
  provider?: ProviderId | undefined
  /** The target user of the CLI. Default: the effective ids of this process. */
  uid?: number | undefined
  gid?: number | undefined
  groups?: number[] | undefined
  /** The tenant's workspace. Without it, the files of a workspace are not checked. */
  workspace?: string | undefined
  /** `HOME` of the CLI. Default: that of this process if the target is its own uid, otherwise none. */
  home?: string | undefined
  /** `TMPDIR` of the CLI. Default: that of this process, otherwise `/tmp`. */
  tmpDir?: string | undefined
  /** The program, as in `SpawnOptions`. Requires `provider`. */
  command?: string | undefined
  /** The `PATH` on which the program is looked up. Default: `process.env.PATH`. */
  path?: string | undefined
  /** The directory where the commands of remedies install programs. Default: `/opt/provider-env`. */
  prefix?: string | undefined
  /** Whether to start each CLI once with a mock of its API on 127.0.0.1. Default: true. */
  start?: boolean | undefined
  /** The time limit of such a start, in milliseconds. Default: 30 000. */
  startTimeoutMs?: number | undefined
}

/** The severity of a finding. `info` requires no action. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'
/** The result of one check. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions, for use in scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that the finding is about; `null` for the machine and the target user. */
  readonly provider: ProviderId | null
  /** What was found, in one or two English sentences. It contains no value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` if no action is required. */
  readonly remedy: string | null
  /**
   * The commands that fix it, quoted for a POSIX shell. Run them in order in one shell: `export PATH=…` changes the
   * `PATH` of that shell. Read them first, because most require root. Commands that the target user has to run use
   * `provider-env run-as`. Empty if no command can fix it.
   */
  readonly commands: readonly string[]
  /** The file or directory that the finding is about. */
  readonly path: string | null
  /**
   * Details that depend on the finding: numbers, names and paths, all of which JSON can represent. Any version may add
   * fields.
   */
  readonly details: Readonly<Record<string, unknown>>
}

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** The version of this format: 1. */
  readonly schemaVersion: number
  /** The version of the package. */
  readonly version: string
  /** Whether no finding is worse than `info`. */
  readonly ok: boolean
  readonly worst: Severity
  readonly target: {
    readonly uid: number
    readonly gid: number
    readonly groups: readonly number[]
  }
  /** The providers that were checked, with their names. */
  readonly providers: readonly {
    readonly id: ProviderId
    readonly name: string
  }[]
  readonly durationMs: number
  /**
   * The machine and the target user come first, then each provider. `target.unseen`, which lists what was not checked,
   * is last.
   */
  readonly findings: readonly Finding[]
}

/** One request that came to the broker. It contains no header value and no body. */
export interface AuditRecord {
  /** When the request ended, in milliseconds since 1970. */
  readonly time: number
  readonly provider: ProviderId
  /** `workspace.id` of the launch; `null` if the request proved none. */
  readonly workspace: string | null
  /** The number of the launch's grant, counted from 1 in this process; `null` if the request proved none. */
  readonly grant: number | null
  /** The uid of the process that made the connection, according to the kernel. */
  readonly uid: number | null
  /** The pid of that process, if the kernel reported it. */
  readonly pid: number | null
  readonly method: string
  /** The path without its query, at most 256 bytes. The client chose the path of a refused request. */
  readonly path: string
  /** The status of the answer; `null` if there was none. */
  readonly status: number | null
  /** The bytes of the request's body, or those that a WebSocket sent. */
  readonly bytesUp: number
  readonly bytesDown: number
  readonly milliseconds: number
  /** The number of the credential that the request carried, counted from 1; `null` if it carried none. */
  readonly generation: number | null
  readonly outcome: AuditOutcome
  /** The reason of the outcome `"refused"`; otherwise `null`. */
  readonly reason: RefusalReason | null
}
/** Options of {@link Broker.audit} and {@link Broker.auditLines}. */
export interface AuditOptions {
  /**
   * Whether a read that waits for the next record keeps the process running, as with `fs.watch`. Default: true.
   */
  persistent?: boolean | undefined
}

/** The common base of all objects whose secrets Rust holds. */
declare class Handle {
  get disposed(): boolean
  /** Wipes it. Idempotent. */
  dispose(): void
  [Symbol.dispose](): void
}

declare const sealed: unique symbol
/**
 * A secret that is sealed for one worker, as text: `provider-env-sealed.v1.…`. {@link Lockbox.unsealFor} and
 * {@link Secret.sealFor} create it. It contains no plaintext: you may log it, store it, and send it over any channel.
 */
export type SealedSecret = string & {
  readonly [sealed]: true
}
/**
 * What a {@link SealedSecret} is bound to: it opens only if all of these are the same. Each is 1 byte to 1 KiB of UTF-8
 * without NUL.
 */
export interface SealBinding {
  /** `workspace.id` of the {@link buildProviderEnv} that opens it. */
  workspace: string
  /** The field of the payload: `apiKey`, `oauthAccessToken`, `sessionCookie`, or `userEnvKeys.NAME`. */
  field: 'apiKey' | 'oauthAccessToken' | 'sessionCookie' | `userEnvKeys.${string}`
  /** `requestId` of the {@link buildProviderEnv} that opens it. */
  request: string
  /**
   * The owner of the credential, for `apiKey` and `oauthAccessToken`: `credentialOwner` of the {@link buildProviderEnv}
   * that opens it. A secret that was sealed for the server does not open for the workspace, and vice versa. Default:
   * `"workspace"`.
   */
  credentialOwner?: CredentialOwner | undefined
}

/**
 * A secret that is passed to this package.
 *
 * `Uint8Array`: consumed. The call copies it once into memory that is wiped later, and fills the array with zeros
 * before it returns, on success and on failure. A view of a `SharedArrayBuffer` is refused, and so is an array that
 * contains only zeros, because it has most likely been consumed already. V8 keeps arrays of up to 64 bytes in its own
 * heap, where the garbage collector may already have moved them: allocate small secrets in their own `ArrayBuffer`
 * (`new Uint8Array(new ArrayBuffer(n))`). Data that comes from a socket or a file is allocated this way already.
 *
 * `string`: accepted because existing workers hold keys as strings. A V8 string cannot be wiped, so the caller's copy
 * stays in the JavaScript heap until the garbage collector reuses its memory.
 *
 * {@link Secret}: a handle to bytes that Rust holds. It is not consumed, so you must dispose of it yourself. An
 * environment that was built with it keeps its own copy until the environment is disposed of.
 *
 * {@link SealedSecret}: text that only this worker can open. Only {@link buildProviderEnv} accepts it, with the option
 * `recipient`.
 */
export type SecretInput = string | Uint8Array | Secret | SealedSecret
/** Options of {@link Secret.from}. */
export interface SecretOptions {
  /**
   * Throw `ERR_PROVIDER_MEMORY_UNPROTECTED` if the kernel refused to lock the memory of this secret, or refused another
   * protection that this system supports. Default: false; {@link memoryProtection} then reports what was refused.
   */
  requireLocked?: boolean | undefined
}
/**
 * An opaque handle to secret bytes, which Rust holds in guarded memory. `util.inspect`, `JSON.stringify`, `String()`
 * and `structuredClone` show none of the bytes, and no method returns them.
 */
export declare class Secret extends Handle {
  private constructor()
  /**
   * @param bytes Consumed: zero-filled before the call returns, on success and on failure.
   * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static from(bytes: Uint8Array, options?: SecretOptions): Secret
  /** The number of bytes. */
  get length(): number
  /** 8 hex digits of a hash with a key per process: the same bytes have the same fingerprint within one process. */
  get fingerprint(): string
  /**
   * Seals the secret for one worker, as {@link Lockbox.unsealFor} does with a row. Use it for a secret that does not
   * come from a lockbox, such as a token that was just refreshed.
   * @param publicKey {@link Recipient.publicKey}, or the 32 bytes that it encodes.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` if the field holds a credential and
   * the secret cannot be one.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  sealFor(publicKey: string | Uint8Array, binding: SealBinding): SealedSecret
}
export interface Secret {
  /** Wipes the secret. Idempotent. */
  dispose(): void
}

/** What each launch may use, and how many connections there may be. */
export interface BrokerLimits {
  /** Requests per second of one launch, on average: 1 to 1 000 000. Default: 50. */
  requestsPerSecond?: number | undefined
  /** Requests of one launch that may come at once after a pause: 1 to 1 000 000. Default: 200. */
  burst?: number | undefined
  /**
   * Requests of one launch in progress at the same time, where an open WebSocket is one request: 1 to 1 000 000.
   * Default: 64.
   */
  concurrentRequests?: number | undefined
  /** Bytes of the names and values of a request's headers: 4 096 to 65 536. Default: 32 768. */
  headerBytes?: number | undefined
  /** Bytes of a request's body: 1 024 to 1 099 511 627 776 (1 TiB). Default: 67 108 864 (64 MiB). */
  bodyBytes?: number | undefined
  /** Connections of all launches together: 1 to 1 000 000. Default: 4 096. */
  connections?: number | undefined
  /** Connections of one uid: 1 to 1 000 000. Default: 512. */
  connectionsPerUid?: number | undefined
}
/** Options of {@link startBroker}. */
export interface BrokerOptions {
  /**
   * The base URLs, as in {@link ProviderEnvOptions.baseUrl}, whose host may have any address. Without it, a host name
   * must not resolve to an address that is not public. Default: none.
   */
  upstreams?: string[] | undefined
  /**
   * The absolute path of a PEM file of certificates that the broker trusts in addition to the system's, for all
   * upstreams. Default: none.
   */
  caFile?: string | undefined
  /** The proxy to the APIs, as `http://host[:port]`. Default: none. `HTTPS_PROXY` and similar variables are not read. */
  proxy?: string | undefined
  limits?: BrokerLimits | undefined
  /** The number of threads on which the broker works: 1 to 64. Default: 1. */
  threads?: number | undefined
  /**
   * The absolute path of the directory in which the launches' Unix sockets are created. Other users must not be able to
   * rename what is in it: it belongs to root or is sticky. Keep it short, because the path of a socket has at most 107
   * bytes. Default: `/run` if this process is root; otherwise `/run/user/UID` if it exists, and `/tmp`.
   */
  socketDirectory?: string | undefined
  /**
   * The number of audit records that are kept until they are read: 1 to 1 000 000. Further records are lost and counted
   * in {@link BrokerCounts.lostRecords}. Default: 4 096.
   */
  auditRecords?: number | undefined
}
/** Whose credential {@link Broker.rotate} and {@link Broker.revoke} are about. */
export interface BrokerTarget {
  provider: ProviderId
  /** `workspace.id`, as {@link buildProviderEnv} received it. */
  workspaceId: string
}
/** What the broker counts. */
export interface BrokerCounts {
  /** Launches that have a token at the moment. */
  readonly tokens: number
  /** Connections of clients at the moment. */
  readonly connections: number
  /** Connections that were closed at once, because there were too many. */
  readonly refusedConnections: number
  /** Audit records that were lost, because too many waited to be read. */
  readonly lostRecords: number
}
/**
 * Starts the broker of this process, which keeps credentials out of agents' processes: see `docs/broker.md`. A process
 * has one broker, which all copies of this package and all worker threads share. The first launch with delivery
 * `"broker"` starts it with the default options, so call this function only to choose options or to get the
 * {@link Broker}, which is returned if it already runs and no option is given.
 *
 * The broker works on its own threads and does not keep the process running. It ends with the process, or by
 * {@link Broker.stop}.
 *
 * @throws {ProviderError} `ERR_PROVIDER_BUSY` if an option is given and the broker already runs, or if the system
 * cannot create a thread; `ERR_PROVIDER_CA_FILE_UNUSABLE`; `ERR_PROVIDER_UNSUPPORTED` elsewhere than on Linux.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function startBroker(options?: BrokerOptions): Broker
/** The broker of this process, as {@link startBroker} returns it. */
export declare class Broker {
  /** What the broker counts now. */
  get counts(): BrokerCounts
  /**
   * Gives the running agents of a workspace another credential, if theirs came in a payload. Every request that begins
   * after the call has returned uses the new one; requests in progress end with the old one. Environments that already
   * exist keep the old credential, so build new ones for later launches. An agent whose credential comes from a
   * {@link CredentialStore} uses the store's newest credential without this call.
   * @param credential A `Uint8Array` is consumed: zero-filled before the call returns.
   * @param options `kind` says what the credential is. Default: `"api-key"`.
   * @returns How many credentials of running agents were replaced; 0 if no agent of the workspace runs.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_CREDENTIAL_REVOKED`, in which case nothing has
   * changed; `ERR_PROVIDER_DISPOSED` if the broker was stopped.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  rotate(
    target: BrokerTarget,
    credential: SecretInput,
    options?: {
      kind?: 'api-key' | 'oauth-token' | undefined
    }
  ): number
  /**
   * Takes the credential away from the running agents of a workspace: the broker refuses their requests, and ends those
   * in progress. It does not stop the agents, and later launches are not affected. {@link revoke} also affects those.
   * @returns How many credentials were revoked; 0 if no agent of the workspace runs.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`; `ERR_PROVIDER_DISPOSED` if the broker was stopped.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  revoke(target: BrokerTarget): number
  /**
   * Reads the audit: one record for each request, also for a refused one, in the order in which they ended. Each record
   * is read once, so only one iteration or stream can read the audit of a process at a time, in whichever thread or copy
   * of this package. It begins with the records that nobody has read yet. The iteration ends when the broker has stopped
   * and all records were read; leaving the loop lets another reader begin.
   * @throws {ProviderError} `ERR_PROVIDER_BUSY` while there is another reader.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  audit(options?: AuditOptions): AsyncIterableIterator<AuditRecord>
  /**
   * Reads the audit as {@link Broker.audit} does, as a stream of JSON: one line for each record, with the same fields.
   * Destroying the stream lets another reader begin.
   * @throws As {@link Broker.audit}.
   */
  auditLines(options?: AuditOptions): Readable
  /**
   * Stops the broker: it ends all requests, and agents that use it can no longer reach their API. A later launch or
   * {@link startBroker} starts another broker. Idempotent.
   * @returns Resolves when its threads have ended.
   */
  stop(): Promise<void>
  /** As {@link Broker.stop}. */
  [Symbol.asyncDispose](): Promise<void>
}

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
export declare function checkKey(provider: ProviderId, input: SecretInput, options?: CheckKeyOptions): Promise<KeyCheck>

/** The codes of {@link ProviderError}; `docs/errors.md` has a row for each. */
export type ProviderErrorCode = Exclude<ErrorCode, 'ERR_INVALID_ARG_VALUE'>
/** The error that this package throws. No field ever contains the value of a variable, an argument or a secret. */
export declare class ProviderError extends Error {
  readonly code: ProviderErrorCode
  private constructor()
}
export interface ProviderError {
  /** The negative errno, as in Node's system errors. */
  readonly errno?: number
  readonly syscall?: string
  readonly path?: string
  /** The step of the start that failed; `docs/errors.md` lists them. */
  readonly step?: string
  readonly provider?: ProviderId
  /** The names of the variables, options or payload fields that the error is about. */
  readonly names?: string[]
}

/** The source of a master key. */
export type MasterKeySource =
  /**
   * 32 bytes (not all of them printable), or 64 hex digits as ASCII. It is consumed: the call fills it with zeros
   * before it returns.
   */
  | Uint8Array
  | Secret
  /**
   * The name of an environment variable with 64 hex digits, which is removed from the environment as
   * {@link takeServerCredentials} does. This works on the main thread only. If the constructor throws, the variable is
   * not removed.
   */
  | {
      env: string
    }
  /**
   * A file with 64 hex digits or 32 bytes. It must belong to root or to the user of this process, only its owner may be
   * able to write to it, and only its owner and its group may be able to read it.
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
  /** The first key seals; every key can open. */
  masterKeys: MasterKeySource[]
  /** Whether rows of version 1, which are not bound to a tenant, may be opened. Default: false. */
  allowLegacy?: boolean | undefined
  /** See {@link SecretOptions.requireLocked}. It applies to the master keys and to every secret that is opened. */
  requireLocked?: boolean | undefined
}
/** The identity of a row. The row opens only if the context is the same as when it was sealed. */
export interface LockboxContext {
  tenant: string
  purpose: string
  /** The third part of the key derivation of version 2, and also part of that of version 3. */
  extra?: string | undefined
  /** The secret's name in its table. Version 3 binds the row to it. */
  name: string
  /** The row's version number in its table, a whole number from 0. Version 3 binds the row to it. */
  rowVersion: number
}
/**
 * An encrypted row. The columns are as a driver or PostgREST returns them: `bytea` as bytes or as `\x…` hex text.
 * Select them with these names: `select ciphertext, iv, auth_tag as "authTag", key_meta as "keyMeta"`. Additional
 * properties are allowed.
 */
export interface LockboxRow {
  ciphertext: Uint8Array | string
  /** 12 bytes. */
  iv: Uint8Array | string
  /** 16 bytes. */
  authTag: Uint8Array | string
  /**
   * `""` or `v1`; `v2:tenant:purpose[:extra]`; `v3:<id of the master key>`. `null` and a missing property mean version
   * 1, which opens only with {@link LockboxOptions.allowLegacy}: rows that were written before the column existed have
   * NULL in it.
   */
  keyMeta?: string | null | undefined
}
/** A newly sealed row: version 3, with `bytea` as `\x…` hex text. */
export interface SealedLockboxRow extends LockboxRow {
  ciphertext: string
  iv: string
  authTag: string
  keyMeta: string
}
/**
 * Opens encrypted rows and seals new ones (AES-256-GCM) in Rust. The plaintext becomes a {@link Secret}, or is sealed
 * again.
 */
export declare class Lockbox extends Handle {
  /**
   * @throws {ProviderError} `ERR_PROVIDER_LOCKBOX_KEY_INVALID`, `ERR_PROVIDER_MEMORY_UNPROTECTED`,
   * `ERR_PROVIDER_UNSUPPORTED` for `env` in a worker thread, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(options: LockboxOptions)
  /** The ids of the master keys, in their order, as `keyMeta` of version 3 contains them. They are not secret. */
  get masterKeyIds(): string[]
  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as do the other methods.
   */
  open(row: LockboxRow, context: LockboxContext): Secret
  /** @param secret A `Uint8Array` is consumed: the call fills it with zeros before it returns. */
  seal(secret: Secret | Uint8Array, context: LockboxContext): SealedLockboxRow
  /**
   * Opens a row and seals it again under the first master key, as version 3; the plaintext does not leave Rust.
   * @param to The context of the new row. Default: that of the old row.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`.
   */
  reseal(row: LockboxRow, context: LockboxContext, to?: LockboxContext): SealedLockboxRow
  /**
   * Opens a row and seals its secret for one worker, one workspace, one field and one request.
   * @param publicKey {@link Recipient.publicKey}, or the 32 bytes that it encodes.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` if the
   * field holds a credential and the secret cannot be one.
   */
  unsealFor(row: LockboxRow, context: LockboxContext, publicKey: string | Uint8Array, binding: SealBinding): SealedSecret
}
export interface Lockbox {
  /** Wipes the master keys. */
  dispose(): void
}

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
  /** How the request is written. Default `"json"`, as both CLIs do; `"form"` is the format of RFC 6749. */
  format?: BodyFormat | undefined
  /** Where the fields are in the file, as member names separated by dots. Default: where the CLI writes them. */
  fields?:
    | {
        accessToken?: string | undefined
        refreshToken?: string | undefined
        /** `"jwt"` means the claim `exp` of the access token. */
        expiresAt?: string | undefined
        /** Default `"ms"`, milliseconds since 1970; `"s"`, seconds. */
        expiresAtUnit?: ExpiryUnit | undefined
      }
    | undefined
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
  readonly how: How
  /**
   * Whether this call sent a request to the endpoint. If it is `false` and there is a `failure`, no request was sent:
   * none was possible, or the failure is that of an earlier call.
   */
  readonly asked: boolean
  /**
   * Whether the file contains the tokens. If this is false, the file contains a refresh token that has been used up,
   * and only this process has the new tokens. It continues with them, and tries to write them with each call. If it
   * ends before it succeeds, the login may be lost.
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
export declare class CredentialStore extends Handle {
  private constructor()
  /**
   * Creates a store of a single credential.
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
   * Opens a store of the login that a CLI has written to its state directory. This package does not run an interactive
   * login, which would open a browser and a port and wait for a person. Log in with the CLI on another machine, and
   * copy its file to the directory.
   *
   * claude: the access token is passed to the CLI like any OAuth token; the refresh token is not. A process whose uid
   * can read the file has the refresh token anyway, so keep the file in a directory that only the worker can read.
   * codex: the CLI reads tokens only from its own file, so `dir` becomes its `CODEX_HOME`, and every process of its uid
   * can read them. An API key in Codex's file is passed like any API key.
   *
   * The file may be up to 4 MiB in size. To use it in a container, mount its directory, not only the file.
   *
   * @returns Rejects with `ProviderError` `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_LOGIN_REQUIRED`,
   * `ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE`, `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_KEY_MALFORMED`,
   * `ERR_PROVIDER_KEY_WRONG_PROVIDER`; with `TypeError` `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. An access
   * token that a launch would refuse is an error only if the login has no refresh token.
   */
  static open(provider: ProviderId, options: LoginOptions): Promise<CredentialStore>
  get provider(): ProviderId
  get kind(): 'api-key' | 'oauth-token'
  /** See {@link Secret.fingerprint}. */
  get fingerprint(): string
  /** The number of credentials that this store has had in this process, counted from 1. */
  get generation(): number
  /** When the token expires; `null` for a key, which does not expire, and for a token whose expiry is unknown. */
  get expiresAt(): Date | null
  /** The path of the login's file; `null` for a store of a single credential. */
  get path(): string | null
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
   * the first. While the old token is valid, a failure is in the result. A store of a single credential has nothing to
   * refresh.
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
}
export interface CredentialStore {
  /** Wipes the credential. Idempotent. */
  dispose(): void
}

/** Options of {@link takeServerCredentials}. */
export interface ServerCredentialsOptions {
  /** See {@link SecretOptions.requireLocked}. It is checked before anything is taken. */
  requireLocked?: boolean | undefined
}
/** The server's own keys, which Rust holds. */
export declare class ServerCredentials extends Handle {
  private constructor()
  /** The providers for which it holds a key. */
  get providers(): ProviderId[]
  /** The names of the variables that were removed from the environment. */
  get names(): string[]
  /** The fingerprint of a provider's key; `null` if there is none. */
  fingerprint(provider: ProviderId): string | null
}
export interface ServerCredentials {
  dispose(): void
}
/**
 * Moves `ANTHROPIC_API_KEY`, `CODEX_API_KEY` and `OPENAI_API_KEY` out of `process.env` into Rust, and wipes them from
 * the process's initial environment block, so that `/proc/self/environ` no longer shows them. Call it once, early, on
 * the main thread, before anything copies `process.env`. It changes `process.env` on purpose.
 *
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` in a worker thread (its `process.env` is a copy that cannot be
 * wiped); `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, `ERR_PROVIDER_MEMORY_UNPROTECTED` (nothing
 * was taken).
 */
export declare function takeServerCredentials(options?: ServerCredentialsOptions): ServerCredentials

/** Options of {@link validateKey}. */
export interface ValidateKeyOptions {
  /**
   * How the key will be used: in `payload.apiKey` (`"api-key"`, the default), or in `payload.oauthAccessToken`
   * (`"oauth-token"`). A key of the other kind is `invalid` (`wrong-kind`), because {@link buildProviderEnv} refuses
   * it.
   */
  kind?: 'api-key' | 'oauth-token' | undefined
}
/** The result for a key. `docs/credentials.md` explains each code. */
export type KeyFindingCode =
  /** `ok`. */
  | 'ok'
  /** `warning`: {@link buildProviderEnv} accepts it. */
  | 'unfamiliar'
  | 'unknown-kind'
  | 'too-short'
  | 'pasted-twice'
  | 'other-vendor'
  | 'likely-other-provider'
  | 'likely-other-kind'
  /** `invalid`: it is not a key that a vendor issued (`ERR_PROVIDER_KEY_MALFORMED` from {@link buildProviderEnv}). */
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
/** The classes of keys with a known shape. `src/provider/key_class.rs` lists the prefixes and their sources. */
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
/** The return value of {@link validateKey}. It contains no part of the key. */
export interface KeyValidation {
  /**
   * {@link buildProviderEnv} refuses a key that is `invalid`. It accepts one with a `warning`, which a person should
   * check.
   */
  readonly verdict: KeyVerdict
  readonly code: KeyFindingCode
  /** The provider for which the key was checked. */
  readonly provider: ProviderId
  /** The class of the key according to its shape; `null` for an unknown shape. */
  readonly class: KeyClass | null
  /** The class in words, with its article: `"an Anthropic API key"`. */
  readonly className: string | null
  /** How a key of this class can be used; `null` if no launch uses such keys, or if the shape does not show it. */
  readonly kind: 'api-key' | 'oauth-token' | null
  /** The provider whose keys have this shape; `null` for keys of other vendors, and if the shape does not show it. */
  readonly belongsTo: ProviderId | null
  /** One or two English sentences for a settings page: what the key is, and what to do. */
  readonly message: string
  /**
   * The fingerprint of the key as it was passed (see {@link CredentialInfo.fingerprint}); `null` if the key is
   * `invalid`.
   */
  readonly fingerprint: string | null
}
/**
 * Checks a key before it is saved: its length, its characters, its class, and common mistakes when pasting. The check
 * is local and synchronous; only a request to the vendor's API shows whether the key is accepted.
 * {@link buildProviderEnv} applies the same rules and refuses a key that is `invalid` here. An invalid key is a result,
 * not an error.
 *
 * @param input Bytes are consumed: the call fills them with zeros before it returns, on success and on failure. A
 * string stays in the JavaScript heap, where no further copy of it is made. A {@link Secret} is not consumed. A
 * {@link SealedSecret} is `invalid` (`sealed`), because only its worker can open it.
 * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_DISPOSED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, also for bytes that have already been consumed.
 */
export declare function validateKey(provider: ProviderId, input: SecretInput, options?: ValidateKeyOptions): KeyValidation

/** Options of {@link createRecipient}. */
export interface RecipientOptions {
  /** The maximum age of a sealed secret, in milliseconds, from 1 000 to 3 600 000. Default: 300 000 (5 minutes). */
  maxAgeMs?: number | undefined
  /** See {@link SecretOptions.requireLocked}. */
  requireLocked?: boolean | undefined
}
/** The receiving side of sealed secrets in the worker: a key pair whose private key never leaves Rust. */
export declare class Recipient extends Handle {
  private constructor()
  /** The X25519 public key, 32 bytes as base64url without padding. Send it to the parent; it is not a secret. */
  get publicKey(): string
}
export interface Recipient {
  /** Wipes the private key: secrets that were sealed for it can no longer be opened. */
  dispose(): void
}
/**
 * Creates a key pair for {@link ProviderEnvOptions.recipient}. One per worker (or worker thread) is enough. A recipient
 * recognizes replays only of the sealed secrets that it opened itself.
 *
 * Sealing hides a secret from anyone who reads the channel. It does not prove who sent it: anyone who can write to the
 * channel can seal their own keys.
 *
 * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_INTERNAL` if the system returns no random
 * bytes.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function createRecipient(options?: RecipientOptions): Recipient

/** The facts about a credential that a log or a badge may show. */
export interface CredentialInfo {
  readonly kind: CredentialKind
  readonly source: CredentialSource
  /**
   * The owner, according to {@link ProviderEnvOptions.credentialOwner}; always `"server"` if it comes from
   * `serverCredentials`.
   */
  readonly owner: CredentialOwner
  /**
   * 8 hex digits of a hash with a key per process: it distinguishes two keys in the log of one process, and reveals
   * nothing about the key. `null` for a config directory.
   */
  readonly fingerprint: string | null
  /**
   * The number of this credential among those of its store, counted from 1 in this process; `null` if it does not come
   * from a store.
   */
  readonly generation: number | null
}
/**
 * The environment of one launch, which Rust holds. `util.inspect`, `JSON.stringify` and `String()` show ids, names and
 * the fingerprint, and never a value.
 */
export declare class ProviderEnv extends Handle {
  private constructor()
  get provider(): ProviderId
  get credential(): CredentialInfo
  /**
   * The source in the terms of `prepareRequestEnv`: `"user"` for the workspace's API key and `"oauth"` for its token,
   * from the payload or a credential store; `"server"` for a credential of the server of either kind and from any
   * source; `"none"` for a login in a directory. `credential` has more details. This is not the field of the same name
   * in Claude Code's own output.
   */
  get apiKeySource(): ApiKeySource
  /** How many `USER_*` variables were set. */
  get userEnvKeyCount(): number
  /** The names in `userEnvKeys` that were left out because they do not match the pattern. */
  get rejectedUserEnvKeys(): string[]
  /**
   * The names of all variables that the child gets if it receives the credential itself, sorted: on a pipe if the CLI
   * can read one, otherwise in its environment. With the broker, variables of the broker replace those of the credential
   * and the base URL. A start adds constants that keep the CLI from obeying files of the workspace, and changes the
   * temporary directory if it is taken. docs/providers.md lists the variables that a start adds.
   */
  get names(): string[]
  /**
   * The value of a variable that does not hold a secret; `undefined` if there is no variable with that name.
   * @throws {ProviderError} `ERR_PROVIDER_ENV_FORBIDDEN` for the name of a secret; `ERR_PROVIDER_DISPOSED`.
   */
  get(name: string): string | undefined
  /**
   * The whole environment with its secrets, as delivery `"env"` would pass it. This is the only method that returns
   * secrets as JavaScript strings, which cannot be wiped. Search your code for its name to audit its use.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`,
   * `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
   */
  exposeSecrets(): Record<string, string>
}
export interface ProviderEnv {
  /**
   * Wipes the secrets. Idempotent. A start that was already requested keeps what it needs until it has finished, and
   * {@link SpawnOptions.redactOutput} keeps the secrets that it searches for until the child's streams have closed.
   */
  dispose(): void
}

/**
 * The fields of the worker's payload that this package reads. Other fields are ignored, except `credentialOwner` and
 * `requireCredential`, which are refused: only the caller may set them, and a tenant may have written the payload. A
 * payload that has only unknown fields is refused too (`ERR_PROVIDER_PAYLOAD_INVALID`), because it may be a message
 * around the payload and would run with a fallback credential for the default provider. To use the credential that the
 * options provide, name the provider, `{ provider: 'codex' }`, or pass `{}` for the default provider.
 */
export interface ProviderPayload {
  /** Default `"claude"`. */
  provider?: ProviderId | undefined
  /**
   * The workspace's own API key. `""`, `null` and a missing field mean "none". It takes precedence over
   * `oauthAccessToken`.
   */
  apiKey?: SecretInput | null | undefined
  /** A Claude subscription token (`sk-ant-oat…`). Refused for `codex`. */
  oauthAccessToken?: SecretInput | null | undefined
  /** Sets `ALIVE_SESSION_COOKIE`. Without it the variable is `""`, and never has the value of an earlier request. */
  sessionCookie?: SecretInput | null | undefined
  /**
   * Each entry sets `USER_<NAME>`. A NAME that does not match `/^[A-Z][A-Z0-9_]*$/` is left out and reported in
   * {@link ProviderEnv.rejectedUserEnvKeys}.
   */
  userEnvKeys?: Record<string, SecretInput> | null | undefined
}
/** The tenant's ids and directories. Paths must be absolute. */
export interface Workspace extends StateDirectories {
  /** `ALIVE_WORKSPACE_KEY`: the name by which people know the workspace. */
  key?: string | undefined
  /** `ALIVE_WORKSPACE_ID`. */
  id?: string | undefined
  /** `ALIVE_USER_ID`. */
  userId?: string | undefined
  /** `ALIVE_WORKSPACE_PATH`, and the directory whose files must not configure the CLI. */
  dir?: string | undefined
  /** `HOME`. Default: that of this process. */
  home?: string | undefined
  /** `TMPDIR`, `TMP` and `TEMP`. Default: the `TMPDIR` of this process; without one, the variables are not set. */
  tmpDir?: string | undefined
}
/**
 * Options of {@link buildProviderEnv}.
 *
 * Here, and in every object that you pass to this package, only own properties count, and each is read once. A property
 * with a known name that is inherited from a class or another object is refused (`ERR_INVALID_ARG_VALUE`) and not
 * ignored: write `{ uid: config.uid }`. `Object.prototype` is never read.
 */
export interface ProviderEnvOptions {
  workspace?: Workspace | undefined
  /**
   * The source of the credential if the payload has none. It takes precedence over `serverCredentials`. Await its
   * `fresh()` first.
   */
  credentialStore?: CredentialStore | undefined
  /**
   * The owner of the credential in the payload or in `credentialStore`. Default: `"workspace"`. Pass `"server"` if the
   * payload carries the server's key, which is then treated like one from `serverCredentials`. It is an option, and is
   * refused in the payload, so that no tenant can set it. A {@link SealedSecret} opens only for the owner for which it
   * was sealed.
   */
  credentialOwner?: CredentialOwner | undefined
  /**
   * Whether the payload must contain the credential. With `true` there is no fallback to `credentialStore`,
   * `serverCredentials` or a login in `claudeConfigDir`. Default: false.
   */
  requireCredential?: boolean | undefined
  /** The return value of {@link takeServerCredentials}. Without it there is no fallback to the server's keys. */
  serverCredentials?: ServerCredentials | undefined
  /**
   * An OpenAI- or Anthropic-compatible endpoint: `http(s)://host[:port][/path]` without a user name, query or fragment.
   * Codex expects the URL with `/v1` (`https://gateway.example/v1`), Claude Code without it
   * (`https://gateway.example`). With this option, Claude Code also gets `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1`,
   * because it would otherwise send the credential to api.anthropic.com as well; another value of that variable in
   * `set` or `inherit` is refused.
   */
  baseUrl?: string | undefined
  /**
   * The absolute path of a PEM file of certificates that the CLI trusts in addition to the system's, for an endpoint or
   * a proxy with a private CA. It sets `NODE_EXTRA_CA_CERTS` for Claude Code and `CODEX_CA_CERTIFICATE` for Codex,
   * which `set` and `inherit` refuse. Each start proves that the target user can read the file, and that only root or
   * the worker can change it or a directory above it; otherwise it fails with `ERR_PROVIDER_CA_FILE_UNUSABLE`.
   * {@link HttpOptions.ca} is the same for requests of this package.
   */
  caFile?: string | undefined
  /**
   * Names of variables to copy from `process.env`. A name that can carry a credential, load code or redirect traffic is
   * refused.
   */
  inherit?: string[] | undefined
  /**
   * Additional variables that are not secret: settings of the CLI (`MAX_THINKING_TOKENS`) and your own variables. The
   * same names are refused as in `inherit`. It must be an object, not a `Map`.
   */
  set?: Record<string, string> | undefined
  /**
   * Opens each {@link SealedSecret} in the payload that was sealed for this recipient, this `workspace.id`, this
   * `requestId` and the field that contains it. Each opens only once. Without this option, a sealed secret is refused
   * (`ERR_PROVIDER_PAYLOAD_INVALID`).
   */
  recipient?: Recipient | undefined
  /** The id of this request, as the parent knows it. Required if the payload has a {@link SealedSecret}. */
  requestId?: string | undefined
  /** See {@link SecretOptions.requireLocked}. If the call throws, the environment is wiped. */
  requireLocked?: boolean | undefined
  /**
   * The place of the payload within a message that is passed as bytes: the names of the members that lead to it, at
   * most 16, such as `['payload']` for `{"id":"1","payload":{…}}`. The whole message must be JSON, and each of these
   * members must occur once. The rest of the message is ignored. All of its bytes are filled with zeros, like the bytes
   * of a payload.
   */
  payloadPath?: readonly string[] | undefined
}
/**
 * Builds the environment of one launch. It reads only the base names and those in `inherit` from `process.env`, and it
 * changes nothing global.
 *
 * @param payload An object, or UTF-8 JSON of up to 10 MB (10 × 1024 × 1024 bytes), which is consumed: the call fills it
 * with zeros before it returns. With {@link ProviderEnvOptions.payloadPath}, a message that contains the payload.
 * @throws {ProviderError} `ERR_PROVIDER_PAYLOAD_INVALID`, `ERR_PROVIDER_PAYLOAD_TOO_LARGE`, `ERR_PROVIDER_UNKNOWN`,
 * `ERR_PROVIDER_CREDENTIAL_MISSING`, `ERR_PROVIDER_CREDENTIAL_REVOKED`, `ERR_PROVIDER_KEY_MALFORMED`,
 * `ERR_PROVIDER_KEY_WRONG_PROVIDER`, `ERR_PROVIDER_ENV_FORBIDDEN`, `ERR_PROVIDER_ENV_TOO_LARGE`,
 * `ERR_PROVIDER_STATE_DIR_UNUSABLE`, `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_UNSEAL_FAILED`,
 * `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_DISPOSED`. A sealed secret counts
 * as used only if the call succeeds.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function buildProviderEnv(payload: ProviderPayload | Uint8Array, options?: ProviderEnvOptions): ProviderEnv

/** The facts about an environment that a badge can show. */
export interface ProviderDescription {
  provider: ProviderId
  /** The name of the CLI, such as `"Claude Code"`. */
  name: string
  vendor: string
  modelFamily: string
  credentialKind: CredentialInfo['kind']
  credentialSource: CredentialInfo['source']
  /**
   * Who pays: the server for its own credential of any kind; otherwise the workspace for a key, by use, and a
   * subscription for a token or login. A login in a config directory counts as a subscription, although the CLI may
   * keep a key there.
   */
  billedTo: 'workspace' | 'server' | 'subscription'
  /** See {@link CredentialInfo.fingerprint}. */
  fingerprint: string | null
}
/** Describes an environment, even after it was disposed of. */
export declare function describeProvider(env: ProviderEnv): ProviderDescription

/** Options of a {@link Redactor}. */
export interface RedactorOptions {
  /** Secrets and encoded forms with fewer bytes are not redacted. 4 to 1024; default: 8. */
  minLength?: number | undefined
}
/** A source of secrets for a {@link Redactor}. */
export type RedactorSource = ProviderEnv | ServerCredentials | Secret | Uint8Array | string
/**
 * Redacts secrets, and their base64, base64url, hex, URL-encoded and JSON-escaped forms, in text, for the worker's own
 * logs. {@link SpawnOptions.redactOutput} does the same for a child's output. It protects from accidents, not from
 * attacks.
 */
export declare class Redactor extends Handle {
  /**
   * @param sources A `Uint8Array` is consumed: the call fills it with zeros before it returns. The redactor keeps its
   * own copy of all secrets until it is disposed of.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED` if a source was disposed of.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(sources: Iterable<RedactorSource>, options?: RedactorOptions)
  /** The number of secrets that are too short to be redacted. */
  get skipped(): number
  /** Returns the text with each UTF-8 byte of a secret replaced by one character. */
  redact(text: string): string
  /**
   * Redacts the bytes in place and returns the same array. The bytes must be a complete text: a secret that is cut off
   * at the end is not found.
   */
  redact<T extends Uint8Array>(bytes: T): T
  /** Returns a stream that redacts what is written to it, across chunk boundaries. It copies its chunks. */
  stream(): Transform
}
export interface Redactor {
  /** Wipes the redactor. Its streams fail from then on. */
  dispose(): void
}

/**
 * A default protection that the start could not provide; see `docs/hardening.md`. `stderr-redaction`: stderr is not a
 * pipe, so it does not pass through this process. `session-keyring` with the native start: a sandbox refuses keyctl(2).
 * `broker`: delivery `"auto"` passes the credential itself, because the system has no broker (see `docs/broker.md`) or
 * the program's version is not known to reach it.
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
  | 'broker'
/** How a program got its credential. */
type ObtainedDelivery = 'fd' | 'env' | 'broker'

/**
 * Token counts with the same meaning for both providers, that of OpenTelemetry's conventions for generative AI. They
 * are whole numbers of at most 2^53 - 1.
 */
export interface TokenCounts {
  /**
   * All input tokens, including `cachedInputTokens` and `cacheWriteInputTokens`. (Claude Code itself reports the number
   * without them.)
   */
  inputTokens: number
  /** Input tokens that were read from the cache. */
  cachedInputTokens: number
  /** Input tokens that were written to the cache. */
  cacheWriteInputTokens: number
  /** All output tokens, including `reasoningTokens`. */
  outputTokens: number
  /** Output tokens that the model used for reasoning. */
  reasoningTokens: number
}
/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** The cost in US dollars, as the CLI calculates it; `null` if it does not. */
  costUsd: number | null
}
/** What a thread of Codex has used in all its runs. This is plain data: store it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

/**
 * One of the three standard streams: a pipe to this process, `/dev/null`, the same stream of this process, or a
 * descriptor.
 */
export type StdioItem = 'pipe' | 'ignore' | 'inherit' | number

/** Why a run may have used more than its counts show. `docs/usage.md` explains each reason. */
export type UsageGap =
  /** A turn is in progress, or was interrupted before it was reported. */
  | 'turn-not-reported'
  /** Part of the output could not be read. */
  | 'output-unread'
  /** The report of a turn shows less than its answers. */
  | 'report-too-small'
  /** The CLI reports the total of a resumed session, and the earlier total is unknown. */
  | 'earlier-total-unknown'
  /** The total of a session contradicts what was known about it, for example because its file was changed. */
  | 'total-unbelievable'
  /** codex: `exec review`, or approvals that a model reviews (`--approve-for-me`). No event reports their requests. */
  | 'review'
  /** codex: other threads, such as subagents, worked for this one, and no event reports what they used. */
  | 'subagents'
  /**
   * codex: it is unknown whether other threads worked for this one, because the session's file could not be found, or
   * because the run is read by a {@link UsageMeter}.
   */
  | 'subagents-unknown'
  /** codex: the session was, or may have been, compacted by requests that no event reports. */
  | 'compaction'
/**
 * What a run has used so far, as a snapshot in plain data. It does not include what earlier runs of a resumed session
 * used.
 */
export interface ProviderUsage extends TokenCounts {
  /** The number of turns that have ended: prompts whose end was reported. */
  turns: number
  /** The model with which the run began; for codex, only if the arguments name it. `null` if it is unknown. */
  model: string | null
  /**
   * The usage by model, as far as the models are known. At most 32 models are listed; the usage of others is only in
   * the sum.
   */
  models: Record<string, ModelUsage>
  /**
   * The cost of the turns that have ended, in US dollars, as the CLI calculates it with list prices; `null` for codex.
   */
  costUsd: number | null
  /** Whether the counts are complete, as far as the CLI reports them. If it is false, they are a lower bound. */
  complete: boolean
  /** Why the counts are not complete; empty if `complete` is true. */
  incompleteBecause: UsageGap[]
  /** codex: the thread and its most recent totals; see {@link UsageMeterOptions.thread}. `null` for claude. */
  thread: ThreadTotals | null
}
/** Why a run failed; `docs/usage.md` lists the messages of both CLIs for each kind. */
export type ProviderFailureKind = FailureKind
/** A failure of a run. It contains no text of the CLI or the server, which could repeat a key. */
export interface ProviderFailure {
  kind: ProviderFailureKind
  /** The API's HTTP status, if the CLI reports it. */
  status: number | null
  /**
   * Whether the same run may succeed later without any change: because of its kind, or because one of the next two
   * properties is set.
   */
  retryable: boolean
  /**
   * How long to wait in milliseconds from the time of the CLI's message, if the CLI or the API says so; otherwise
   * `null`.
   */
  retryAfterMs: number | null
  /** When the limit ends, in milliseconds since the epoch, if the CLI or the API says so; otherwise `null`. */
  resetsAt: number | null
  /** Whether the CLI was still retrying when it reported the failure. */
  passing: boolean
  /** What is wrong. */
  message: string
  /** What to do. */
  remedy: string
}
/** The CLI reports that it uses a credential other than the one that it received. */
export interface CredentialMismatch {
  /** The words that it may report for the credential that it received. */
  expected: string[]
  /** What it reported, if that is a known word; otherwise `"other"`. */
  claimed: string
}

/**
 * A started CLI, with the interface of `ChildProcess` and of the Claude Agent SDK's `SpawnedProcess`. It emits their
 * events `spawn`, `error`, `exit` and `close`. If stdout is read (see the option `usage`), it also emits `usage`,
 * `failure` and `credentialMismatch`, each for the last time before `close`.
 */
export declare class ProviderProcess extends EventEmitter {
  private constructor()
  get provider(): ProviderId
  /** The credential with which it runs. */
  get credential(): CredentialInfo
  /**
   * The process id, known once `spawn` has been emitted, because the start happens on another thread. `undefined`
   * before that, and if the start failed.
   */
  get pid(): number | undefined
  get stdin(): Writable | null
  get stdout(): Readable | null
  get stderr(): Readable | null
  get stdio(): [Writable | null, Readable | null, Readable | null]
  get exitCode(): number | null
  /**
   * The signal that ended the process. Node has no names for real-time signals, which have the name that `kill -l`
   * shows, such as `SIGRTMIN+3`. With the portable start, `child_process` reports a real-time signal as an exit with 0.
   */
  get signalCode(): NodeJS.Signals | null
  /**
   * Whether a signal was sent with {@link kill}, or the process was stopped by an abort, a timeout or
   * `onCredentialMismatch`.
   */
  get killed(): boolean
  /** Always false: there is no message channel. */
  get connected(): false
  /** The absolute path of the program that was started, once known. */
  get spawnfile(): string | undefined
  /**
   * A copy of the program's arguments: {@link spawnfile} and all arguments, including those that this package added.
   * Empty until `spawn`.
   */
  get spawnargs(): string[]
  /** `"native"`: the addon started the process. `"portable"`: `child_process` started it. */
  get startPath(): 'native' | 'portable'
  /**
   * How the program got its credential. `null` before `spawn`, and if no credential is passed, because the CLI reads a
   * login from `claudeConfigDir`.
   */
  get delivery(): ObtainedDelivery | null
  /** The default protections that this start could not provide. `broker` is known once `spawn` has been emitted. */
  get missingProtections(): MissingProtection[]
  /** What the run has used so far; `null` if stdout is not read. It is final when `close` is emitted. */
  get usage(): ProviderUsage | null
  /**
   * The failure of the run, or the failure after which the CLI is retrying (`passing`); `null` if the run has recovered
   * or no failure is known.
   */
  get failure(): ProviderFailure | null
  /**
   * Resolves when the program runs, and rejects with the reason if it could not be started. `/proc/PID/environ` can be
   * empty for a few milliseconds after that.
   */
  get spawned(): Promise<void>
  /**
   * Resolves when the process has ended, even with a non-zero exit status, and rejects only if the start failed.
   * `error` is set if the process was stopped by `signal`, `timeoutMs` or `onCredentialMismatch`.
   */
  get exited(): Promise<{
    code: number | null
    signal: NodeJS.Signals | null
    error?: ProviderError
  }>
  /**
   * Sends a signal to the whole process group. `killSignal` (the default) is followed by SIGKILL after `killGraceMs`.
   * SIGKILL also reaches processes that the CLI started in other process groups. A signal that is sent before `spawn`
   * is delivered as soon as the program runs.
   * @returns Whether there was a process to signal.
   */
  kill(signal?: NodeJS.Signals | number): boolean
  /** Keeps the event loop alive while the process runs (the default). */
  ref(): void
  unref(): void
  /** Stops the process group, as `kill()` does. */
  [Symbol.dispose](): void
  /** Stops the process group and waits for `close`. */
  [Symbol.asyncDispose](): Promise<void>
}
export interface ProviderProcess {
  on(event: 'spawn', listener: () => void): this
  on(event: 'error', listener: (error: ProviderError) => void): this
  on(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
  /**
   * Emitted with the running totals, the same as {@link usage}: use the last one, and do not add them up. It is emitted
   * whenever the totals have changed (a turn has begun, an answer has arrived, a turn was reported), and at least once
   * before `close`.
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
 * Resource limits of the child, soft and hard. A limit above the worker's own hard limit requires root
 * (`CAP_SYS_RESOURCE`).
 */
export interface ResourceLimits {
  /**
   * `RLIMIT_CORE` in bytes. Default: 0, which means that there are no core dumps; the limit is then 1 byte, because the
   * kernel ignores 0 for a `core_pattern` that is a pipe. A core dump would contain the key.
   */
  coreBytes?: number | undefined
  /** `RLIMIT_NOFILE`, the number of descriptors, up to the machine's `fs.nr_open`. Default: the worker's limit. */
  openFiles?: number | undefined
  /** `RLIMIT_NPROC`, the number of processes of the target uid. Default: the worker's limit. */
  processes?: number | undefined
  /**
   * `RLIMIT_AS` in bytes. Both CLIs map far more memory than they use: neither starts with less than 100 GB. Default:
   * the worker's limit.
   */
  memoryBytes?: number | undefined
  /** `RLIMIT_CPU` in seconds. Default: the worker's limit. */
  cpuSeconds?: number | undefined
}
/** How the child gets its credential. */
export type Delivery = 'auto' | 'fd' | 'env' | 'broker'
/** Options of {@link spawnProvider}. */
export interface SpawnOptions {
  /**
   * The CLI's arguments. Every user of the machine can see them, so a secret of the launch in an argument is refused,
   * and so is the definition of an MCP server or model provider with headers, variables or tokens. An option that
   * disables a protection is refused too. The package adds its own arguments: for Claude Code before yours
   * (`--setting-sources=`), for Codex after them (`-c …`). With a server's key for Codex, the arguments must begin with
   * `exec` or `e`, and the package adds `--ignore-user-config` after it. A mode in which the CLI would not use the
   * credential is refused (`ERR_PROVIDER_UNSUPPORTED`): `docs/providers.md` lists these modes.
   */
  args?: string[] | undefined
  /**
   * The program: an absolute path, or a name to look up on the child's `PATH`. Default: the provider's CLI. A program
   * in place of the CLI gets the same arguments and, for Claude Code, the key on descriptor 3. Use a script file for
   * it, because `sh -c` would interpret the package's arguments as its own.
   */
  command?: string | undefined
  /**
   * The working directory, an absolute path. Default: `workspace.dir`, otherwise the directory of this process. The
   * child enters it as the target user, who must have access.
   */
  cwd?: string | undefined
  /**
   * The uid of the target user. Pass both `uid` and `gid`, or neither. 0 is refused without `allowRoot`. Default: that
   * of this process.
   */
  uid?: number | undefined
  gid?: number | undefined
  /** The supplementary groups. Default: none if `uid` is given, otherwise those of this process. */
  groups?: number[] | undefined
  /** Allows uid 0 or gid 0 as the target. Default: false. */
  allowRoot?: boolean | undefined
  /**
   * Default: `"pipe"` for all three. A stream that is inherited or a descriptor is made blocking, as `child_process`
   * does.
   */
  stdio?: 'pipe' | 'ignore' | 'inherit' | [StdioItem, StdioItem, StdioItem] | undefined
  /** The file mode creation mask, 0 to 0o777. Default: that of this process. */
  umask?: number | undefined
  /**
   * The child's nice value, 0 to 19. Default: that of this process at the time of the start (of its main thread, as
   * `os.getPriority()` returns it there), or 0 if that is negative. A value below that of this process requires root.
   */
  priority?: number | undefined
  /**
   * The child's `oom_score_adj`, 0 to 1000: the higher it is, the sooner the kernel kills the child when memory runs
   * out. Default: that of this process, or 0 if that is negative. A value below that of this process requires root.
   */
  oomScoreAdj?: number | undefined
  /** Aborting stops the process group, and emits `error` with `ERR_PROVIDER_ABORTED`. */
  signal?: AbortSignal | undefined
  /**
   * The time in milliseconds until the process group is stopped and `error` is emitted with `ERR_PROVIDER_TIMEOUT`.
   * Default: 0, no limit.
   */
  timeoutMs?: number | undefined
  /** The signal that asks the process group to end. Default: `"SIGTERM"`. */
  killSignal?: NodeJS.Signals | number | undefined
  /** The time in milliseconds between `killSignal` (with SIGCONT) and SIGKILL. Default: 5000. */
  killGraceMs?: number | undefined
  /**
   * Whether the rest of the process group is killed when the CLI has ended. Default: true. If a process outside the
   * group still holds the other end of a stream, the stream then ends after it has been silent for a second, so that
   * `close` is emitted.
   */
  killGroupOnExit?: boolean | undefined
  limits?: ResourceLimits | undefined
  /**
   * How the CLI gets its credential. `"broker"`: it does not. The broker of this process adds the credential to the CLI's
   * requests (`docs/broker.md`). `"fd"`: on a pipe (claude). `"env"`: in the environment, where other processes of the
   * target uid can read it (`/proc/PID/environ`). Default: `"auto"`, which is `"broker"` on Linux; elsewhere, and for a
   * program in place of Claude Code whose version is unknown, it is `"fd"` for claude and `"env"` for codex, and
   * {@link ProviderProcess.missingProtections} says so. {@link ProviderProcess.delivery} is what was obtained.
   */
  delivery?: Delivery | undefined
  /** Default: `"untrusted"`, which means that files in the workspace must not configure the CLI. */
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * The streams of the child in which every secret of this launch is redacted, including its base64, base64url, hex,
   * URL-encoded and JSON-escaped forms. `true` means both streams. Default: only `stderr`, which also applies to a
   * property that the object omits. Each byte of a secret is replaced with `*` (or another character if a secret
   * contains `*`), so the number of bytes does not change. Secrets of fewer than 8 bytes are not redacted, because that
   * would mask ordinary text. Redacted stdout may no longer be valid JSON, because a number can be a secret too. Only a
   * stream that is a `"pipe"` passes through this process: the option is refused for a stream that goes to a
   * descriptor, and has no effect on one that is `"ignore"`. The secrets to search for stay in guarded memory until
   * these streams have closed, even after `dispose()`. This protects logs from accidents, not from attacks: a process
   * with the child's uid can write a key in other ways.
   */
  redactOutput?:
    | boolean
    | {
        stdout?: boolean | undefined
        stderr?: boolean | undefined
      }
    | undefined
  /**
   * Whether stdout is read for {@link ProviderProcess.usage} and {@link ProviderProcess.failure}. The output is passed
   * on unchanged and without delay. Default: true if `args` request JSON from the CLI (claude
   * `--output-format stream-json` or `json`, codex `--json`) and stdout is a `"pipe"`. `true` reads stdout with any
   * arguments, and is refused if stdout is not a pipe.
   */
  usage?: boolean | undefined
  /**
   * codex: {@link ProviderUsage.thread} of the last run of the resumed thread, if another process read that run. It
   * then takes precedence over what this process knows. Without it, and if this process has not read the thread in a
   * run of the same owner (see `docs/usage.md`), the first turn is not counted and `complete` stays false.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * What to do if the CLI reports that it uses a credential other than the one that it received. `"event"` (the
   * default) emits `credentialMismatch`. `"stop"` also stops the run, with `ERR_PROVIDER_CREDENTIAL_MISMATCH`; it is
   * refused if the CLI's JSON is not read, and for codex, which does not report its credential.
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
/** The executable file of a CLI. It was verified that the target user can run it. */
export interface Program {
  /** Absolute, without symlinks. */
  readonly path: string
  /** The path that was found first: on `PATH`, in `node_modules`, or as `command`. */
  readonly foundAt: string
  readonly foundBy: 'command' | 'path' | 'npm-package'
  /** `native`: an executable that the kernel loads itself. `script`: a file with an interpreter. */
  readonly kind: 'native' | 'script'
  /** The absolute path of the script's interpreter. */
  readonly interpreter: string | null
  /**
   * The version according to the package that contains the program, the file beside it, or the file name that the
   * native installer uses; the oldest one if they differ. `null` if none of them states a version, or if users other
   * than root and this process can change the file that does.
   */
  readonly version: string | null
  /**
   * Whether the version is in the range that this package was tested with. `false`: it is newer, and there is a warning
   * (`PROVIDER_CLI_UNTESTED`, once per version). `null`: the version is unknown; there is the same warning, and Claude
   * Code is not started with the server's key. An older version is an error.
   */
  readonly tested: boolean | null
}
/**
 * Finds a provider's program and proves that the target user can run it: every directory of the real path, the file,
 * and its dynamic loader or interpreter. A candidate that cannot be run is skipped. The call is synchronous: it makes a
 * few file system look-ups and, for another uid, starts one or two short-lived processes. If a file system does not
 * answer, it gives up after 2 s.
 *
 * @throws {ProviderError} `ERR_PROVIDER_PROGRAM_NOT_FOUND`; `ERR_PROVIDER_PROGRAM_OUTDATED` for a version that is not
 * supported or cannot be parsed; `ERR_PROVIDER_PROGRAM_UNREACHABLE`, whose `path` is the first component that blocks
 * the way, or the file that cannot be run, and whose message gives the reason and the remedy;
 * `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_PRIVILEGE_FAILED`; `ERR_PROVIDER_SPAWN_FAILED`, also if a file system
 * does not answer.
 */
export declare function resolveProgram(provider: ProviderId, options?: ResolveOptions): Program

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
export declare function revoke(target: RevocationTarget): ProviderProcess[]
/**
 * Undoes a {@link revoke} that was a mistake, or one of a login that a new login has replaced.
 * @returns Whether the credential was revoked.
 * @throws As {@link revoke}.
 */
export declare function restore(target: RevocationTarget): boolean
/**
 * Returns the processes of this thread whose start was requested and that have not ended, oldest first.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function runningProcesses(filter?: ProcessFilter): ProviderProcess[]

/** A process whose three streams are pipes. */
export type PipedProviderProcess = ProviderProcess & {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}
/**
 * Finds the CLI, proves that the target user can run it, and starts it unprivileged with exactly `env` as its
 * environment. When the call returns, the options have been checked and the streams exist; the start itself happens on
 * a native thread.
 *
 * Every listener of the process and its streams runs in the asynchronous context (`AsyncLocalStorage`) of this call. If
 * a listener throws, that is an uncaught exception, and the run continues.
 *
 * Failures that are not thrown are `error` events, with both kinds of start: `ERR_PROVIDER_PROGRAM_NOT_FOUND`,
 * `ERR_PROVIDER_PROGRAM_OUTDATED`, `ERR_PROVIDER_PROGRAM_UNREACHABLE`, `ERR_PROVIDER_STATE_DIR_UNUSABLE`,
 * `ERR_PROVIDER_CA_FILE_UNUSABLE`, `ERR_PROVIDER_PRIVILEGE_FAILED`, `ERR_PROVIDER_SPAWN_FAILED`,
 * `ERR_PROVIDER_ENV_TOO_LARGE`, the three codes of the credential if it changed in the meantime,
 * `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_TIMEOUT`.
 *
 * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_UNSUPPORTED`,
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export declare function spawnProvider(
  env: ProviderEnv,
  options?: SpawnOptions & {
    stdio?: 'pipe' | undefined
  }
): PipedProviderProcess
export declare function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess

/** Options of a {@link UsageMeter}. */
export interface UsageMeterOptions {
  /**
   * The kind of credential that the CLI received, to compare with what it reports (claude). Default: nothing is
   * compared.
   */
  credential?: 'api-key' | 'oauth-token' | 'config-dir' | undefined
  /** The model, if the output does not name it (codex). */
  model?: string | undefined
  /**
   * Whether the run continues an earlier thread of Codex, or a session of Claude Code that is read as `json`. Its
   * earlier usage is then that of `thread` (codex), or what this process has read of it in this `workspace`. If neither
   * is known, `complete` stays false, and the first turn is not counted (codex) or counts only what the agent itself
   * used (claude). Default: false.
   */
  resumed?: boolean | undefined
  /**
   * Pass `false` if the run cannot have subagents (codex: it was started with the override `agents.enabled=false`).
   * Otherwise `complete` stays false for codex, because its events do not report all subagents. Default: true.
   */
  subagents?: boolean | undefined
  /**
   * {@link ProviderUsage.thread} of the thread's last run, if another process read that run. It then takes precedence
   * over what this process knows.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * The workspace of the run. What this process has read of a thread is kept for runs of the same workspace, including
   * those with a ProviderEnv whose `workspace.id` is the same. Without it, nothing is kept beyond this meter, and codex
   * requires either `thread` or `resumed`, because it reports the total of a thread.
   */
  workspace?: string | undefined
}
/**
 * Reads JSON output of a CLI that this package did not start, for example because the Codex SDK starts the CLI itself.
 * Use one meter for each run, or for several runs of one thread.
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
  /** Reads the next part of the output, which may be split anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this
  /**
   * Reads one event, as an SDK provides it.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, or `ERR_INVALID_ARG_VALUE` if JSON cannot represent the event.
   */
  event(event: object): this
  /** Ends the run. Pass `null`, the default, if the exit code is unknown. Later output is not read. */
  end(code?: number | null): this
}

/** The labels of an entry. Each is 1 to 256 bytes of UTF-8, without unpaired surrogates. */
export interface LedgerLabels {
  workspace: string
  provider: ProviderId
  /**
   * The credential among those of the workspace: a string, or a whole number from 0. Default for a ProviderProcess:
   * `"<fingerprint>"`, or `"<generation>-<fingerprint>"` if the credential comes from a store; otherwise `"none"`.
   * Fingerprints and generations change with each process: for totals that outlast it, pass the name of the key in your
   * own records, such as the version of its row.
   */
  generation?: string | number | undefined
}
/** Options of a {@link UsageLedger}. */
export interface UsageLedgerOptions {
  /**
   * The number of separate entries, 1 to 1 000 000, provided that their lines for Prometheus are at most 256 MiB in
   * total. Default: 10 000, which always fit.
   */
  maxEntries?: number | undefined
}
/** Totals of runs. */
export interface LedgerCounts extends TokenCounts {
  turns: number
  /** Runs that have ended. */
  runs: number
  /** Runs that have ended and whose usage is a lower bound. */
  incompleteRuns: number
  /** The cost in US dollars, as far as the CLIs report it, summed in units of 10^-12; `null` if none was reported. */
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
  /** The sum of the entries that were evicted; `null` if there are none. */
  other: LedgerCounts | null
  /** The number of entries that were evicted. */
  evicted: number
  /** The sum of everything, `other` included. */
  total: LedgerCounts
}
/**
 * Totals per workspace, provider and generation of the credential. Beyond `maxEntries`, the least recently used entry
 * is added to `other`, so that sums stay exact. A ledger belongs to the thread that created it: create one in each
 * worker thread, and add up what they export.
 */
export declare class UsageLedger {
  /** @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the methods. */
  constructor(options?: UsageLedgerOptions)
  /** The number of entries, without `other`. */
  get size(): number
  /**
   * Adds a run that has ended. Its cost may be at most a trillion dollars.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN` for a provider that does not exist, as does `track`.
   */
  record(usage: ProviderUsage, labels: LedgerLabels): void
  /**
   * Adds each turn of a run when it is reported, and at the end of the run also what an unreported turn used. Call it
   * once per run and ledger; further calls have no effect. A process whose stdout is not read for usage (see
   * {@link SpawnOptions.usage}) is added at its end as a run without tokens, in `runs` and in `incompleteRuns`.
   */
  track(
    run: ProviderProcess | UsageMeter,
    labels: Partial<LedgerLabels> & {
      workspace: string
    }
  ): void
  toJSON(): LedgerSnapshot
  /**
   * Returns the counters `provider_env_…_total` in Prometheus' text format 0.0.4, with the labels `workspace`,
   * `provider` and `generation`; `other` is the series without labels. No label is a secret unless you pass one.
   */
  toPrometheus(): string
}

/** The return value of {@link claudeAgentOptions}. Spread it into the Agent SDK's `query({ options })`. */
export interface ClaudeAgentOptions {
  /** Names and values that are not secret. The SDK requires an `env`, and refuses some set-ups without `PATH`. */
  env: Record<string, string>
  /** A path for the SDK's own checks. `spawnClaudeCodeProcess` decides which program is started. */
  pathToClaudeCodeExecutable: string
  spawnClaudeCodeProcess: (options: {
    command: string
    args: string[]
    cwd?: string | undefined
    env: Record<string, string | undefined>
    signal: AbortSignal
  }) => PipedProviderProcess
  /** `[]` for an untrusted workspace, so that no file in it configures the CLI. */
  settingSources: ('user' | 'project' | 'local')[]
  /** Keeps the headers of your MCP servers off the command line, where every user of the machine can read them. */
  mcpServersDelivery: 'initialize'
}
/** The options of {@link spawnProvider} that the SDK does not set itself. */
export type AgentLaunch = Omit<SpawnOptions, 'args' | 'stdio' | 'signal'> & {
  /**
   * Called with each process that the SDK starts. Read its `stderr` here, because the SDK's own `stderr` option is not
   * called.
   */
  onSpawn?: ((child: PipedProviderProcess) => void) | undefined
}
/**
 * Returns options with which the Claude Agent SDK's `query()` starts its CLI through {@link spawnProvider}. Only the
 * SDK's own control variables in the environment that it builds reach the CLI.
 *
 * Only the CLI becomes the tenant. In-process MCP tools (`createSdkMcpServer()`), hooks, and a `query()` that a tool
 * calls without these options run in this process, as root if the worker is root. The first call in such a worker emits
 * a process warning (`SecurityWarning`, code `PROVIDER_WORKER_IS_ROOT`). Provide tools as stdio MCP servers, let them
 * run their commands with `provider-env run-as`, or call `query()` in a worker that runs as the tenant. Then
 * `node --disable-warning=PROVIDER_WORKER_IS_ROOT` silences the warning.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if `env` is not for `claude`; the errors of
 * {@link resolveProgram}. `spawnClaudeCodeProcess`, and therefore `query()`, also throws `ERR_PROVIDER_UNSUPPORTED` for
 * an Agent SDK before 0.3.326, which would put the tokens of MCP servers into arguments.
 */
export declare function claudeAgentOptions(env: ProviderEnv, launch?: AgentLaunch): ClaudeAgentOptions

/**
 * How the Codex SDK starts the CLI. The SDK starts the CLI itself, so the worker must already run as the target user.
 */
export interface CodexLaunch {
  /**
   * The directory in which threads work. It must be the `workingDirectory` of each thread; otherwise that directory is
   * trusted despite `"untrusted"` (Codex up to 0.166), or not trusted despite `"trusted"` (0.169). Default:
   * `workspace.dir`. One of the two is required unless the workspace is trusted.
   */
  cwd?: string | undefined
  command?: string | undefined
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * `"broker"`: the SDK gets a token that is worth nothing outside this launch, and the broker of this process adds the key
   * (`docs/broker.md`). `"env"`: it gets the key. Default: `"auto"`, which is `"broker"` on Linux, elsewhere `"env"`.
   */
  delivery?: 'auto' | 'broker' | 'env' | undefined
  /**
   * Must be `true` if `env` of the result contains a secret, which is then a JavaScript string that cannot be wiped: with
   * delivery `"env"` the key, with any delivery a session cookie or values of `userEnvKeys`.
   */
  exposeSecrets?: boolean | undefined
  allowRoot?: boolean | undefined
}
/** The return value of {@link codexOptions}. Pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  /** Contains the key or the broker's token and, in an untrusted workspace, `GIT_DIR`, which hides the repository from Codex's own `git`. */
  env: Record<string, string>
  /**
   * Raw `--config` overrides, which keep the key out of the agent's shell, keep the workspace from configuring the CLI,
   * and set the base URL.
   */
  configOverrides: string[]
  /**
   * Ends the launch: the broker refuses its token from now on. Call it when no thread runs any more. Without this call,
   * the token is good until this process ends. With delivery `"env"` it does nothing.
   */
  dispose(): void
  [Symbol.dispose](): void
}
/**
 * Returns options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if `env` is not for `codex`, without `exposeSecrets: true` if it is
 * needed, with delivery `"broker"` on a system that has no broker, for a
 * Codex SDK before 0.149.0 in `node_modules` of the main module, which would ignore the protections, or with
 * delivery `"env"` and the server's key, which the SDK cannot protect from `config.toml` in `CODEX_HOME`; `ERR_PROVIDER_CA_FILE_UNUSABLE`;
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`; the
 * errors of {@link resolveProgram}.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` if no directory is named and the workspace is untrusted, if `cwd` is
 * empty or contains a NUL byte, or if a directory or the base URL contains a secret.
 */
export declare function codexOptions(env: ProviderEnv, launch?: CodexLaunch): CodexOptions

/** A protection that the system refused. */
export interface ProtectionRefusal {
  readonly protection: string
  readonly syscall: string
  /** Negative, as in Node's system errors. */
  readonly errno: number
  /** The name of the error, such as `"ENOMEM"`. */
  readonly code: string
}
/** The protections that the memory of secrets actually has: each is true only if all of that memory has it. */
export interface MemoryProtection {
  /** There is an inaccessible page before and after each secret. */
  readonly guardPages: boolean
  /** `mlock(2)`: the memory is never swapped out. */
  readonly locked: boolean
  /** `MADV_DONTDUMP`: the memory is not part of core dumps. Linux only. */
  readonly excludedFromCoreDumps: boolean
  /** `MADV_WIPEONFORK`: the memory is zero in a process that `fork` creates. Linux only. */
  readonly wipedOnFork: boolean
  /**
   * The number of allocations in use, in all threads: one for each key, one for all other secrets of an environment,
   * and temporary ones, such as an environment block or the secrets that a redactor searches for.
   */
  readonly allocations: number
  /** The size of these allocations in bytes. */
  readonly allocatedBytes: number
  /** The size of the mappings that contain them, in bytes, without guard pages. */
  readonly mappedBytes: number
  readonly lockedBytes: number
  /**
   * The soft `RLIMIT_MEMLOCK` in bytes; `null` if there is no limit. It does not apply to a process with
   * `CAP_IPC_LOCK`.
   */
  readonly lockLimitBytes: number | null
  /** The protections that were refused, each one once, in the order above. */
  readonly refusals: ProtectionRefusal[]
}
/** What {@link hardenWorker} achieved, as the kernel reports it afterwards. */
export interface WorkerHardening {
  /**
   * The kernel does not let other processes of the worker's uid trace the worker or read its memory, environment or
   * descriptors, and writes no core dump of it. Linux only.
   */
  readonly nonDumpable: boolean
  /**
   * Node's debugger is closed, and SIGUSR1, which any process of the worker's uid may send, does not open it, because
   * this package has its own listener for that signal. False in a worker thread, and if the debugger is open already
   * (`--inspect`).
   */
  readonly inspectorClosed: boolean
  /**
   * `RLIMIT_CORE` is effectively 0 (it is 1 byte, because the kernel ignores 0 for a `core_pattern` that is a pipe).
   */
  readonly noCoreDumps: boolean
  readonly refusals: ProtectionRefusal[]
}
/** Returns the current protections of the memory of secrets; if there are no secrets, those that a new secret gets. */
export declare function memoryProtection(): MemoryProtection
/**
 * Hardens the whole worker permanently: it becomes non-dumpable, has no core dumps (soft and hard limit), and does not
 * open a debugger on SIGUSR1. This changes process-wide state, so the package never calls it itself. Call it once,
 * early, on the main thread, after any change of uid or gid. Debuggers and profilers of the same uid can no longer
 * attach, and `/proc/self` belongs to root: a worker that is not root can no longer open `/dev/stdout` or
 * `/proc/self/environ`, because both lead into it. `refusals` lists what could not be done.
 */
export declare function hardenWorker(): WorkerHardening

/**
 * Checks everything that a start needs, and what could leak or redirect a key, like `provider-env doctor`. It changes
 * nothing. The dry start of each CLI (see `start`) uses fresh directories below the temporary directory, a made-up key,
 * and a mock of the API on 127.0.0.1, and removes its files.
 *
 * Use it in a health check or by hand, not for every request, because it starts processes. The first call loads its
 * code, so make that call before the worker drops its privileges.
 *
 * Rejects with a `TypeError` for an invalid option, and with `ERR_PROVIDER_PRIVILEGE_REFUSED` if only one of `uid` and
 * `gid` is given or an id is out of range. Every other problem is a finding.
 */
export declare function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>

export {}
