// Reads the option `stdio`: what each of the three standard streams is, in the form that the addon expects.

import type { Stdio } from '../../binding.js'
import * as validate from '../internal/validate.ts'

/**
 * One of the three standard streams: a pipe to this process, `/dev/null`, the same stream of this process, or a
 * descriptor.
 */
export type StdioItem = 'pipe' | 'ignore' | 'inherit' | number

/** A stream to this process. */
export const PIPE: Stdio = Object.freeze({ type: 'pipe' })
/** `/dev/null`. */
export const IGNORE: Stdio = Object.freeze({ type: 'ignore' })

const WORDS = {
  pipe: () => PIPE,
  ignore: () => IGNORE,
  inherit: (number) => ({ type: 'descriptor', number })
} as Record<string, (index: number) => Stdio>

export function readStdio(value: unknown = 'pipe'): Stdio[] {
  const items = Array.isArray(value) ? value : [value, value, value]
  // A descriptor alone, for all three, is a mistake: it is one of the array's.
  if (items.length !== 3 || typeof value === 'number')
    throw validate.wrongValue('options.stdio', 'must be a string or an array of three elements.')
  return [readStream(items, 0), readStream(items, 1), readStream(items, 2)]
}

function readStream(items: unknown[], index: number): Stdio {
  // A hole is nothing, not what `Array.prototype` may have there.
  const item = Object.hasOwn(items, index) ? items[index] : undefined
  if (typeof item === 'string' && Object.hasOwn(WORDS, item)) return WORDS[item](index)
  const name = `options.stdio[${index}]`
  if (typeof item === 'number') return { type: 'descriptor', number: validate.optionalCount(name, item, 2 ** 31 - 1) as number }
  throw validate.wrongValue(name, "must be 'pipe', 'ignore', 'inherit' or a file descriptor.")
}
