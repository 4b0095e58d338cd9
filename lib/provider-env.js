// class ProviderEnv: the handle of an environment that Rust holds.
'use strict'

const { own, translate } = require('./errors.js')
const handle = require('./handle.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeProviderEnv} Native */

/**
 * What may be shown of an environment's credential, which never changes: read from the addon once.
 * @type {(env: import('../index').ProviderEnv) => import('../index').CredentialInfo}
 */
let credentialOf

/** @extends {handle.Handle<Native>} */
class ProviderEnv extends handle.Handle {
  static madeBy = 'buildProviderEnv()'

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
    super(key, native)
    this.#native = native
  }

  get provider() {
    return this.#native.provider
  }

  get credential() {
    return credentialOf(/** @type {any} */ (this))
  }

  get apiKeySource() {
    return this.#native.facts.apiKeySource
  }

  get userEnvKeyCount() {
    return this.#native.facts.userEnvKeyCount
  }

  get rejectedUserEnvKeys() {
    return own(this.#native.facts.rejectedUserEnvKeys)
  }

  get names() {
    this.#names ??= translate(() => this.#native.names())
    return [...this.#names]
  }

  /** @param {string} name */
  get(name) {
    const text = validate.required('name', validate.optionalString('name', name))
    return translate(() => this.#native.get(text)) ?? undefined
  }

  exposeSecrets() {
    return toObject(translate(() => this.#native.exposeSecrets()))
  }

  /** @override */
  toJSON() {
    const { provider, credential, apiKeySource, userEnvKeyCount, names, disposed } = this
    return { provider, credential, apiKeySource, userEnvKeyCount, names, disposed }
  }

  /** @override */
  toString() {
    return `ProviderEnv(${this.provider}, ${this.credential?.kind}, ${this.credential?.fingerprint})`
  }

  static {
    credentialOf = (env) => {
      const own = /** @type {ProviderEnv} */ (/** @type {unknown} */ (env))
      own.#credential ??= /** @type {any} */ (Object.freeze({ ...own.#native.facts.credential }))
      return /** @type {any} */ (own.#credential)
    }
  }
}

/**
 * @param {Native} native
 * @returns {any}
 */
function fromNative(native) {
  return new ProviderEnv(handle.KEY, native)
}

/**
 * The addon's own handle of a ProviderEnv; `undefined` for anything else.
 * @param {unknown} env
 * @returns {Native | undefined}
 */
function nativeOf(env) {
  return handle.nativeOf(ProviderEnv, env)
}

/** @param {import('../binding').EnvVariable[]} variables */
function toObject(variables) {
  /** @type {Record<string, string>} */
  const object = {}
  // Defined, not assigned: a setter on Object.prototype would see the value, and `__proto__` would vanish.
  for (const { name, value } of variables) {
    Object.defineProperty(object, name, /** @type {any} */ ({ __proto__: null, writable: true, enumerable: true, configurable: true, value }))
  }
  return object
}

module.exports = { ProviderEnv, credentialOf, fromNative, nativeOf, toObject }
