// class ProviderEnv: the handle of an environment that Rust holds.
'use strict'

const { inspect } = require('node:util')
const { translate } = require('./errors.js')
const { tearDownAtExit } = require('./tear-down-at-exit.js')

/** @typedef {import('../binding').NativeProviderEnv} Native */

/** Only this file can construct one. */
const KEY = Symbol('ProviderEnv')

/**
 * The addon's own handle of a ProviderEnv; `undefined` for anything else.
 * @type {(env: any) => Native | undefined}
 */
let nativeOf = () => undefined

class ProviderEnv {
  /** @type {Native} */
  #native
  /** @type {import('../index').CredentialInfo | undefined} */
  #credential
  /** @type {string[] | undefined} */
  #names

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    if (key !== KEY) throw new TypeError('Use buildProviderEnv() to make a ProviderEnv.')
    this.#native = native
  }

  get provider() {
    return this.#native.provider
  }

  get credential() {
    const { kind, source, fingerprint } = this.#native
    this.#credential ??= /** @type {any} */ (Object.freeze({ kind, source, fingerprint: fingerprint ?? null }))
    return this.#credential
  }

  get apiKeySource() {
    return this.#native.apiKeySource
  }

  get userEnvKeyCount() {
    return this.#native.userEnvKeyCount
  }

  get rejectedUserEnvKeys() {
    return this.#native.rejectedUserEnvKeys
  }

  get names() {
    this.#names ??= translate(() => this.#native.names())
    return [...this.#names]
  }

  get disposed() {
    return this.#native.disposed
  }

  /** @param {string} name */
  get(name) {
    return translate(() => this.#native.get(String(name))) ?? undefined
  }

  exposeSecrets() {
    return toObject(translate(() => this.#native.exposeSecrets()))
  }

  dispose() {
    this.#native.dispose()
  }

  [Symbol.dispose]() {
    this.dispose()
  }

  toJSON() {
    const { provider, credential, apiKeySource, userEnvKeyCount, names, disposed } = this
    return { provider, credential, apiKeySource, userEnvKeyCount, names, disposed }
  }

  toString() {
    return `ProviderEnv(${this.provider}, ${this.credential?.kind}, ${this.credential?.fingerprint})`
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptionsStylized} options
   */
  [inspect.custom](_depth, options) {
    return `ProviderEnv ${inspect(this.toJSON(), { ...options, getters: false, depth: 2 })}`
  }

  static {
    nativeOf = (env) => (typeof env === 'object' && env !== null && #native in env ? env.#native : undefined)
  }
}

/**
 * @param {Native} native
 * @returns {any}
 */
function fromNative(native) {
  tearDownAtExit()
  return new ProviderEnv(KEY, native)
}

/** @param {string[]} flat Names and values by turns. */
function toObject(flat) {
  /** @type {Record<string, string>} */
  const object = {}
  // Defined, not assigned: a setter on Object.prototype would see the value, and `__proto__` would vanish.
  const own = { writable: true, enumerable: true, configurable: true }
  for (let index = 0; index < flat.length; index += 2) Object.defineProperty(object, flat[index], { ...own, value: flat[index + 1] })
  return object
}

module.exports = { ProviderEnv, fromNative, nativeOf, toObject }
