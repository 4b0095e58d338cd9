// class Secret: an opaque handle to bytes that Rust holds.
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const { readSeal } = require('./seal-binding.js')
const { consume, isUint8Array, textOffHeap } = require('./secret-input.js')
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
    if (!isUint8Array(bytes)) throw validate.wrongType('bytes', 'a Uint8Array', bytes)
    return consume(bytes, 'bytes', (taken) => {
      const locked = readRequireLocked(validate.options('options', value, ['requireLocked']))
      return fromNative(translate(() => binding.secretFrom(taken, locked)))
    })
  }

  get length() {
    return this.#native.length
  }

  get fingerprint() {
    return this.#native.fingerprint
  }

  /**
   * @param {string | Uint8Array} publicKey
   * @param {import('../index').SealBinding} bound
   * @returns {any}
   */
  sealFor(publicKey, bound) {
    const seal = readSeal(publicKey, bound)
    return translate(() => this.#native.sealFor(seal))
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

/**
 * Lends a secret to the addon: a handle as it is, bytes as a secret of their own, which they are consumed for.
 * @template T
 * @param {unknown} secret
 * @param {string} name
 * @param {(native: Native) => T} use
 * @returns {T}
 */
function lend(secret, name, use) {
  const handle = nativeOf(Secret, secret)
  if (handle) return translate(() => use(handle))
  if (!isUint8Array(secret)) throw validate.wrongType(name, 'a Secret or a Uint8Array', secret)
  return consume(secret, name, (taken) => {
    const temporary = translate(() => binding.secretFrom(taken, false))
    try {
      return translate(() => use(temporary))
    } finally {
      temporary.dispose()
    }
  })
}

/**
 * The same for whatever a caller may give as a secret. `use` is called before this returns, and what it was lent is gone
 * when it has returned; the addon keeps what it still needs.
 * @template T
 * @param {unknown} input
 * @param {string} name
 * @param {(native: Native) => T} use
 * @returns {T}
 */
function lendInput(input, name, use) {
  if (typeof input !== 'string') return lend(input, name, use)
  if (input === '') throw validate.wrongValue(name, 'must not be empty.')
  return lend(textOffHeap(validate.wellFormed(name, validate.required(name, validate.optionalString(name, input)))), name, use)
}

module.exports = { Secret, fromNative, lend, lendInput }
