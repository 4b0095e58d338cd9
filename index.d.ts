// The public types of @webalive/provider-env: hand-written, the contract that index.js, index.mjs and lib/ keep.
/// <reference types="node" />
import { EventEmitter } from 'node:events'
import { Readable, Writable } from 'node:stream'

/** The CLI that serves a request. */
export type ProviderId = 'claude' | 'codex'

/**
 * A secret on its way in.
 *
 * `Uint8Array`: consumed. It is copied once into memory that is wiped, and zero-filled before the call returns, on
 * success and on failure. A view onto a `SharedArrayBuffer` is refused.
 *
 * `string`: accepted because today's worker holds one. V8 strings cannot be wiped, so the caller's copy stays in the
 * JS heap until the collector reuses its memory.
 */
export type SecretInput = string | Uint8Array

/** The fields of the worker's payload that carry identity. Other fields are ignored. */
export interface ProviderPayload {
  /** Default `"claude"`. */
  provider?: ProviderId
  /** The workspace's own API key. `""`, `null` and absence mean "none". It wins over `oauthAccessToken`. */
  apiKey?: SecretInput | null
  /** A Claude subscription token (`sk-ant-oat…`). Refused for `codex`. */
  oauthAccessToken?: SecretInput | null
  /** Becomes `ALIVE_SESSION_COOKIE`, which is `""` when this is absent: never the previous request's. */
  sessionCookie?: SecretInput | null
  /** Each becomes `USER_<NAME>`. A NAME that does not match `/^[A-Z][A-Z0-9_]*$/` is left out and reported. */
  userEnvKeys?: Record<string, SecretInput> | null
}

/** Where the tenant lives. Paths are absolute. */
export interface Workspace {
  /** `ALIVE_WORKSPACE_KEY`: the name that people know the workspace by. */
  key?: string
  /** `ALIVE_WORKSPACE_ID`. */
  id?: string
  /** `ALIVE_USER_ID`. */
  userId?: string
  /** `ALIVE_WORKSPACE_PATH`, and the directory whose files must not configure the CLI. */
  dir?: string
  /** `HOME`. Default: this process's. */
  home?: string
  /** `TMPDIR`, `TMP` and `TEMP`. Default: this process's `TMPDIR`; absent when it has none. */
  tmpDir?: string
  /** `CODEX_HOME` (codex only). Must exist and be writable by the target uid. Default: the CLI's own, `$HOME/.codex`. */
  codexHome?: string
  /** `CLAUDE_CONFIG_DIR` (claude only). Created by the CLI when missing. */
  claudeConfigDir?: string
}

/** Options of {@link buildProviderEnv}. */
export interface ProviderEnvOptions {
  workspace?: Workspace
  /** From {@link takeServerCredentials}. Absent: no server-level fallback. */
  serverCredentials?: ServerCredentials
  /** An OpenAI- or Anthropic-compatible endpoint: `http(s)://host[:port][/path]`, no user name, query or fragment. */
  baseUrl?: string
  /** Names to copy from `process.env`. One that can carry a credential, load code or redirect traffic is refused. */
  inherit?: string[]
  /** Extra variables that are no secret. The same names are refused as in `inherit`. */
  set?: Record<string, string>
}

/** What a log or a badge may show of a credential. */
export interface CredentialInfo {
  readonly kind: 'api-key' | 'oauth-token' | 'config-dir'
  readonly source: 'payload' | 'server' | 'config-dir'
  /**
   * 8 hex digits of a hash keyed per process: tells two keys apart in one process's log, and says nothing offline.
   * `null` for a config directory.
   */
  readonly fingerprint: string | null
}

/**
 * The environment of one launch, held in Rust. `util.inspect`, `JSON.stringify` and `String()` show ids, names and
 * the fingerprint, never a value.
 */
export class ProviderEnv {
  private constructor()
  readonly provider: ProviderId
  readonly credential: CredentialInfo
  /** Who provided the key: the payload (`"user"` API key, `"oauth"` token), the server, or nobody (a config directory). */
  readonly apiKeySource: 'user' | 'oauth' | 'server' | 'none'
  /** How many `USER_*` variables were set. */
  readonly userEnvKeyCount: number
  /** The names of `userEnvKeys` that were left out because they do not match the pattern. */
  readonly rejectedUserEnvKeys: string[]
  /** Every name in the child's environment with delivery `"auto"`, sorted. */
  readonly names: string[]
  readonly disposed: boolean
  /**
   * The value of a variable that holds no secret; `undefined` when there is none of that name.
   * @throws {ProviderError} `ERR_PROVIDER_ENV_FORBIDDEN` for the name of a secret; `ERR_PROVIDER_DISPOSED`.
   */
  get(name: string): string | undefined
  /**
   * The whole environment with its secrets, as delivery `"env"` would hand it over: the one audited way out to JS
   * strings. They cannot be wiped. Search your code for this name to find every place.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`.
   */
  exposeSecrets(): Record<string, string>
  /** Wipes the secrets. Idempotent. A start that was already asked for keeps what it needs until it has started. */
  dispose(): void
  [Symbol.dispose](): void
}

/**
 * Decides the environment of one launch. Nothing global is read but the base names and `inherit`, and nothing global
 * is written.
 *
 * @param payload An object, or UTF-8 JSON of up to 10 MB (10 × 1024 × 1024 bytes), which is consumed: zero-filled
 * before the call returns.
 * @throws {ProviderError} `ERR_PROVIDER_PAYLOAD_INVALID`, `ERR_PROVIDER_PAYLOAD_TOO_LARGE`, `ERR_PROVIDER_UNKNOWN`,
 * `ERR_PROVIDER_CREDENTIAL_MISSING`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
 * `ERR_PROVIDER_ENV_FORBIDDEN`, `ERR_PROVIDER_ENV_TOO_LARGE`, `ERR_PROVIDER_STATE_DIR_UNUSABLE`,
 * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function buildProviderEnv(payload: ProviderPayload | Uint8Array, options?: ProviderEnvOptions): ProviderEnv

/** The server's own keys, held in Rust. */
export class ServerCredentials {
  private constructor()
  /** The providers that it holds a key for. */
  readonly providers: ProviderId[]
  /** The names that were taken out of the environment. */
  readonly names: string[]
  readonly disposed: boolean
  /** The fingerprint of a provider's key, `null` when there is none. */
  fingerprint(provider: ProviderId): string | null
  dispose(): void
  [Symbol.dispose](): void
}

/**
 * Moves `ANTHROPIC_API_KEY`, `CODEX_API_KEY` and `OPENAI_API_KEY` out of `process.env` into Rust, and wipes them from
 * the process's initial environment block, so that `/proc/self/environ` no longer shows them. Call it once, early,
 * on the main thread, before anything copies `process.env`. It changes `process.env`: that is what it is for.
 *
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` in a worker thread (its `process.env` is a copy that cannot be
 * wiped); `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER` (nothing was taken).
 */
export function takeServerCredentials(): ServerCredentials

/** Resource limits of the child; soft and hard alike. A limit above the worker's own hard limit needs root. */
export interface ResourceLimits {
  /**
   * `RLIMIT_CORE`, bytes. Default 0, which means none at all: the limit is then 1 byte, as the kernel would ignore 0
   * for a `core_pattern` that is a pipe. A core dump would hold the key.
   */
  coreBytes?: number
  /** `RLIMIT_NOFILE`, descriptors. Default: the worker's. */
  openFiles?: number
  /** `RLIMIT_NPROC`, processes of the target uid. Default: the worker's. */
  processes?: number
  /** `RLIMIT_AS`, bytes. Both CLIs map far more than they use: below 100 GB neither starts. Default: the worker's. */
  memoryBytes?: number
  /** `RLIMIT_CPU`, seconds. Default: the worker's. */
  cpuSeconds?: number
}

/** One of the three standard streams: a pipe to this process, `/dev/null`, this process's own, or a descriptor. */
export type StdioItem = 'pipe' | 'ignore' | 'inherit' | number

/** How the child gets its credential. */
export type Delivery = 'auto' | 'fd' | 'env' | 'broker'

/** Options of {@link spawnProvider}. */
export interface SpawnOptions {
  /** The CLI's arguments. They are visible to every user of the machine: no secret belongs here. */
  args?: string[]
  /** The program: an absolute path, or a name to look up on the child's `PATH`. Default: the provider's own. */
  command?: string
  /** Default: `workspace.dir`, else this process's. Entered as the target, which must be able to. */
  cwd?: string
  /** Target ids. Give both or neither. 0 is refused unless `allowRoot`. Default: this process's. */
  uid?: number
  gid?: number
  /** Supplementary groups. Default: none where `uid` is given, else this process's. */
  groups?: number[]
  /** Lets the target be uid 0 or gid 0. Default false. */
  allowRoot?: boolean
  /** Default `"pipe"` for all three. */
  stdio?: 'pipe' | 'ignore' | 'inherit' | [StdioItem, StdioItem, StdioItem]
  /** File mode creation mask, 0 to 0o777. Default: this process's. */
  umask?: number
  /** Aborting stops the process group, and emits `error` with `ERR_PROVIDER_ABORTED`. */
  signal?: AbortSignal
  /** Milliseconds until the process group is stopped and `error` is emitted with `ERR_PROVIDER_TIMEOUT`. Default, and 0: none. */
  timeoutMs?: number
  /** The signal that asks the group to end. Default `"SIGTERM"`. */
  killSignal?: NodeJS.Signals
  /** Milliseconds between `killSignal` and SIGKILL. Default 5000. */
  killGraceMs?: number
  /** Whether what is left of the process group is killed when the CLI has ended. Default true. */
  killGroupOnExit?: boolean
  limits?: ResourceLimits
  /** Default `"auto"`: `"fd"` where the CLI can read its credential from a pipe (claude), else `"env"` (codex). */
  delivery?: Delivery
  /** Default `"untrusted"`: files in the workspace must not configure the CLI. */
  workspaceTrust?: 'untrusted' | 'trusted'
}

/** A default protection that the start could not give; see `docs/hardening.md`. */
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

/**
 * A started provider: what users of `ChildProcess`, and the Claude Agent SDK's `SpawnedProcess`, expect.
 * Events as there: `spawn`, `error`, `exit`, `close`.
 */
export class ProviderProcess extends EventEmitter {
  private constructor()
  /** Known once `spawn` was emitted: the start happens on another thread. `undefined` before, and when it failed. */
  readonly pid: number | undefined
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  readonly stdio: [Writable | null, Readable | null, Readable | null]
  readonly exitCode: number | null
  readonly signalCode: NodeJS.Signals | null
  /** True once a signal was sent with {@link kill}. */
  readonly killed: boolean
  /** The absolute path of the program that was started, once known. */
  readonly spawnfile: string | undefined
  /** `"native"`: started by the addon. `"portable"`: by `child_process`. */
  readonly startPath: 'native' | 'portable'
  /** The default protections that the portable start could not give; empty for the native one. */
  readonly missingProtections: MissingProtection[]
  /**
   * Settles when the program runs, or rejects with why not. `/proc/PID/environ` can read as empty for some
   * milliseconds after that.
   */
  readonly spawned: Promise<void>
  /**
   * Settles when the process has ended. A non-zero exit is a result; it rejects only when the start failed. `error` is
   * there when it was stopped by `signal` or `timeoutMs`.
   */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: ProviderError }>
  /**
   * Signals the whole process group. `killSignal` (the default) is followed by SIGKILL after `killGraceMs`. SIGKILL
   * also reaches what the CLI started in groups of their own.
   * Before `spawn` the signal is kept and delivered as soon as the program runs.
   * @returns whether there was something to signal.
   */
  kill(signal?: NodeJS.Signals | number): boolean
  on(event: 'spawn', listener: () => void): this
  on(event: 'error', listener: (error: ProviderError) => void): this
  on(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
  once(event: 'spawn', listener: () => void): this
  once(event: 'error', listener: (error: ProviderError) => void): this
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
  /** Keeps the event loop alive while the process runs (the default). */
  ref(): void
  unref(): void
  /** Stops the group as `kill()` does and waits for `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

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
 * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_UNSUPPORTED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 * All later failures are `error` events: `ERR_PROVIDER_PROGRAM_NOT_FOUND`, `ERR_PROVIDER_PROGRAM_UNREACHABLE`,
 * `ERR_PROVIDER_STATE_DIR_UNUSABLE`, `ERR_PROVIDER_PRIVILEGE_FAILED`, `ERR_PROVIDER_SPAWN_FAILED`,
 * `ERR_PROVIDER_ENV_TOO_LARGE`, `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_TIMEOUT`.
 */
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions & { stdio?: 'pipe' }): PipedProviderProcess
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess

/** Options of {@link resolveProgram}. */
export interface ResolveOptions {
  command?: string
  uid?: number
  gid?: number
  groups?: number[]
  allowRoot?: boolean
  /** Default: `process.env.PATH`. Entries that are not absolute are skipped. */
  path?: string
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
  /** From the package that the program belongs to, or from the native installer's file name; `null` when neither tells. */
  readonly version: string | null
}

/**
 * Finds a provider's program and proves it reachable as the target ids: every directory of the real path, the file,
 * and a script's interpreter. Synchronous: a few file system look-ups and, where ids differ, one short-lived process.
 *
 * @throws {ProviderError} `ERR_PROVIDER_PROGRAM_NOT_FOUND`; `ERR_PROVIDER_PROGRAM_UNREACHABLE`, whose `path` is the
 * first component in the way and whose message has its owner, mode and the remedy; `ERR_PROVIDER_PRIVILEGE_REFUSED`,
 * `ERR_PROVIDER_PRIVILEGE_FAILED`.
 */
export function resolveProgram(provider: ProviderId, options?: ResolveOptions): Program

/** What {@link claudeAgentOptions} returns: spread it into the Agent SDK's `query({ options })`. */
export interface ClaudeAgentOptions {
  /** Names and non-secret values only: the SDK wants an `env`, and refuses some set-ups without `PATH`. */
  env: Record<string, string>
  /** A path for the SDK's own checks. What is started is decided by `spawnClaudeCodeProcess`. */
  pathToClaudeCodeExecutable: string
  spawnClaudeCodeProcess: (options: {
    command: string
    args: string[]
    cwd?: string
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
  onSpawn?: (child: PipedProviderProcess) => void
}

/**
 * Options that make the Claude Agent SDK's `query()` start its CLI through {@link spawnProvider}. Of the environment
 * that the SDK composes, only its own control variables pass.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` when `env` is not for `claude`.
 */
export function claudeAgentOptions(env: ProviderEnv, launch?: AgentLaunch): ClaudeAgentOptions

/** How the Codex SDK is to start the CLI. The SDK starts it itself, so the worker must already run as the target. */
export interface CodexLaunch {
  /**
   * The directory that threads work in: it must be the `workingDirectory` of each, or that directory is trusted in
   * spite of `"untrusted"`. Default: `workspace.dir`; one of the two is needed unless the workspace is trusted.
   */
  cwd?: string
  command?: string
  workspaceTrust?: 'untrusted' | 'trusted'
  /** The SDK takes the key as a JS string in `env`. Saying `true` is what lets it out. */
  exposeSecrets?: boolean
  allowRoot?: boolean
}

/** What {@link codexOptions} returns: pass it to the Codex SDK's `new Codex()`. */
export interface CodexOptions {
  codexPathOverride: string
  env: Record<string, string>
  /**
   * Raw `--config` overrides: what keeps the key out of the agent's shell, what keeps the workspace from configuring
   * the CLI, and the base URL.
   */
  configOverrides: string[]
}

/**
 * Options for the Codex SDK.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` when `env` is not for `codex`, or without `exposeSecrets: true`;
 * what {@link resolveProgram} throws.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` when no directory is named and the workspace is untrusted.
 */
export function codexOptions(env: ProviderEnv, launch: CodexLaunch): CodexOptions

/** The codes of {@link ProviderError}; `docs/errors.md` has a paragraph on each. */
export type ProviderErrorCode =
  | 'ERR_PROVIDER_PAYLOAD_INVALID'
  | 'ERR_PROVIDER_PAYLOAD_TOO_LARGE'
  | 'ERR_PROVIDER_UNKNOWN'
  | 'ERR_PROVIDER_CREDENTIAL_MISSING'
  | 'ERR_PROVIDER_KEY_MALFORMED'
  | 'ERR_PROVIDER_KEY_WRONG_PROVIDER'
  | 'ERR_PROVIDER_ENV_FORBIDDEN'
  | 'ERR_PROVIDER_ENV_TOO_LARGE'
  | 'ERR_PROVIDER_PROGRAM_NOT_FOUND'
  | 'ERR_PROVIDER_PROGRAM_UNREACHABLE'
  | 'ERR_PROVIDER_STATE_DIR_UNUSABLE'
  | 'ERR_PROVIDER_PRIVILEGE_REFUSED'
  | 'ERR_PROVIDER_PRIVILEGE_FAILED'
  | 'ERR_PROVIDER_SPAWN_FAILED'
  | 'ERR_PROVIDER_UNSUPPORTED'
  | 'ERR_PROVIDER_ABORTED'
  | 'ERR_PROVIDER_TIMEOUT'
  | 'ERR_PROVIDER_UNSEAL_FAILED'
  | 'ERR_PROVIDER_LOCKBOX_KEY_INVALID'
  | 'ERR_PROVIDER_MEMORY_UNPROTECTED'
  | 'ERR_PROVIDER_DISPOSED'
  | 'ERR_PROVIDER_INTERNAL'

/** Everything that this package refuses or fails at. No field ever carries a value of a variable, an argument or a secret. */
export class ProviderError extends Error {
  private constructor()
  readonly code: ProviderErrorCode
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
