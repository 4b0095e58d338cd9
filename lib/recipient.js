// createRecipient() and class Recipient: the receiving side of sealed secrets in the worker.
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Handle, KEY } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeRecipient} Native */

/** @extends {Handle<Native>} */
class Recipient extends Handle {
  static madeBy = 'createRecipient()'

  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    super(key, native)
    this.#native = native
  }

  get publicKey() {
    return this.#native.publicKey
  }

  /** @override */
  toJSON() {
    const { publicKey, disposed } = this
    return { publicKey, disposed }
  }

  /** @override */
  toString() {
    return `Recipient(${this.publicKey})`
  }
}

/**
 * @param {import('../index').RecipientOptions} [value]
 * @returns {any}
 */
function createRecipient(value) {
  const options = validate.options('options', value, ['maxAgeMs', 'requireLocked'])
  const maxAgeMs = validate.optionalMilliseconds('options.maxAgeMs', options.maxAgeMs)
  const locked = readRequireLocked(options)
  return new Recipient(KEY, translate(() => binding.createRecipient(maxAgeMs, locked)))
}

module.exports = { Recipient, createRecipient }
