// Checks a caller's AbortSignal, and calls a listener when it is aborted.

import { bare } from './errors.ts'
import * as validate from './validate.ts'

/** Without a prototype, as Node reads other options there. */
const ONCE = bare({ once: true })

export function abortSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const signal = value as AbortSignal
  const isOne = typeof value === 'object' && value !== null && 'aborted' in value
  // Else it would be found out when a process has been started.
  if (isOne && typeof signal.addEventListener === 'function' && typeof signal.removeEventListener === 'function') return signal
  throw validate.wrongType('options.signal', 'an AbortSignal', value)
}

/** Calls a listener once, when the signal fires that has not yet. The returned function takes it away. */
export function onAbort(signal: AbortSignal, listener: () => void) {
  signal.addEventListener('abort', listener, ONCE)
  return () => signal.removeEventListener('abort', listener)
}
