// Reads token counts, and the totals of a thread from the snapshot of an earlier run.
'use strict'

const binding = require('./binding.js')
const validate = require('./validate.js')

const TOKEN_COUNTS = /** @type {(keyof import('../binding').TokenCounts)[]} */ (Object.keys(binding.noTokens()))

/**
 * @param {string} name
 * @param {any} value
 * @returns {number}
 */
function readCount(name, value) {
  return validate.required(name, validate.optionalCount(name, value))
}

/**
 * @param {string} name
 * @param {any} given
 * @returns {import('../binding').TokenCounts}
 */
function readTokens(name, given) {
  return /** @type {any} */ (Object.fromEntries(TOKEN_COUNTS.map((count) => [count, readCount(`${name}.${count}`, given[count])])))
}

/**
 * @param {string} name
 * @param {any} value
 * @returns {import('../binding').ThreadCounts | undefined}
 */
function readThread(name, value) {
  if (value === undefined || value === null) return undefined
  const thread = validate.fields(name, value, ['id', ...TOKEN_COUNTS])
  const id = validate.wellFormed(`${name}.id`, validate.required(`${name}.id`, validate.optionalString(`${name}.id`, thread.id)))
  return { id, tokens: readTokens(name, thread) }
}

/**
 * As the caller sees them: beside what else is told, not below it.
 * @template T
 * @param {T & { tokens: import('../binding').TokenCounts }} counted
 * @returns {Omit<T, 'tokens'> & import('../binding').TokenCounts}
 */
function flat({ tokens, ...rest }) {
  return /** @type {any} */ ({ ...tokens, ...rest })
}

module.exports = { TOKEN_COUNTS, flat, readCount, readThread, readTokens }
