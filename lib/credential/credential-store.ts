// class CredentialStore: credentials that change while the worker runs, rotated by hand or refreshed once for all.

import path from 'node:path'
import { abortSignal, onAbort } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { fromNative, translate, ProviderError, providerError } from '../internal/errors.ts'
import { Handle, KEY, nativeOf } from '../internal/handle.ts'
import { readHttpSettings, runJob } from '../internal/jobs.ts'
import { nativeLockbox } from '../secret/lockbox.ts'
import { lendInput } from '../secret/secret.ts'
import * as validate from '../internal/validate.ts'
import type {
  Call,
  NativeCredentialStore as Native,
  NativeLockbox,
  NativeLoginOptions,
  NativeRefreshed as Answer,
  ProviderId
} from '../../binding.js'
import type { SecretInput } from '../secret/secret-input.ts'
import type { HttpOptions } from '../internal/jobs.ts'
import type { Lockbox } from '../secret/lockbox.ts'

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

export interface Fleet {
  name: string
  withLock: WithLock
  lockbox: NativeLockbox | undefined
}

const OPTIONS = [
  'ca',
  'clientId',
  'dir',
  'fields',
  'file',
  'format',
  'lockbox',
  'name',
  'owner',
  'proxy',
  'refreshAheadMs',
  'timeoutMs',
  'tokenUrl',
  'withLock'
] as const
/** As `validate.options` gives them. */
type LoginGiven = validate.Own<(typeof OPTIONS)[number]>
/** Each does what the one before it does, and more. */
const CALLS: readonly Call[] = ['reload', 'fresh', 'refresh']
const FIELDS = ['accessToken', 'refreshToken', 'expiresAt', 'expiresAtUnit'] as const
const DEFAULT_TIMEOUT_MS = 30_000
const MIN_TIMEOUT_MS = 5000
/** (uid_t)-1 is nobody's (`chown(2)`). */
const MAX_ID = 2 ** 32 - 2
const DEFAULT_AHEAD_MS = 5 * 60 * 1000
const NOT_NEEDED: Answer = { how: 'not-needed', asked: false, persisted: true, serves: true, failure: null, publish: null }

/**
 * The newest credential of one provider for one tenant: a key that {@link CredentialStore.rotate} replaces, or a login
 * whose tokens are refreshed before they expire. An environment that was built with an older credential starts nothing
 * any more (`ERR_PROVIDER_CREDENTIAL_SUPERSEDED`), nor one whose token has expired (`ERR_PROVIDER_CREDENTIAL_EXPIRED`); what
 * runs, runs on.
 */
export class CredentialStore extends Handle {
  /** @internal */
  static madeBy = 'CredentialStore.of() or CredentialStore.open()'

  #native
  #fleet: Fleet | undefined
  /** The refresh that is under way: whoever comes meanwhile waits for its end. */
  #pending: { call: Call; promise: Promise<RefreshResult> } | undefined
  /** The fleet was not told of what this store got. */
  #unpublished = false

  private constructor(key: symbol, native: Native, fleet?: Fleet) {
    super(key, native)
    this.#native = native
    this.#fleet = fleet
  }

  /**
   * A store of one credential.
   * @param secret A `Uint8Array` is consumed: zero-filled before the call returns.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static of(provider: ProviderId, secret: SecretInput, options?: { kind?: 'api-key' | 'oauth-token' | undefined }): CredentialStore {
    // Lent first: bytes are consumed also where an option is wrong.
    return new CredentialStore(
      KEY,
      lendInput(secret, 'secret', (lent) => binding.storeOf(...readOf(provider, options), lent))
    )
  }

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
  static async open(provider: ProviderId, options: LoginOptions): Promise<CredentialStore> {
    const read = validate.options('options', options, OPTIONS)
    const login = readLogin(read)
    const fleet = readFleet(read)
    const native = translate(() => binding.loginStore(validate.optionalString('provider', provider) ?? ''))
    await runJob(() => native.open(login))
    return new CredentialStore(KEY, native, fleet)
  }

  get provider(): ProviderId {
    return this.#native.provider as ProviderId
  }

  get kind(): 'api-key' | 'oauth-token' {
    return translate(() => this.#native.kind) as 'api-key' | 'oauth-token'
  }

  /** As of {@link Secret.fingerprint}. */
  get fingerprint(): string {
    return translate(() => this.#native.fingerprint)
  }

  /** Counts the credentials that this store has had, in this process, from 1 on. */
  get generation(): number {
    return translate(() => this.#native.generation)
  }

  /** `null`: it is a key, which does not expire, or nobody says until when the token is good. */
  get expiresAt(): Date | null {
    const at = translate(() => this.#native.expiresAt)
    return typeof at === 'number' ? new Date(at) : null
  }

  /** The login's file; `null` for a store of one credential. */
  get path(): string | null {
    return translate(() => this.#native.path) ?? null
  }

  /**
   * Replaces the credential of a store of one. No launch that begins after it has returned uses the old one.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, and then nothing has changed;
   * `ERR_PROVIDER_UNSUPPORTED` for a login; `ERR_PROVIDER_DISPOSED`.
   */
  rotate(secret: SecretInput): void {
    lendInput(secret, 'secret', (lent) => this.#native.rotate(lent))
  }

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
  async fresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult> {
    const { signal } = validate.options('options', options, ['signal'])
    if (!translate(() => this.#native.due) && !this.#unpublished) return this.#result(NOT_NEEDED)
    return await this.#shared('fresh', signal)
  }

  /**
   * The same whatever the expiry, unless somebody else has refreshed since this store last looked: after a 401, for instance. It asks
   * also after a failure, but not about a login that the vendor has just called dead.
   * @returns Rejects as `fresh()` does, and with `ERR_PROVIDER_UNSUPPORTED` for a store of one credential.
   */
  async refresh(options?: { signal?: AbortSignal | undefined }): Promise<RefreshResult> {
    const { signal } = validate.options('options', options, ['signal'])
    return await this.#shared('refresh', signal)
  }

  /**
   * Reads the file again, for what a person or another process has put there, and what the fleet has. No new tokens are asked for,
   * not even where the old one has expired.
   * @returns Rejects as `fresh()` does where neither what is read nor the old token is of any use, and with
   * `ERR_PROVIDER_UNSUPPORTED` for a store of one credential.
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
          published: validate.optionalString('what withLock handed over', published ?? undefined)
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
    if (!answer) throw validate.wrongValue('options.withLock', 'settled without calling what it was given.')
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

function readOf(provider: unknown, value: unknown): [string, string | undefined] {
  const { kind } = validate.options('options', value, ['kind'])
  return [validate.optionalString('provider', provider) ?? '', validate.optionalString('options.kind', kind)]
}

function readLogin(options: LoginGiven): NativeLoginOptions {
  // A uid that is missing from the caller's record would switch the check off.
  if ('owner' in options && options.owner === undefined)
    throw validate.wrongValue('options.owner', 'is undefined. Leave it out, or give the uid.')
  if (typeof options.timeoutMs === 'number' && options.timeoutMs < MIN_TIMEOUT_MS)
    throw validate.wrongValue('options.timeoutMs', `must be at least ${MIN_TIMEOUT_MS}: an answer that nobody awaits costs the login.`)
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
      body: validate.optionalWord('options.format', options.format, ['json', 'form']),
      accessToken: field('accessToken'),
      refreshToken: field('refreshToken'),
      expiresAt: field('expiresAt'),
      expiresAtUnit: validate.optionalWord('options.fields.expiresAtUnit', fields.expiresAtUnit, ['ms', 's'])
    }
  }
}

function readFleet({ withLock, name, lockbox }: LoginGiven): Fleet | undefined {
  if (withLock === undefined) {
    if (lockbox !== undefined || name !== undefined)
      throw validate.wrongValue('options.withLock', 'is missing, which options.name and options.lockbox are for.')
    return undefined
  }
  if (typeof withLock !== 'function') throw validate.wrongType('options.withLock', 'a function', withLock)
  return { withLock: withLock as WithLock, name: validate.boundText('options.name', name), lockbox: nativeLockbox(lockbox) }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise
  const aborted = () =>
    providerError({ code: 'ERR_PROVIDER_ABORTED', message: 'The wait for the refresh was aborted.' }, { cause: signal.reason })
  let stopListening = () => {}
  const abort = new Promise((_, reject) => {
    if (signal.aborted) reject(aborted())
    else stopListening = onAbort(signal, () => reject(aborted()))
  })
  try {
    return (await Promise.race([promise, abort])) as T
  } finally {
    stopListening()
    // Nobody else may be waiting for it.
    promise.catch(() => {})
  }
}

function lockFailed(provider: string, cause: unknown) {
  const message = 'options.withLock failed, so the tokens were not refreshed, or the fleet was not told of them. Its error is the cause.'
  return providerError({ code: 'ERR_PROVIDER_REFRESH_FAILED', message, provider }, { cause })
}

export function nativeStore(value: unknown): Native | undefined {
  if (value === undefined) return undefined
  const native = nativeOf<Native>(CredentialStore, value)
  if (native) return native
  throw validate.wrongType('options.credentialStore', 'a CredentialStore', value)
}
