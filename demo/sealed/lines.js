// Messages between the processes of the sealed tenant: JSON, one message per line.
'use strict'

const { createInterface } = require('node:readline')

/** @param {any} stream */
function linesOf(stream) {
  // Made at once: what comes before anyone iterates would be lost.
  return createInterface({ input: stream })[Symbol.asyncIterator]()
}

/**
 * @param {AsyncIterator<string>} lines
 * @param {string} from Who writes them.
 * @returns {Promise<any>}
 */
async function nextMessage(lines, from) {
  const { value, done } = await lines.next()
  if (done) throw new Error(`${from} closed the connection too early`)
  const message = JSON.parse(value)
  if (message.failure) throw new Error(`${from}: ${message.failure}`)
  return message
}

/** @param {unknown} message */
function toLine(message) {
  return `${JSON.stringify(message)}\n`
}

module.exports = { linesOf, nextMessage, toLine }
