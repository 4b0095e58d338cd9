// Checks a caller's AbortSignal, and calls a listener when it is aborted.
'use strict'

const validate = require('./validate.js')

/** Without a prototype, as Node reads other options there. @type {any} */
const ONCE = { __proto__: null, once: true }

/**
 * @param {unknown} value
 * @returns {AbortSignal | undefined}
 */
function abortSignal(value) {
  if (value === undefined) return undefined
  const signal = /** @type {any} */ (value)
  const isOne = typeof value === 'object' && value !== null && 'aborted' in value
  // Else it would be found out when a process has been started.
  if (isOne && typeof signal.addEventListener === 'function' && typeof signal.removeEventListener === 'function') return signal
  throw validate.wrongType('options.signal', 'an AbortSignal', value)
}

/**
 * Calls a listener once, when the signal fires that has not yet. The returned function takes it away.
 * @param {AbortSignal} signal
 * @param {() => void} listener
 */
function onAbort(signal, listener) {
  signal.addEventListener('abort', listener, ONCE)
  return () => signal.removeEventListener('abort', listener)
}

module.exports = { abortSignal, onAbort }
