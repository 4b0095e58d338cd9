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
 * Who waits for which signal. Each signal has one listener of ours, for as long as anybody waits: beyond ten of them Node
 * warns of a leak, and a worker may share one signal among hundreds of calls.
 * @type {WeakMap<AbortSignal, { waiting: Set<{ call: () => void }>, listener: () => void }>}
 */
const listening = new WeakMap()

/**
 * Calls a listener once, when the signal fires that has not yet. The returned function takes it away.
 * @param {AbortSignal} signal
 * @param {() => void} call
 */
function onAbort(signal, call) {
  const mine = { call }
  const known = listening.get(signal)
  const { waiting, listener } = known ?? listenerOf(signal)
  // First: it may fire while it is listened to.
  waiting.add(mine)
  const leave = () => {
    if (!waiting.delete(mine) || waiting.size > 0) return
    listening.delete(signal)
    signal.removeEventListener('abort', listener)
  }
  try {
    if (!known) signal.addEventListener('abort', listener, ONCE)
  } catch (error) {
    leave()
    throw error
  }
  return leave
}

/** @param {AbortSignal} signal */
function listenerOf(signal) {
  const waiting = /** @type {Set<{ call: () => void }>} */ (new Set())
  const listener = () => {
    listening.delete(signal)
    for (const mine of waiting) {
      waiting.delete(mine)
      callApart(mine.call)
    }
  }
  const entry = { waiting, listener }
  listening.set(signal, entry)
  return entry
}

/** As an EventTarget does: what one listener throws is an uncaught exception, and the others hear of the abort. @param {() => void} call */
function callApart(call) {
  try {
    call()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

module.exports = { abortSignal, onAbort }
