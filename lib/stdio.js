// Reads the option `stdio`: what each of the three standard streams is, in the form that the addon expects.
'use strict'

const validate = require('./validate.js')

/** @typedef {import('../binding').Stdio} Stdio */

/** A stream to this process. @type {Stdio} */
const PIPE = Object.freeze({ type: 'pipe' })
/** `/dev/null`. @type {Stdio} */
const IGNORE = Object.freeze({ type: 'ignore' })

const WORDS = /** @type {Record<string, (index: number) => Stdio>} */ ({
  pipe: () => PIPE,
  ignore: () => IGNORE,
  inherit: (number) => ({ type: 'descriptor', number })
})

/** @param {unknown} value @returns {Stdio[]} */
function readStdio(value = 'pipe') {
  const items = Array.isArray(value) ? value : [value, value, value]
  // A descriptor alone, for all three, is a mistake: it is one of the array's.
  if (items.length !== 3 || typeof value === 'number') throw validate.wrongValue('options.stdio', 'must be a string or an array of three elements.')
  return [readStream(items, 0), readStream(items, 1), readStream(items, 2)]
}

/**
 * @param {unknown[]} items
 * @param {number} index
 * @returns {Stdio}
 */
function readStream(items, index) {
  // A hole is nothing, not what `Array.prototype` may have there.
  const item = Object.hasOwn(items, index) ? items[index] : undefined
  if (typeof item === 'string' && Object.hasOwn(WORDS, item)) return WORDS[item](index)
  const name = `options.stdio[${index}]`
  if (typeof item === 'number') return { type: 'descriptor', number: /** @type {number} */ (validate.optionalCount(name, item, 2 ** 31 - 1)) }
  throw validate.wrongValue(name, "must be 'pipe', 'ignore', 'inherit' or a file descriptor.")
}

module.exports = { IGNORE, PIPE, readStdio }
