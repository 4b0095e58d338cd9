// Reads what a thread had used, as a snapshot of an earlier run has it.
'use strict'

const { TOKEN_COUNTS, readTokens } = require('./token-counts.js')
const validate = require('./validate.js')

/**
 * @param {string} name
 * @param {any} value
 * @returns {import('../binding').NativeThreadTotals | undefined}
 */
function readThread(name, value) {
  if (value === undefined || value === null) return undefined
  const thread = validate.fields(name, value, ['id', ...TOKEN_COUNTS])
  const id = validate.wellFormed(`${name}.id`, validate.required(`${name}.id`, validate.optionalString(`${name}.id`, thread.id)))
  return { id, tokens: readTokens(name, thread) }
}

module.exports = { readThread }
