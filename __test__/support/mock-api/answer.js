// The script that the mock follows by default.
'use strict'

const RUN = /^run: (.+)$/m

/**
 * `run: <command>` in the prompt makes one shell call, then a text with its output.
 * @param {import('./types').MockTurn} turn
 * @returns {import('./types').Reply}
 */
function defaultAnswer(turn) {
  const command = RUN.exec(turn.prompt)?.[1]
  if (command === undefined) return { text: 'mock answer' }
  return turn.step === 0 ? { run: command } : { text: turn.toolResults.join('\n') }
}

module.exports = { defaultAnswer }
