// class Handle: the base class of all objects whose secrets Rust holds.
'use strict'

const { inspect } = require('node:util')
const { isMainThread } = require('node:worker_threads')
const binding = require('./binding.js')
const { COPY, THIS_COPY, wrongType } = require('./validate.js')

/** Only this package can construct one. */
const KEY = Symbol('Handle')

/** @type {(value: any) => any} */
let peek

/** @template {{ readonly disposed: boolean, dispose(): void }} Native The addon's own handle. */
class Handle {
  /** @type {Native} */
  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    if (key !== KEY) throw new TypeError(`${new.target.name} has no public constructor. Use ${/** @type {any} */ (new.target).madeBy}.`)
    this.#native = native
    binding.tearDownAtExit(isMainThread)
  }

  get disposed() {
    return this.#native.disposed
  }

  dispose() {
    this.#native.dispose()
  }

  [Symbol.dispose]() {
    this.dispose()
  }

  get [COPY]() {
    return THIS_COPY
  }

  /** What may be shown. @returns {Record<string, unknown>} */
  toJSON() {
    return { disposed: this.disposed }
  }

  toString() {
    return this.constructor.name
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptionsStylized} options
   */
  [inspect.custom](_depth, options) {
    return `${this.constructor.name} ${inspect(this.toJSON(), { ...options, getters: false, depth: 2 })}`
  }

  static {
    peek = (value) => (typeof value === 'object' && value !== null && #native in value ? value.#native : undefined)
  }
}

/**
 * The addon's own handle behind an object of a class; `undefined` for anything else.
 * @param {Function} of
 * @param {unknown} value
 */
function nativeOf(of, value) {
  return value instanceof of ? peek(value) : undefined
}

/**
 * The same of an option, which may be left out.
 * @param {Function} of
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 */
function optionalNative(of, name, expected, value) {
  if (value === undefined) return undefined
  const native = nativeOf(of, value)
  if (native) return native
  throw wrongType(name, expected, value)
}

module.exports = { Handle, KEY, nativeOf, optionalNative }
