// Made-up streams of both CLIs, with the sum that they report, and pieces of them cut anywhere: the same for the same seed.
'use strict'

/**
 * Numbers from 0 to below `below` (mulberry32).
 * @param {number} seed
 */
function random(seed) {
  let state = seed >>> 0
  return (/** @type {number} */ below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const NOISE = ['{', '}', '"', '\\', '[', ']', ',', ':', 'ä', '€', '😀', '"type":"result"', '\n']

/** @param {(below: number) => number} next */
const noise = (next) => Array.from({ length: next(60) }, () => NOISE[next(NOISE.length)]).join('')

/**
 * @typedef {object} MadeUp
 * @property {Buffer} bytes
 * @property {import('../../index').TokenCounts & { turns: number, costUsd: number | null }} sum
 */

/**
 * A run of Claude Code: turns of some answers, each reported in several events, as `--output-format stream-json` writes them.
 * @param {number} seed
 * @returns {MadeUp}
 */
function claudeStream(seed) {
  const next = random(seed)
  const sum = zero()
  const lines = []
  let pico = 0
  for (let turn = 0, turns = 1 + next(4); turn < turns; turn += 1) {
    lines.push({ type: 'system', subtype: 'init', tools: [noise(next)], model: 'claude-made-up', apiKeySource: 'ANTHROPIC_API_KEY' })
    const used = { input: 0, read: 0, write: 0, output: 0, thinking: 0 }
    for (let answer = 0, answers = 1 + next(3); answer < answers; answer += 1) {
      const usage = {
        input_tokens: next(5000),
        cache_read_input_tokens: next(9000),
        cache_creation_input_tokens: next(500),
        output_tokens: 1 + next(3)
      }
      const id = `msg_${seed}_${turn}_${answer}`
      for (let block = 0; block <= next(3); block += 1) {
        lines.push({ type: 'assistant', message: { id, model: 'claude-made-up', content: [{ type: 'text', text: noise(next) }], usage } })
      }
      lines.push({ type: 'user', message: { content: [{ type: 'tool_result', content: noise(next) }] } })
      used.input += usage.input_tokens
      used.read += usage.cache_read_input_tokens
      used.write += usage.cache_creation_input_tokens
      used.output += usage.output_tokens + next(900)
      used.thinking += next(20)
    }
    const cost = next(1_000_000)
    pico += cost
    const part = {
      inputTokens: used.input,
      cacheReadInputTokens: used.read,
      cacheCreationInputTokens: used.write,
      outputTokens: used.output,
      thinkingTokens: used.thinking,
      costUSD: cost / 1e6
    }
    sum.inputTokens += used.input + used.read + used.write
    sum.cachedInputTokens += used.read
    sum.cacheWriteInputTokens += used.write
    sum.outputTokens += used.output
    sum.reasoningTokens += used.thinking
    sum.turns += 1
    const session = { modelUsage: { 'claude-made-up': { ...part, inputTokens: sum.inputTokens } }, total_cost_usd: pico / 1e6 }
    lines.push({
      ...session,
      is_error: false,
      subtype: 'success',
      result: noise(next),
      type: 'result',
      model_usage_since_last_result: { 'claude-made-up': part }
    })
  }
  return { bytes: toBytes(lines), sum: { ...sum, costUsd: pico / 1e6 } }
}

/**
 * A run of Codex, with failures that pass.
 * @param {number} seed
 * @returns {MadeUp}
 */
function codexStream(seed) {
  const next = random(seed)
  const usage = {
    input_tokens: next(90_000),
    cached_input_tokens: next(9000),
    cache_write_input_tokens: next(10),
    output_tokens: next(9000),
    reasoning_output_tokens: next(900)
  }
  const lines = [{ type: 'thread.started', thread_id: `made-up-${process.pid}-${seed}` }, { type: 'turn.started' }]
  for (let item = 0; item < next(6); item += 1) {
    lines.push(
      /** @type {any} */ ({
        type: 'item.completed',
        item: { id: `item_${item}`, type: 'agent_message', text: noise(next), usage: { input_tokens: 9 } }
      })
    )
    if (next(3) === 0) lines.push(/** @type {any} */ ({ type: 'error', message: `Reconnecting... 1/5 (${noise(next)})` }))
  }
  lines.push(/** @type {any} */ ({ type: 'turn.completed', usage }))
  const sum = {
    inputTokens: usage.input_tokens,
    cachedInputTokens: usage.cached_input_tokens,
    cacheWriteInputTokens: usage.cache_write_input_tokens,
    outputTokens: usage.output_tokens,
    reasoningTokens: usage.reasoning_output_tokens
  }
  return { bytes: toBytes(lines), sum: { ...sum, turns: 1, costUsd: null } }
}

const zero = () => ({ inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningTokens: 0, turns: 0 })

/** @param {unknown[]} lines */
const toBytes = (lines) => Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

/**
 * Pieces of 1 to `most` bytes.
 * @param {Buffer} bytes
 * @param {number} seed
 * @param {number} most
 */
function cut(bytes, seed, most) {
  const next = random(seed)
  const pieces = []
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + 1 + next(most))
    pieces.push(bytes.subarray(from, to))
    from = to
  }
  return pieces
}

module.exports = { claudeStream, codexStream, cut, random, zero }
