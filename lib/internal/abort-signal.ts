// Checks a caller's AbortSignal, and calls a listener when it is aborted.

import { bare } from './errors.ts'
import * as validate from './validate.ts'

/** Without a prototype, as Node reads other options there. */
const ONCE = bare({ once: true })

export function abortSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const signal = value as AbortSignal
  const isOne = typeof value === 'object' && value !== null && 'aborted' in value
  // Otherwise the listener would fail after a process has been started.
  if (isOne && typeof signal.addEventListener === 'function' && typeof signal.removeEventListener === 'function') return signal
  throw validate.wrongType('options.signal', 'an AbortSignal', value)
}

/** Why a signal was aborted. A foreign signal can throw instead of an answer; what it throws is then the reason. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason
  } catch (error) {
    return error
  }
}

/**
 * Who waits for which signal. Each signal has one listener of ours, for as long as anybody waits: beyond ten of them Node
 * warns of a leak, and a worker may share one signal among hundreds of calls.
 */
const listening: WeakMap<AbortSignal, { waiting: Set<{ call: () => void }>; listener: () => void }> = new WeakMap()

/** Calls a listener once, when a signal that has not fired yet fires. The returned function removes the listener. */
export function onAbort(signal: AbortSignal, call: () => void) {
  const mine = { call }
  const known = listening.get(signal)
  const { waiting, listener } = known ?? listenerOf(signal)
  // Before the listener is added, because the signal may fire meanwhile.
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

function listenerOf(signal: AbortSignal) {
  const waiting = new Set() as Set<{ call: () => void }>
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

/** As an EventTarget does: what one listener throws is an uncaught exception, and the others hear of the abort. */
function callApart(call: () => void) {
  try {
    call()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
