// class CredentialStore: credentials that change while the worker runs, rotated by hand or refreshed once for all
// processes.
'use strict'

const path = require('node:path')
const { abortSignal, onAbort } = require('./abort-signal.js')
const binding = require('./binding.js')
const { ProviderError, fromNative, translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { readHttpSettings, runJob } = require('./jobs.js')
const { nativeLockbox } = require('./lockbox.js')
const { lendInput } = require('./secret.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeCredentialStore} Native */
/** @typedef {import('../index').RefreshResult} RefreshResult */
/** @typedef {import('../binding').Call} Call */
/** @typedef {import('../binding').Refreshed} Answer */
/**
 * @typedef {object} Fleet
 * @property {string} name
 * @property {import('../index').WithLock} withLock
 * @property {import('../binding').NativeLockbox | undefined} lockbox
 */

const OPTIONS = /** @type {const} */ ([
  'ca', 'clientId', 'dir', 'fields', 'file', 'format', 'lockbox', 'name', 'owner', 'proxy', 'refreshAheadMs', 'timeoutMs', 'tokenUrl', 'withLock'
])
/** Each does what the one before it does, and more. */
const CALLS = validate.wordsOf('Call')
const FIELDS = /** @satisfies {readonly (keyof import('../binding').Overrides)[]} */ (/** @type {const} */ (['accessToken', 'refreshToken', 'expiresAt', 'expiresAtUnit']))
const DEFAULT_TIMEOUT_MS = 30_000
const MIN_TIMEOUT_MS = 5000
/** (uid_t)-1 is nobody's (`chown(2)`). */
const MAX_ID = 2 ** 32 - 2
const DEFAULT_AHEAD_MS = 5 * 60 * 1000
/** @type {Answer} */
const NOT_NEEDED = { how: 'not-needed', asked: false, persisted: true, serves: true, failure: null, publish: null }

/** @extends {Handle<Native>} */
class CredentialStore extends Handle {
  static madeBy = 'CredentialStore.of() or CredentialStore.open()'

  #native
  /** @type {Fleet | undefined} */
  #fleet
  /** The refresh that is under way: whoever comes meanwhile waits for its end. @type {{ call: Call, promise: Promise<RefreshResult> } | undefined} */
  #pending
  /** The fleet was not told of what this store got. */
  #unpublished = false

  /**
   * @param {symbol} key
   * @param {Native} native
   * @param {Fleet} [fleet]
   */
  constructor(key, native, fleet) {
    super(key, native)
    this.#native = native
    this.#fleet = fleet
  }

  /**
   * @param {import('../index').ProviderId} provider
   * @param {import('../index').SecretInput} secret
   * @param {{ kind?: 'api-key' | 'oauth-token' }} [value]
   * @returns {any}
   */
  static of(provider, secret, value) {
    // Lent first: bytes are consumed also where an option is wrong.
    return new CredentialStore(KEY, lendInput(secret, 'secret', (lent) => binding.storeOf(...readOf(provider, value), lent)))
  }

  /**
   * @param {import('../index').ProviderId} provider
   * @param {import('../index').LoginOptions} value
   * @returns {Promise<any>}
   */
  static async open(provider, value) {
    const options = validate.options('options', value, OPTIONS)
    const login = readLogin(options)
    const fleet = readFleet(options)
    const native = translate(() => binding.loginStore(validate.optionalString('provider', provider) ?? ''))
    await runJob(() => native.open(login))
    return new CredentialStore(KEY, native, fleet)
  }

  get provider() {
    return this.#native.provider
  }

  get kind() {
    return translate(() => this.#native.kind)
  }

  get fingerprint() {
    return translate(() => this.#native.fingerprint)
  }

  get generation() {
    return translate(() => this.#native.generation)
  }

  get expiresAt() {
    const at = translate(() => this.#native.expiresAt)
    return typeof at === 'number' ? new Date(at) : null
  }

  get path() {
    return translate(() => this.#native.path) ?? null
  }

  /** @param {import('../index').SecretInput} secret */
  rotate(secret) {
    lendInput(secret, 'secret', (lent) => this.#native.rotate(lent))
  }

  /** @param {{ signal?: AbortSignal }} [value] @returns {Promise<RefreshResult>} */
  async fresh(value) {
    const { signal } = validate.options('options', value, ['signal'])
    if (!translate(() => this.#native.due) && !this.#unpublished) return this.#result(NOT_NEEDED)
    return await this.#shared('fresh', signal)
  }

  /** @param {{ signal?: AbortSignal }} [value] @returns {Promise<RefreshResult>} */
  async refresh(value) {
    const { signal } = validate.options('options', value, ['signal'])
    return await this.#shared('refresh', signal)
  }

  /** @param {{ signal?: AbortSignal }} [value] @returns {Promise<RefreshResult>} */
  async reload(value) {
    const { signal } = validate.options('options', value, ['signal'])
    return await this.#shared('reload', signal)
  }

  /**
   * One at a time. An abort ends the waiting of one caller, not what all wait for.
   * @param {Call} call
   * @param {unknown} signal
   */
  async #shared(call, signal) {
    const aborted = abortSignal(signal)
    const pending = this.#pending
    if (pending && CALLS.indexOf(pending.call) >= CALLS.indexOf(call)) return await unlessAborted(pending.promise, aborted)
    // Not at the same time, but not instead either.
    const promise = (pending ? pending.promise.then(() => {}, () => {}) : Promise.resolve()).then(() => this.#run(call))
    const mine = { call, promise }
    this.#pending = mine
    const done = () => {
      if (this.#pending === mine) this.#pending = undefined
    }
    promise.then(done, done)
    return await unlessAborted(promise, aborted)
  }

  /** @param {Call} call @returns {Promise<RefreshResult>} */
  async #run(call) {
    const fleet = this.#fleet
    if (!fleet) return await this.#alone(call)
    /** @type {Answer | undefined} */
    let answer
    /** What `critical` rejected with last: `withLock` may swallow it. @type {{ error: unknown } | undefined} */
    let inner
    const critical = async (/** @type {string | null} */ published) => {
      try {
        const left = fleet.lockbox && { name: fleet.name, published: validate.optionalString('The value that withLock passed', published ?? undefined) }
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

  /** @param {Call} call @returns {Promise<RefreshResult>} */
  async #alone(call) {
    try {
      return this.#result(await runJob(() => this.#native.refresh(call)))
    } catch (error) {
      // A worker that has no thread to spare refreshes later.
      if (call !== 'reload' && error instanceof ProviderError && error.code === 'ERR_PROVIDER_BUSY') return this.#without(undefined, error)
      throw error
    }
  }

  /**
   * The lock, or what the fleet shares, has failed: what was refreshed stays so, and an old token serves while it is good.
   * @param {Answer | undefined} answer
   * @param {unknown} error
   */
  #without(answer, error) {
    const { expiresAt } = this
    const isGood = expiresAt === null || expiresAt.getTime() > Date.now()
    const failure = error instanceof ProviderError ? error : lockFailed(this.provider, error)
    if (!answer && !isGood) throw failure
    return { ...this.#result(answer ?? { ...NOT_NEEDED, persisted: this.#native.persisted }), failure: /** @type {any} */ (failure) }
  }

  /** @param {Answer} answer @returns {RefreshResult} */
  #result({ how, asked, persisted, serves, failure: details }) {
    const failure = details ? /** @type {any} */ (fromNative(details)) : null
    if (!serves) throw failure
    const { generation, fingerprint, expiresAt } = this
    return { how, asked, persisted, generation, fingerprint, expiresAt, failure }
  }

  /** @override */
  toJSON() {
    const { provider, disposed } = this
    if (disposed) return { provider, disposed }
    const { kind, fingerprint, generation, expiresAt, path: file } = this
    return { provider, kind, fingerprint, generation, expiresAt, path: file, disposed }
  }

  /** @override */
  toString() {
    return `CredentialStore(${this.provider})`
  }
}

/**
 * @param {unknown} provider
 * @param {any} value
 * @returns {[string, string | undefined]}
 */
function readOf(provider, value) {
  const { kind } = validate.options('options', value, ['kind'])
  return [validate.optionalString('provider', provider) ?? '', validate.optionalString('options.kind', kind)]
}

/**
 * @param {any} options
 * @returns {import('../binding').LoginOptions}
 */
function readLogin(options) {
  // A uid that is missing from the caller's record would switch the check off.
  if ('owner' in options && options.owner === undefined) throw validate.wrongValue('options.owner', 'must not be undefined. Omit it, or pass the uid.')
  if (options.timeoutMs < MIN_TIMEOUT_MS) throw validate.wrongValue('options.timeoutMs', `must be at least ${MIN_TIMEOUT_MS}, because the login is lost if the answer arrives after the timeout.`)
  const dir = validate.required('options.dir', validate.optionalString('options.dir', options.dir))
  if (!path.isAbsolute(dir)) throw validate.wrongValue('options.dir', 'must be an absolute path.')
  const fields = validate.options('options.fields', options.fields, FIELDS)
  const field = (/** @type {(typeof FIELDS)[number]} */ name) => validate.optionalString(`options.fields.${name}`, fields[name])
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

/** @param {any} options @returns {Fleet | undefined} */
function readFleet({ withLock, name, lockbox }) {
  if (withLock === undefined) {
    if (lockbox !== undefined || name !== undefined) throw validate.wrongValue('options.withLock', 'is required with options.name and options.lockbox.')
    return undefined
  }
  if (typeof withLock !== 'function') throw validate.wrongType('options.withLock', 'a function', withLock)
  return { withLock, name: validate.boundText('options.name', name), lockbox: nativeLockbox(lockbox) }
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
async function unlessAborted(promise, signal) {
  if (!signal) return await promise
  const aborted = () => new ProviderError({ code: 'ERR_PROVIDER_ABORTED', message: 'The wait for the token refresh was aborted.' }, { cause: signal.reason })
  let stopListening = () => {}
  const abort = new Promise((_, reject) => {
    if (signal.aborted) reject(aborted())
    else stopListening = onAbort(signal, () => reject(aborted()))
  })
  try {
    return /** @type {T} */ (await Promise.race([promise, abort]))
  } finally {
    stopListening()
    // Nobody else may be waiting for it.
    promise.catch(() => {})
  }
}

/**
 * @param {string} provider
 * @param {unknown} cause
 */
function lockFailed(provider, cause) {
  const message = 'options.withLock failed, so either the tokens were not refreshed or the other workers were not informed. The cause has its error.'
  return new ProviderError({ code: 'ERR_PROVIDER_REFRESH_FAILED', message, provider }, { cause })
}

/**
 * @param {unknown} value
 * @returns {Native | undefined}
 */
function nativeStore(value) {
  if (value === undefined) return undefined
  const native = nativeOf(CredentialStore, value)
  if (native) return native
  throw validate.wrongType('options.credentialStore', 'a CredentialStore', value)
}

module.exports = { CredentialStore, nativeStore }
