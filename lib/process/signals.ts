// The signals of this system, by name and number.

import { builtin } from '../internal/builtins.ts'
import { nodeTypeError } from '../internal/errors.ts'

/** The numbers of signals on this system, by their names. */
function numbers(): Record<string, number> {
  return builtin('os').constants.signals
}

export function signalNumber(signal: unknown): number {
  const signals = numbers()
  if (typeof signal === 'number' && Object.values(signals).includes(signal)) return signal
  // In whatever case, as Node has it.
  if (typeof signal === 'string' && Object.hasOwn(signals, signal.toUpperCase())) return signals[signal.toUpperCase()]
  throw nodeTypeError('ERR_UNKNOWN_SIGNAL', 'The signal does not exist on this system.')
}

export function signalName(number: number): NodeJS.Signals | null {
  const found = Object.entries(numbers()).find(([, value]) => value === number)
  return (found?.[0] ?? null) as NodeJS.Signals | null
}
