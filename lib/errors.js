// The errors that users see: ProviderError, Node's own TypeErrors, and how the addon's errors become them.
'use strict'

/** @typedef {import('../index').ProviderErrorCode} ProviderErrorCode */
/** @typedef {{ code: string, message: string, errno?: number, syscall?: string, path?: string, step?: string, provider?: string, names?: string[] }} Details */

/** Names that `AbortSignal` users test for: `error.name === 'AbortError'`. */
const NAMES = /** @type {Record<string, string>} */ ({ ERR_PROVIDER_ABORTED: 'AbortError', ERR_PROVIDER_TIMEOUT: 'TimeoutError' })

class ProviderError extends Error {
  /** @param {Details} details */
  constructor(details, /** @type {{ cause?: unknown }} */ options = {}) {
    super(details.message, options)
    this.code = /** @type {ProviderErrorCode} */ (details.code)
    // Negative, as in Node's system errors.
    if (details.errno !== undefined) this.errno = -details.errno
    if (details.syscall !== undefined) this.syscall = details.syscall
    if (details.path !== undefined) this.path = details.path
    if (details.step !== undefined) this.step = details.step
    if (details.provider !== undefined) this.provider = details.provider
    if (details.names !== undefined) this.names = details.names
    const name = NAMES[details.code]
    if (name) Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true })
  }
}
Object.defineProperty(ProviderError.prototype, 'name', { value: 'ProviderError', configurable: true, writable: true })

/**
 * An error of the addon, from the JSON that it crosses as.
 * @param {string} json
 */
function fromJson(json) {
  /** @type {Details} */
  let details
  try {
    details = JSON.parse(json)
  } catch {
    // A panic, or a refusal by napi itself. Its text is not ours, so it is not shown.
    return internal()
  }
  if (details.code.startsWith('ERR_PROVIDER_')) return new ProviderError(details)
  return nodeTypeError(details.code, details.message)
}

function internal() {
  return new ProviderError({
    code: 'ERR_PROVIDER_INTERNAL',
    message: 'This is a defect in @webalive/provider-env. Please report it with the stack below and no secrets.'
  })
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

/**
 * What the addon threw, as users see it.
 * @param {unknown} error
 */
function fromThrown(error) {
  // Ours already: thrown by what was called within a call of the addon.
  if (error instanceof ProviderError || String(/** @type {any} */ (error)?.code).startsWith('ERR_INVALID_')) return error
  return fromJson(error instanceof Error ? error.message : '')
}

/**
 * A TypeError with one of Node's own codes.
 * @param {string} code
 * @param {string} message
 */
function nodeTypeError(code, message) {
  return Object.assign(new TypeError(message), { code })
}

module.exports = { ProviderError, fromJson, fromThrown, nodeTypeError, translate }
