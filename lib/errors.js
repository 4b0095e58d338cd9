// The errors that users see: ProviderError and Node's own TypeErrors, and how they are created from the addon's errors.
'use strict'

const { isNativeError, isProxy } = require('node:util').types

/** @typedef {import('../index').ProviderErrorCode} ProviderErrorCode */
/** @typedef {import('../binding').NativeError} NativeError */
/** @typedef {Pick<NativeError, 'code' | 'message'> & Partial<NativeError>} Details */

/** Names that `AbortSignal` users test for: `error.name === 'AbortError'`. */
const NAMES = new Map([['ERR_PROVIDER_ABORTED', 'AbortError'], ['ERR_PROVIDER_TIMEOUT', 'TimeoutError']])
/** In bytes of UTF-8, as in src/error.rs: what a caller or a tenant chose is in a message, and it goes into a log. */
const MOST = { message: 4096, path: 4096, name: 256, names: 64 }

/** The parts that an error has beside its code and message where they are known. */
const PARTS = /** @type {const} */ (['syscall', 'path', 'step', 'provider', 'names'])

class ProviderError extends Error {
  /** @type {ProviderErrorCode} */
  code

  /** @param {Details} given */
  constructor(given, /** @type {{ cause?: unknown }} */ options = {}) {
    // Without prototypes: Node would read a `cause`, and we the parts, from Object.prototype.
    /** @type {any} */
    const details = { __proto__: null, ...given }
    super(bounded(details.message, MOST.message), /** @type {any} */ ({ __proto__: null, ...options }))
    this.code = /** @type {ProviderErrorCode} */ (details.code)
    // Negative, as in Node's system errors.
    if (isKnown(details.errno)) define(this, 'errno', -details.errno)
    if (isKnown(details.path)) details.path = bounded(details.path, MOST.path)
    if (isKnown(details.names)) details.names = details.names.slice(0, MOST.names).map((/** @type {string} */ name) => bounded(name, MOST.name))
    for (const part of PARTS) if (isKnown(details[part])) define(this, part, details[part])
    const name = NAMES.get(details.code)
    if (name) Object.defineProperty(this, 'name', hidden(name))
  }
}
Object.defineProperty(ProviderError.prototype, 'name', hidden('ProviderError'))

/**
 * An own property, whatever Object.prototype has of that name.
 * @param {object} object
 * @param {string} name
 * @param {unknown} value
 */
function define(object, name, value) {
  Object.defineProperty(object, name, /** @type {any} */ ({ ...hidden(value), __proto__: null, enumerable: true }))
}

/** Null is how the addon says that it has nothing. @param {unknown} part */
function isKnown(part) {
  return part !== undefined && part !== null
}

/**
 * The text, or its beginning and its end, where an advice stands, when it is longer than that.
 * @param {string} text
 * @param {number} most
 */
function bounded(text, most) {
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return text
  const bytes = Buffer.from(text)
  const room = most - Buffer.byteLength(' … ')
  let start = Math.floor((room / 4) * 3)
  let end = bytes.length - Math.floor(room / 4)
  // Not within a character.
  while (isWithin(bytes[start])) start -= 1
  while (isWithin(bytes[end])) end += 1
  return `${bytes.toString('utf8', 0, start)} … ${bytes.toString('utf8', end)}`
}

/** Whether a byte of UTF-8 goes on with a character. @param {number} byte */
function isWithin(byte) {
  return (byte & 0xc0) === 0x80
}

/**
 * The descriptor of a property that is not enumerable.
 * @param {unknown} value
 * @returns {PropertyDescriptor}
 */
function hidden(value) {
  return /** @type {any} */ ({ __proto__: null, value, configurable: true, writable: true })
}

/**
 * An error of the addon, as users see it.
 * @param {NativeError} native
 */
function fromNative(native) {
  if (native.code.startsWith('ERR_PROVIDER_')) return new ProviderError(native)
  return nodeTypeError(native.code, native.message)
}

function internal() {
  return new ProviderError({
    code: 'ERR_PROVIDER_INTERNAL',
    message: 'This is a defect in @webalive/provider-env. Please report it with the stack below and no secrets.'
  })
}

/**
 * What the addon returned, without a prototype: it leaves out what it has not, which would be read from Object.prototype.
 * @template {object} T
 * @param {T} result
 * @returns {T}
 */
function bare(result) {
  return /** @type {any} */ ({ __proto__: null, ...result })
}

/**
 * What the addon returned, made of this realm's arrays and objects: in a context of `node:vm`, as a test runner has, its own
 * are another realm's, and no strict comparison takes them for equal. Bytes stay what they are.
 * @template T
 * @param {T} result
 * @returns {T}
 */
function own(result) {
  if (typeof result !== 'object' || result === null || ArrayBuffer.isView(result)) return result
  if (Array.isArray(result)) return /** @type {any} */ (Array.from(result, own))
  return /** @type {any} */ (Object.fromEntries(Object.entries(result).map(([name, value]) => [name, own(value)])))
}

/**
 * Calls the addon and translates what it throws.
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function translate(call) {
  try {
    return call()
  } catch (error) {
    throw fromThrown(error)
  }
}

/** The codes of the errors that napi makes, of a panic and of a wrong type: names of `napi_status`. */
const NAPI_CODE = /^(?:GenericFailure|InvalidArg|\w+Expected)$/
const NATIVE_CODE = /^ERR_(?:PROVIDER|INVALID_ARG)_/

/**
 * What was thrown within a call of the addon, as users see it. Only what the addon itself threw is translated: the rest
 * is ours already, or what the caller's own code threw (a getter, a listener, a `toString`).
 * @param {any} thrown
 */
function fromThrown(thrown) {
  if (typeof thrown !== 'object' || thrown === null || isProxy(thrown)) return thrown
  const code = Object.getOwnPropertyDescriptor(thrown, 'code')?.value
  if (typeof code !== 'string') return thrown
  // The text of a panic, or of a refusal by napi itself, is not ours, so it is not shown.
  if (isNativeError(thrown)) return NAPI_CODE.test(code) ? internal() : thrown
  return NATIVE_CODE.test(code) ? fromNative(thrown) : thrown
}

/**
 * A TypeError with one of Node's own codes.
 * @param {string} code
 * @param {string} message
 */
function nodeTypeError(code, message) {
  const error = new TypeError(bounded(message, MOST.message))
  define(error, 'code', code)
  return /** @type {TypeError & { code: string }} */ (error)
}

module.exports = { ProviderError, bare, bounded, fromNative, fromThrown, nodeTypeError, own, translate }
