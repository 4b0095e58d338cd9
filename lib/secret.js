// class Secret: an opaque handle of bytes that Rust holds.
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Handle, KEY } = require('./handle.js')
const { requireLocked } = require('./memory-protection.js')
const { consume } = require('./secret-input.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeSecret} Native */

/** @extends {Handle<Native>} */
class Secret extends Handle {
  static madeBy = 'Secret.from()'

  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    super(key, native)
    this.#native = native
  }

  /**
   * @param {Uint8Array} bytes
   * @param {import('../index').SecretOptions} [value]
   * @returns {any}
   */
  static from(bytes, value) {
    if (!(bytes instanceof Uint8Array)) throw validate.wrongType('bytes', 'a Uint8Array', bytes)
    return consume([bytes], 'bytes', () => {
      const options = validate.options('options', value, ['requireLocked'])
      const secret = fromNative(translate(() => binding.secretFrom(bytes)))
      return requireLocked(options, secret)
    })
  }

  get length() {
    return this.#native.length
  }

  get fingerprint() {
    return this.#native.fingerprint
  }

  /** @override */
  toJSON() {
    const { length, fingerprint, disposed } = this
    return { length, fingerprint, disposed }
  }

  /** @override */
  toString() {
    return `Secret(${this.length} bytes, ${this.fingerprint})`
  }
}

/** @param {Native} native @returns {any} */
function fromNative(native) {
  return new Secret(KEY, native)
}

module.exports = { Secret, fromNative }
