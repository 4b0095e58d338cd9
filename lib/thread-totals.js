// Reads what a thread had used, as a snapshot of an earlier run has it.
'use strict'

const validate = require('./validate.js')

const COUNTS = /** @type {const} */ (['inputTokens', 'cachedInputTokens', 'cacheWriteInputTokens', 'outputTokens', 'reasoningTokens'])

/**
 * @param {string} name
 * @param {any} value
 * @returns {import('../binding').NativeThreadTotals | undefined}
 */
function readThread(name, value) {
  if (value === undefined || value === null) return undefined
  const thread = validate.object(name, value)
  const id = validate.required(`${name}.id`, validate.optionalString(`${name}.id`, thread.id))
  const counts = COUNTS.map((count) => [count, validate.required(`${name}.${count}`, validate.optionalCount(`${name}.${count}`, thread[count]))])
  return { id, ...Object.fromEntries(counts) }
}

module.exports = { readThread }
