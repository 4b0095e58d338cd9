// The counts of tokens: their names, the same as in src/node/usage/tokens.rs and types/usage.d.ts, and how they are read.
'use strict'

const validate = require('./validate.js')

const TOKEN_COUNTS = /** @type {const} */ (['inputTokens', 'cachedInputTokens', 'cacheWriteInputTokens', 'outputTokens', 'reasoningTokens'])

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
 * @returns {import('../binding').NativeTokens}
 */
function readTokens(name, given) {
  return /** @type {any} */ (Object.fromEntries(TOKEN_COUNTS.map((count) => [count, readCount(`${name}.${count}`, given[count])])))
}

/**
 * As the caller sees them: beside what else is told, not below it.
 * @template T
 * @param {T & { tokens: import('../binding').NativeTokens }} counted
 * @returns {Omit<T, 'tokens'> & import('../binding').NativeTokens}
 */
function flat({ tokens, ...rest }) {
  return /** @type {any} */ ({ ...tokens, ...rest })
}

module.exports = { TOKEN_COUNTS, flat, readCount, readTokens }
