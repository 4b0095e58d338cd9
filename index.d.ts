// The public types of @webalive/provider-env. They are written by hand; index.js, index.mjs and lib/ implement them.
/// <reference types="node" />
import { EventEmitter } from 'node:events'
import { Readable, Transform, Writable } from 'node:stream'
import type { CredentialMismatch, ProviderFailure, ProviderUsage, ThreadTotals } from './types/usage.js'

export * from './types/usage.js'

import type { HttpOptions } from './types/check-key.js'
import type { CredentialStore } from './types/credential-store.js'
import type { ProviderId, StateDirectories } from './types/providers.js'

export * from './types/check-key.js'
export * from './types/credential-store.js'

export * from './types/keys.js'
export * from './types/revocation.js'

export * from './types/doctor.js'

export type { ProviderId } from './types/providers.js'

/**
 * A secret that is passed to this package.
 *
 * `Uint8Array`: consumed. The call copies it once into memory that is wiped later, and fills the array with zeros
 * before it returns, on success and on failure. A view of a `SharedArrayBuffer` is refused, and so is an array that
 * contains only zeros, because it has been consumed before. V8 keeps arrays of up to 64 bytes in its own heap, where
 * the garbage collector may already have moved them: allocate small secrets in their own `ArrayBuffer`
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
export class Secret {
  private constructor()
  /**
   * @param bytes Consumed: zero-filled before the call returns, on success and on failure.
   * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static from(bytes: Uint8Array, options?: SecretOptions): Secret
  /**
   * Seals the secret for one worker, as {@link Lockbox.unsealFor} does with a row. Use it for a secret that does not
   * come from a lockbox, such as a token that was just refreshed.
   * @param publicKey {@link Recipient.publicKey}, or the 32 bytes that it encodes.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` if the field holds a credential and
   * the secret cannot be one.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  sealFor(publicKey: string | Uint8Array, binding: SealBinding): SealedSecret
  /** The number of bytes. */
  readonly length: number
  /** 8 hex digits of a hash with a key per process: the same bytes have the same fingerprint within one process. */
  readonly fingerprint: string
  readonly disposed: boolean
  /** Wipes the secret. Idempotent. */
  dispose(): void
  [Symbol.dispose](): void
}

declare const sealed: unique symbol
/**
 * A secret that is sealed for one worker, as text: `provider-env-sealed.v1.…`. {@link Lockbox.unsealFor} and
 * {@link Secret.sealFor} create it. It contains no plaintext: you may log it, store it, and send it over any channel.
 */
export type SealedSecret = string & { readonly [sealed]: true }

/**
 * What a {@link SealedSecret} is bound to: it opens only where all of these are the same. Each is 1 byte to 1 KiB of
 * UTF-8 without NUL.
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

/** Options of {@link createRecipient}. */
export interface RecipientOptions {
  /** The maximum age of a sealed secret, in milliseconds, from 1 000 to 3 600 000. Default: 300 000 (5 minutes). */
  maxAgeMs?: number | undefined
  /** See {@link SecretOptions.requireLocked}. */
  requireLocked?: boolean | undefined
}

/** The receiving side of sealed secrets in the worker: a key pair whose private key never leaves Rust. */
export class Recipient {
  private constructor()
  /** The X25519 public key, 32 bytes as base64url without padding. Send it to the parent; it is not a secret. */
  readonly publicKey: string
  readonly disposed: boolean
  /** Wipes the private key: secrets that were sealed for it can no longer be opened. */
  dispose(): void
  [Symbol.dispose](): void
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
export function createRecipient(options?: RecipientOptions): Recipient

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
 * The owner of a credential. A credential of the server is billed to the server and kept from the tenant: files,
 * arguments and options with which the tenant could get it or send it elsewhere are refused, even in a trusted
 * workspace.
 */
export type CredentialOwner = import('./binding').CredentialOwner

/** The facts about a credential that a log or a badge may show. */
export interface CredentialInfo {
  readonly kind: import('./binding').CredentialKind
  readonly source: import('./binding').CredentialSource
  /** Whose it is, by {@link ProviderEnvOptions.credentialOwner}; from `serverCredentials` always `"server"`. */
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
export class ProviderEnv {
  private constructor()
  readonly provider: ProviderId
  readonly credential: CredentialInfo
  /**
   * The source in the terms of `prepareRequestEnv`: `"user"` for the workspace's API key and `"oauth"` for its token,
   * from the payload or a credential store; `"server"` for a credential of the server of either kind and from any
   * source; `"none"` for a login in a directory. `credential` has more details. This is not the field of the same name
   * in Claude Code's own output.
   */
  readonly apiKeySource: import('./binding').ApiKeySource
  /** How many `USER_*` variables were set. */
  readonly userEnvKeyCount: number
  /** The names in `userEnvKeys` that were left out because they do not match the pattern. */
  readonly rejectedUserEnvKeys: string[]
  /**
   * The names of all variables that the child gets with delivery `"auto"`, sorted. A start adds constants that keep the
   * CLI from obeying files of the workspace, and changes the temporary directory if it is taken: docs/providers.md
   * lists these variables.
   */
  readonly names: string[]
  readonly disposed: boolean
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
  /**
   * Wipes the secrets. Idempotent. A start that was already requested keeps what it needs until it has finished, and
   * {@link SpawnOptions.redactOutput} keeps the secrets that it searches for until the child's streams have closed.
   */
  dispose(): void
  [Symbol.dispose](): void
}

/**
 * Builds the environment of one launch. From `process.env` it reads only the base names and those in `inherit`, and it
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
export function buildProviderEnv(payload: ProviderPayload | Uint8Array, options?: ProviderEnvOptions): ProviderEnv

/** The server's own keys, which Rust holds. */
export class ServerCredentials {
  private constructor()
  /** The providers for which it holds a key. */
  readonly providers: ProviderId[]
  /** The names of the variables that were removed from the environment. */
  readonly names: string[]
  readonly disposed: boolean
  /** The fingerprint of a provider's key; `null` if there is none. */
  fingerprint(provider: ProviderId): string | null
  dispose(): void
  [Symbol.dispose](): void
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
export function takeServerCredentials(options?: ServerCredentialsOptions): ServerCredentials

/** Options of {@link takeServerCredentials}. */
export interface ServerCredentialsOptions {
  /** See {@link SecretOptions.requireLocked}. It is checked before anything is taken. */
  requireLocked?: boolean | undefined
}

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

/** Returns the current protections of the memory of secrets; if there are no secrets, those that a new secret gets. */
export function memoryProtection(): MemoryProtection

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

/**
 * Hardens the whole worker permanently: it becomes non-dumpable, has no core dumps (soft and hard limit), and does not
 * open a debugger on SIGUSR1. This changes process-wide state, so the package never calls it itself. Call it once,
 * early, on the main thread, after any change of uid or gid. Debuggers and profilers of the same uid can no longer
 * attach, and `/proc/self` belongs to root: a worker that is not root can no longer open `/dev/stdout` or
 * `/proc/self/environ`, which lead into it. `refusals` lists what could not be done.
 */
export function hardenWorker(): WorkerHardening

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

/**
 * One of the three standard streams: a pipe to this process, `/dev/null`, the same stream of this process, or a
 * descriptor.
 */
export type StdioItem = 'pipe' | 'ignore' | 'inherit' | number

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
   * Default: `"auto"`, which is `"fd"` if the CLI can read its credential from a pipe (claude), and otherwise `"env"`
   * (codex). `--bare` of claude requires `"env"`: other processes of the target uid can then read the key in
   * `/proc/PID/environ`.
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
  redactOutput?: boolean | { stdout?: boolean | undefined; stderr?: boolean | undefined } | undefined
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

/**
 * A default protection that the start could not provide; see `docs/hardening.md`. `stderr-redaction`: stderr is not a
 * pipe, so it does not pass through this process. `session-keyring` with the native start: a sandbox refuses keyctl(2).
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
 * A started CLI, with the interface of `ChildProcess` and of the Claude Agent SDK's `SpawnedProcess`. It emits their
 * events `spawn`, `error`, `exit` and `close`. If stdout is read (see the option `usage`), it also emits `usage`,
 * `failure` and `credentialMismatch`, each for the last time before `close`.
 */
export class ProviderProcess extends EventEmitter {
  private constructor()
  readonly provider: ProviderId
  /** The credential with which it runs. */
  readonly credential: CredentialInfo
  /**
   * The process id, known once `spawn` has been emitted, because the start happens on another thread. `undefined`
   * before that, and if the start failed.
   */
  readonly pid: number | undefined
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  readonly stdio: [Writable | null, Readable | null, Readable | null]
  readonly exitCode: number | null
  /**
   * The signal that ended the process. Node has no names for real-time signals, which have the name that `kill -l`
   * shows, such as `SIGRTMIN+3`. With the portable start, `child_process` reports a real-time signal as an exit with 0.
   */
  readonly signalCode: NodeJS.Signals | null
  /**
   * Whether a signal was sent with {@link kill}, or the process was stopped by an abort, a timeout or
   * `onCredentialMismatch`.
   */
  readonly killed: boolean
  /** Always false: there is no message channel. */
  readonly connected: false
  /** The absolute path of the program that was started, once known. */
  readonly spawnfile: string | undefined
  /**
   * A copy of the program's arguments: {@link spawnfile} and all arguments, including those that this package added.
   * Empty until `spawn`.
   */
  readonly spawnargs: string[]
  /** `"native"`: the addon started the process. `"portable"`: `child_process` started it. */
  readonly startPath: 'native' | 'portable'
  /** The default protections that this start could not provide. */
  readonly missingProtections: MissingProtection[]
  /** What the run has used so far; `null` if stdout is not read. It is final when `close` is emitted. */
  readonly usage: ProviderUsage | null
  /**
   * The failure of the run, or the failure after which the CLI is retrying (`passing`); `null` if the run has recovered
   * or no failure is known.
   */
  readonly failure: ProviderFailure | null
  /**
   * Resolves when the program runs, and rejects with the reason if it could not be started. `/proc/PID/environ` can be
   * empty for some milliseconds after that.
   */
  readonly spawned: Promise<void>
  /**
   * Resolves when the process has ended, even with a non-zero exit status, and rejects only if the start failed.
   * `error` is set if the process was stopped by `signal`, `timeoutMs` or `onCredentialMismatch`.
   */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: ProviderError }>
  /**
   * Sends a signal to the whole process group. `killSignal` (the default) is followed by SIGKILL after `killGraceMs`.
   * SIGKILL also reaches processes that the CLI started in other process groups. A signal that is sent before `spawn`
   * is delivered as soon as the program runs.
   * @returns Whether there was a process to signal.
   */
  kill(signal?: NodeJS.Signals | number): boolean
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
  /** Keeps the event loop alive while the process runs (the default). */
  ref(): void
  unref(): void
  /** Stops the process group, as `kill()` does. */
  [Symbol.dispose](): void
  /** Stops the process group and waits for `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

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
 * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_UNSUPPORTED`,
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`. Every listener of the process and its streams
 * runs in the asynchronous context (`AsyncLocalStorage`) of this call. If a listener throws, that is an uncaught
 * exception, and the run continues.
 *
 * All other failures are `error` events, with the native and with the portable start: `ERR_PROVIDER_PROGRAM_NOT_FOUND`,
 * `ERR_PROVIDER_PROGRAM_OUTDATED`, `ERR_PROVIDER_PROGRAM_UNREACHABLE`, `ERR_PROVIDER_STATE_DIR_UNUSABLE`,
 * `ERR_PROVIDER_CA_FILE_UNUSABLE`, `ERR_PROVIDER_PRIVILEGE_FAILED`, `ERR_PROVIDER_SPAWN_FAILED`,
 * `ERR_PROVIDER_ENV_TOO_LARGE`, the three codes of the credential if it changed in the meantime,
 * `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_TIMEOUT`.
 */
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions & { stdio?: 'pipe' | undefined }): PipedProviderProcess
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess

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

/** The executable file of a CLI, which the target user was proved to be able to run. */
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
 * the way, or the file that cannot be run, and whose message has the reason and the remedy;
 * `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_PRIVILEGE_FAILED`; `ERR_PROVIDER_SPAWN_FAILED`, also if a file system
 * does not answer.
 */
export function resolveProgram(provider: ProviderId, options?: ResolveOptions): Program

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
 * Returns options with which the Claude Agent SDK's `query()` starts its CLI through {@link spawnProvider}. Of the
 * environment that the SDK builds, only its own control variables reach the CLI.
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
export function claudeAgentOptions(env: ProviderEnv, launch?: AgentLaunch): ClaudeAgentOptions

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
  /** Must be `true`, because the SDK needs the key as a JavaScript string in `env`, which cannot be wiped. */
  exposeSecrets?: boolean | undefined
  allowRoot?: boolean | undefined
}

/** The return value of {@link codexOptions}. Pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  /** Contains the key and, in an untrusted workspace, `GIT_DIR`, which hides the repository from Codex's own `git`. */
  env: Record<string, string>
  /**
   * Raw `--config` overrides, which keep the key out of the agent's shell, keep the workspace from configuring the CLI,
   * and set the base URL.
   */
  configOverrides: string[]
}

/**
 * Returns options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if `env` is not for `codex`, without `exposeSecrets: true`, for a
 * Codex SDK before 0.149.0 in `node_modules` of the main module, which would ignore the protections, or with the
 * server's key, which the SDK cannot protect from `config.toml` in `CODEX_HOME`; `ERR_PROVIDER_CA_FILE_UNUSABLE`;
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`; the
 * errors of {@link resolveProgram}.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` if no directory is named and the workspace is untrusted, or if a
 * directory or the base URL contains a secret.
 */
export function codexOptions(env: ProviderEnv, launch: CodexLaunch): CodexOptions

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
export class Redactor {
  /**
   * @param sources A `Uint8Array` is consumed: the call fills it with zeros before it returns. The redactor keeps its
   * own copy of all secrets until it is disposed of.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED` if a source was disposed of.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(sources: Iterable<RedactorSource>, options?: RedactorOptions)
  /** The number of secrets that are too short to be redacted. */
  readonly skipped: number
  readonly disposed: boolean
  /** Returns the text with each UTF-8 byte of a secret replaced by one character. */
  redact(text: string): string
  /**
   * Redacts the bytes in place and returns the same array. The bytes must be a complete text: a secret that is cut off
   * at the end is not found.
   */
  redact<T extends Uint8Array>(bytes: T): T
  /** Returns a stream that redacts what is written to it, across chunk boundaries. It copies its chunks. */
  stream(): Transform
  /** Wipes the redactor. Its streams fail from then on. */
  dispose(): void
  [Symbol.dispose](): void
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
   * {@link takeServerCredentials} does. Main thread only. If the constructor throws, the variable stays.
   */
  | { env: string }
  /**
   * A file with 64 hex digits or 32 bytes. It must belong to root or to the user of this process, only its owner may be
   * able to write to it, and only its owner and its group may be able to read it.
   */
  | { file: string }
  /** A file of `$CREDENTIALS_DIRECTORY` (systemd.exec(5), `LoadCredential=`). */
  | { credential: string }

/** Options of a {@link Lockbox}. */
export interface LockboxOptions {
  /** The first key seals; all of them open. */
  masterKeys: MasterKeySource[]
  /** Whether rows of version 1 may be opened, which are not bound to a tenant. Default: false. */
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
export class Lockbox {
  /**
   * @throws {ProviderError} `ERR_PROVIDER_LOCKBOX_KEY_INVALID`, `ERR_PROVIDER_MEMORY_UNPROTECTED`,
   * `ERR_PROVIDER_UNSUPPORTED` for `env` in a worker thread, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(options: LockboxOptions)
  /** The ids of the master keys, in their order, as `keyMeta` of version 3 contains them. They are not secret. */
  readonly masterKeyIds: string[]
  readonly disposed: boolean
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
  /** Wipes the master keys. */
  dispose(): void
  [Symbol.dispose](): void
}

/** The codes of {@link ProviderError}; `docs/errors.md` has a row for each. */
export type ProviderErrorCode = Exclude<import('./binding').ErrorCode, 'ERR_INVALID_ARG_VALUE'>

/** The error that this package throws. No field ever contains the value of a variable, an argument or a secret. */
export class ProviderError extends Error {
  private constructor()
  readonly code: ProviderErrorCode
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
