// takeServerCredentials() and class ServerCredentials: the server's own keys, moved out of process.env into Rust.
'use strict'

const binding = require('./binding.js')
const { remove, requireMainThread } = require('./environment-variable.js')
const { own, translate } = require('./errors.js')
const { Handle, KEY } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeServerCredentials} Native */

/** @extends {Handle<Native>} */
class ServerCredentials extends Handle {
  static madeBy = 'takeServerCredentials()'

  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    super(key, native)
    this.#native = native
  }

  get providers() {
    return own(this.#native.providers)
  }

  get names() {
    return own(this.#native.names)
  }

  /** @param {string} provider */
  fingerprint(provider) {
    const id = validate.required('provider', validate.optionalString('provider', provider))
    return translate(() => this.#native.fingerprint(id)) ?? null
  }

  /** @override */
  toJSON() {
    const { providers, names, disposed } = this
    return { providers, names, disposed }
  }

  /** @override */
  toString() {
    return `ServerCredentials(${this.providers.join(', ')})`
  }
}

/**
 * @param {import('../index').ServerCredentialsOptions} [value]
 * @returns {any}
 */
function takeServerCredentials(value) {
  const options = validate.options('options', value, ['requireLocked'])
  requireMainThread('takeServerCredentials()')
  const locked = readRequireLocked(options)
  const native = translate(() => binding.takeServerCredentials(locked))
  // Also names that were unset before: their values may be in the initial environment still.
  remove(binding.serverVariables())
  return new ServerCredentials(KEY, native)
}

module.exports = { ServerCredentials, takeServerCredentials }
