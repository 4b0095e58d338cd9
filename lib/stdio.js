// The option `stdio`: what each of the three standard streams is, as the addon takes it.
'use strict'

const validate = require('./validate.js')

/** A stream to this process; src/node/spawn.rs has the same. */
const PIPE = -1
/** `/dev/null`; src/node/spawn.rs has the same. */
const IGNORE = -2

const WORDS = /** @type {Record<string, (index: number) => number>} */ ({
  pipe: () => PIPE,
  ignore: () => IGNORE,
  inherit: (index) => index
})

/** @param {unknown} value @returns {number[]} */
function readStdio(value = 'pipe') {
  const items = Array.isArray(value) ? value : [value, value, value]
  if (items.length !== 3) throw validate.wrongValue('options.stdio', 'must be one word or an array of three.')
  return Array.from({ length: items.length }, (_, index) => {
    const [name, item] = [`options.stdio[${index}]`, Object.hasOwn(items, index) ? items[index] : undefined]
    if (typeof item === 'number') return /** @type {number} */ (validate.optionalCount(name, item, 2 ** 31 - 1))
    if (typeof item === 'string' && Object.hasOwn(WORDS, item)) return WORDS[item](index)
    throw validate.wrongValue(name, "must be 'pipe', 'ignore', 'inherit' or a descriptor.")
  })
}

module.exports = { IGNORE, PIPE, readStdio }
