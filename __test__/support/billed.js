// A mock that bills: it reports other counts for each request, and knows their sum in our meaning.
'use strict'

const { defaultAnswer } = require('./mock-api/answer.js')
const { startMock } = require('./real-turn.js')

/** @typedef {import('./mock-api/types').MockTurn} MockTurn */
/** @typedef {import('./mock-api/types').Reply} Reply */

/**
 * @param {{ after(fn: () => void): void }} t
 * @param {(turn: MockTurn) => Reply | undefined | Promise<Reply>} [script] What is said other than by default; nothing is billed of what hangs.
 */
async function startBilling(t, script) {
  const sum = { inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }
  let requests = 0
  const answer = async (/** @type {MockTurn} */ turn) => {
    const reply = (await script?.(turn)) ?? defaultAnswer(turn)
    if ('hang' in reply || 'error' in reply || 'failed' in reply || 'cut' in reply) return reply
    requests += 1
    const isClaude = turn.provider === 'claude'
    const usage = {
      input: 1000 + requests,
      cacheRead: 10 * requests,
      cacheWrite: isClaude ? 3 : 0,
      output: 100 + requests,
      reasoning: requests,
      ...reply.usage
    }
    sum.inputTokens += isClaude ? usage.input + usage.cacheRead + usage.cacheWrite : usage.input
    sum.cachedInputTokens += usage.cacheRead
    sum.cacheWriteInputTokens += usage.cacheWrite
    sum.outputTokens += usage.output
    // The mock of the Messages API reports no thinking.
    sum.reasoningTokens += isClaude ? 0 : usage.reasoning
    return { ...reply, usage }
  }
  return { mock: await startMock(t, { answer }), sum, count: () => requests }
}

/** @param {any} usage */
function countsOf({ inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, reasoningTokens }) {
  return { inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, reasoningTokens }
}

/** @param {any} counts @param {any} others */
function minus(counts, others) {
  return Object.fromEntries(Object.entries(countsOf(counts)).map(([name, count]) => [name, count - others[name]]))
}

module.exports = { countsOf, minus, startBilling }
