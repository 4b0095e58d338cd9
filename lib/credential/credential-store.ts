// class CredentialStore: credentials that change while the worker runs, rotated by hand or refreshed once for all
// processes.

import path from 'node:path'
import type {
  Refreshed as Answer,
  BodyFormat,
  Call,
  ExpiryUnit,
  How,
  NativeCredentialStore as Native,
  NativeLockbox,
  LoginOptions as NativeLoginOptions,
  Overrides,
  ProviderId
} from '../../binding.js'
import { abortSignal, onAbort, reasonOf } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { fromNative, ProviderError, providerError, translate } from '../internal/errors.ts'
import { Handle, KEY, nativeOf } from '../internal/handle.ts'
import type { HttpOptions } from '../internal/jobs.ts'
import { readHttpSettings, runJob } from '../internal/jobs.ts'
import * as validate from '../internal/validate.ts'
import type { Lockbox } from '../secret/lockbox.ts'
import { nativeLockbox } from '../secret/lockbox.ts'
import type { SecretInput } from '../secret/secret.ts'
import { lendInput } from '../secret/secret.ts'

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

interface Fleet {
  name: string
  withLock: WithLock
  lockbox: NativeLockbox | undefined
}

const OPTIONS = validate.members({
  ca: true,
  clientId: true,
  dir: true,
  fields: true,
  file: true,
  format: true,
  lockbox: true,
  name: true,
  owner: true,
  proxy: true,
  refreshAheadMs: true,
  timeoutMs: true,
  tokenUrl: true,
  withLock: true
} satisfies Record<keyof LoginOptions, true>)
/** As `validate.options` gives them. */
type LoginGiven = validate.Own<(typeof OPTIONS)[number]>

/**
 * When the tokens of a store are to be refreshed, in milliseconds since 1970; `undefined` if nobody knows when, or if there is
 * nothing to refresh.
 */
export let dueAt: (store: CredentialStore) => number | undefined

/** Each does what the one before it does, and more. */
const CALLS = validate.wordsOf('Call')
const FIELDS = ['accessToken', 'refreshToken', 'expiresAt', 'expiresAtUnit'] as const satisfies readonly (keyof Overrides)[]
const DEFAULT_TIMEOUT_MS = 30_000
const MIN_TIMEOUT_MS = 5000
/** No user has the uid (uid_t)-1 (`chown(2)`). */
const MAX_ID = 2 ** 32 - 2
const DEFAULT_AHEAD_MS = 5 * 60 * 1000
const NOT_NEEDED: Answer = { how: 'not-needed', asked: false, persisted: true, serves: true, failure: null, publish: null }

/**
 * The newest credential of one provider for one tenant: a key that {@link CredentialStore.rotate} replaces, or a login
 * whose tokens are refreshed before they expire. An environment that was built with an older credential can no longer
 * start anything (`ERR_PROVIDER_CREDENTIAL_SUPERSEDED`), and neither can one whose token has expired
 * (`ERR_PROVIDER_CREDENTIAL_EXPIRED`). Processes that already run continue.
 */
export class CredentialStore extends Handle {
  /** @internal */
  static madeBy = 'CredentialStore.of() or CredentialStore.open()'

  #native
  #fleet: Fleet | undefined
  /** The refresh that is under way: whoever comes meanwhile waits for its end. */
  #pending: { call: Call; promise: Promise<RefreshResult> } | undefined
  /** What this store got was not published to the fleet. */
  #unpublished = false
  #refreshAheadMs: number

  private constructor(key: symbol, native: Native, refreshAheadMs: number, fleet?: Fleet) {
    super(key, native)
    this.#native = native
    this.#refreshAheadMs = refreshAheadMs
    this.#fleet = fleet
  }

  static {
    dueAt = (store) => {
      const at = store.path === null ? null : store.expiresAt
      return at === null ? undefined : at.getTime() - store.#refreshAheadMs
    }
  }

  /**
   * Creates a store of a single credential.
   * @param secret A `Uint8Array` is consumed: zero-filled before the call returns.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static of(provider: ProviderId, secret: SecretInput, options?: { kind?: 'api-key' | 'oauth-token' | undefined }): CredentialStore {
    // Lent first: bytes are consumed even if an option is wrong.
    return new CredentialStore(
      KEY,
      lendInput(secret, 'secret', (lent) => binding.storeOf(...readOf(provider, options), lent)),
      0
    )
  }

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
  static async open(provider: ProviderId, options: LoginOptions): Promise<CredentialStore> {
    const read = validate.options('options', options, OPTIONS)
    const login = readLogin(read)
    const fleet = readFleet(read)
    const native = translate(() => binding.loginStore(validate.optionalString('provider', provider) ?? ''))
    await runJob(() => native.open(login))
    return new CredentialStore(KEY, native, login.refreshAheadMs, fleet)
  }

  get provider(): ProviderId {
    return this.#native.provider as ProviderId
  }

  get kind(): 'api-key' | 'oauth-token' {
    return translate(() => this.#native.kind) as 'api-key' | 'oauth-token'
  }

  /** See {@link Secret.fingerprint}. */
  get fingerprint(): string {
    return translate(() => this.#native.fingerprint)
  }

  /** The number of credentials that this store has had in this process, counted from 1. */
  get generation(): number {
    return translate(() => this.#native.generation)
  }

  /** When the token expires; `null` for a key, which does not expire, and for a token whose expiry is unknown. */
  get expiresAt(): Date | null {
    const at = translate(() => this.#native.expiresAt)
    return typeof at === 'number' ? new Date(at) : null
  }

  /** The path of the login's file; `null` for a store of a single credential. */
  get path(): string | null {
    return translate(() => this.#native.path) ?? null
  }

  /**
   * Replaces the credential of a store of a single credential. A launch that begins after it has returned does not use
   * the old credential.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, in which case nothing has
   * changed; `ERR_PROVIDER_UNSUPPORTED` for a login; `ERR_PROVIDER_DISPOSED`.
   */
  rotate(secret: SecretInput): void {
    lendInput(secret, 'secret', (lent) => this.#native.rotate(lent))
  }

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
  async fresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult> {
    const { signal } = validate.options('options', options, ['signal'])
    if (!translate(() => this.#native.due) && !this.#unpublished) return this.#result(NOT_NEEDED)
    return await this.#shared('fresh', signal)
  }

  /**
   * Refreshes the token regardless of its expiry, for example after a 401, unless another caller has refreshed it since
   * this store last read the file. It also sends a request after a failure, but not for a login that the vendor has
   * just rejected.
   * @returns Rejects as `fresh()` does, and with `ERR_PROVIDER_UNSUPPORTED` for a store of a single credential.
   */
  async refresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult> {
    const { signal } = validate.options('options', options, ['signal'])
    return await this.#shared('refresh', signal)
  }

  /**
   * Reads the file again for a login that a person or another process has written, and the tokens that the fleet has.
   * It requests no new tokens, even if the old one has expired.
   * @returns Rejects as `fresh()` does if neither the login in the file nor the old token is valid, and with
   * `ERR_PROVIDER_UNSUPPORTED` for a store of a single credential.
   */
  async reload(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult> {
    const { signal } = validate.options('options', options, ['signal'])
    return await this.#shared('reload', signal)
  }

  /** One at a time. An abort ends the waiting of one caller, not what all wait for. */
  async #shared(call: Call, signal: unknown) {
    const aborted = abortSignal(signal)
    const pending = this.#pending
    if (pending && CALLS.indexOf(pending.call) >= CALLS.indexOf(call)) return await unlessAborted(pending.promise, aborted)
    // Not at the same time, but not instead either.
    const promise = (
      pending
        ? pending.promise.then(
            () => {},
            () => {}
          )
        : Promise.resolve()
    ).then(() => this.#run(call))
    const mine = { call, promise }
    this.#pending = mine
    const done = () => {
      if (this.#pending === mine) this.#pending = undefined
    }
    promise.then(done, done)
    return await unlessAborted(promise, aborted)
  }

  async #run(call: Call): Promise<RefreshResult> {
    const fleet = this.#fleet
    if (!fleet) return await this.#alone(call)
    let answer: Answer | undefined
    /** What `critical` rejected with last: `withLock` may swallow it. */
    let inner: { error: unknown } | undefined
    const critical = async (published: string | null) => {
      try {
        const left = fleet.lockbox && {
          name: fleet.name,
          published: validate.optionalString('The value that withLock passed', published ?? undefined)
        }
        const got = await runJob(() => this.#native.refresh(call, left, fleet.lockbox))
        answer = got
        if (got.publish !== null) this.#unpublished = true
        return got.publish
      } catch (error) {
        inner = { error }
        throw error
      }
    }
    try {
      await fleet.withLock(fleet.name, critical)
    } catch (error) {
      return this.#without(answer, error)
    }
    if (!answer && inner) throw inner.error
    this.#unpublished = false
    if (!answer) throw validate.wrongValue('options.withLock', 'settled without calling the function that it received.')
    return this.#result(answer)
  }

  async #alone(call: Call): Promise<RefreshResult> {
    try {
      return this.#result(await runJob(() => this.#native.refresh(call)))
    } catch (error) {
      // A worker that has no thread to spare refreshes later.
      if (call !== 'reload' && error instanceof ProviderError && error.code === 'ERR_PROVIDER_BUSY') return this.#without(undefined, error)
      throw error
    }
  }

  /** The lock, or what the fleet shares, has failed: what was refreshed stays so, and an old token serves while it is good. */
  #without(answer: Answer | undefined, error: unknown) {
    const { expiresAt } = this
    const isGood = expiresAt === null || expiresAt.getTime() > Date.now()
    const failure = error instanceof ProviderError ? error : lockFailed(this.provider, error)
    if (!answer && !isGood) throw failure
    return { ...this.#result(answer ?? { ...NOT_NEEDED, persisted: this.#native.persisted }), failure }
  }

  #result({ how, asked, persisted, serves, failure: details }: Answer): RefreshResult {
    const failure = details ? (fromNative(details) as ProviderError) : null
    if (!serves) throw failure
    const { generation, fingerprint, expiresAt } = this
    return { how, asked, persisted, generation, fingerprint, expiresAt, failure }
  }

  /** @internal */
  override toJSON() {
    const { provider, disposed } = this
    if (disposed) return { provider, disposed }
    const { kind, fingerprint, generation, expiresAt, path: file } = this
    return { provider, kind, fingerprint, generation, expiresAt, path: file, disposed }
  }

  /** @internal */
  override toString() {
    return `CredentialStore(${this.provider})`
  }
}

export interface CredentialStore {
  /** Wipes the credential. Idempotent. */
  dispose(): void
}

function readOf(provider: unknown, value: unknown): [string, string | undefined] {
  const { kind } = validate.options('options', value, ['kind'])
  return [validate.optionalString('provider', provider) ?? '', validate.optionalString('options.kind', kind)]
}

function readLogin(options: LoginGiven): NativeLoginOptions {
  // A uid that is missing from the caller's record would switch the check off.
  if ('owner' in options && options.owner === undefined)
    throw validate.wrongValue('options.owner', 'must not be undefined. Omit it, or pass the uid.')
  if (typeof options.timeoutMs === 'number' && options.timeoutMs < MIN_TIMEOUT_MS)
    throw validate.wrongValue(
      'options.timeoutMs',
      `must be at least ${MIN_TIMEOUT_MS}, because the login is lost if the answer arrives after the timeout.`
    )
  const dir = validate.required('options.dir', validate.optionalString('options.dir', options.dir))
  if (!path.isAbsolute(dir)) throw validate.wrongValue('options.dir', 'must be an absolute path.')
  const fields = validate.options('options.fields', options.fields, FIELDS)
  const field = (name: (typeof FIELDS)[number]) => validate.optionalString(`options.fields.${name}`, fields[name])
  return {
    dir,
    owner: validate.optionalCount('options.owner', options.owner, MAX_ID),
    refreshAheadMs: validate.optionalMilliseconds('options.refreshAheadMs', options.refreshAheadMs) ?? DEFAULT_AHEAD_MS,
    http: readHttpSettings(options, DEFAULT_TIMEOUT_MS),
    overrides: {
      tokenUrl: validate.optionalString('options.tokenUrl', options.tokenUrl),
      clientId: validate.optionalString('options.clientId', options.clientId),
      file: validate.optionalString('options.file', options.file),
      body: validate.optionalWord('options.format', options.format, validate.wordsOf('BodyFormat')),
      accessToken: field('accessToken'),
      refreshToken: field('refreshToken'),
      expiresAt: field('expiresAt'),
      expiresAtUnit: validate.optionalWord('options.fields.expiresAtUnit', fields.expiresAtUnit, validate.wordsOf('ExpiryUnit'))
    }
  }
}

function readFleet({ withLock, name, lockbox }: LoginGiven): Fleet | undefined {
  if (withLock === undefined) {
    if (lockbox !== undefined || name !== undefined)
      throw validate.wrongValue('options.withLock', 'is required with options.name and options.lockbox.')
    return undefined
  }
  if (typeof withLock !== 'function') throw validate.wrongType('options.withLock', 'a function', withLock)
  return { withLock: withLock as WithLock, name: validate.boundText('options.name', name), lockbox: nativeLockbox(lockbox) }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise
  const aborted = () =>
    providerError({ code: 'ERR_PROVIDER_ABORTED', message: 'The wait for the token refresh was aborted.' }, { cause: reasonOf(signal) })
  let stopListening = () => {}
  const abort = new Promise((_, reject) => {
    if (signal.aborted) reject(aborted())
    else stopListening = onAbort(signal, () => reject(aborted()))
  })
  try {
    return (await Promise.race([promise, abort])) as T
  } finally {
    stopListening()
    // Perhaps nothing else waits for it.
    promise.catch(() => {})
  }
}

function lockFailed(provider: string, cause: unknown) {
  const message =
    'options.withLock failed, so either the tokens were not refreshed or the other workers were not informed. The cause has its error.'
  return providerError({ code: 'ERR_PROVIDER_REFRESH_FAILED', message, provider }, { cause })
}

export function nativeStore(value: unknown): Native | undefined {
  if (value === undefined) return undefined
  const native = nativeOf<Native>(CredentialStore, value)
  if (native) return native
  throw validate.wrongType('options.credentialStore', 'a CredentialStore', value)
}
