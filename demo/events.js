// Reads the answer, the tokens and the shell's output from the events that each CLI writes.
'use strict'

/**
 * @typedef {{ answer: string, tokens: { input: number, cached: number, output: number } | null, shell: string | null, failure: string | null }} Told
 */

/**
 * @param {string} provider
 * @param {any[]} events
 * @returns {Told}
 */
function readEvents(provider, events) {
  return provider === 'codex' ? readCodex(events) : readClaude(events)
}

/** @param {any[]} events @returns {Told} */
function readCodex(events) {
  const items = events.filter((event) => event.type === 'item.completed').map((event) => event.item)
  const usage = events.find((event) => event.type === 'turn.completed')?.usage
  const failed = events.find((event) => event.type === 'turn.failed')
  return {
    answer: items.findLast((item) => item.type === 'agent_message')?.text ?? '',
    tokens: usage ? { input: usage.input_tokens, cached: usage.cached_input_tokens, output: usage.output_tokens } : null,
    shell: items.find((item) => item.type === 'command_execution')?.aggregated_output ?? null,
    failure: failed ? failed.error?.message : null
  }
}

/** @param {any[]} events @returns {Told} */
function readClaude(events) {
  const result = events.find((event) => event.type === 'result')
  const contents = events.filter((event) => event.type === 'user').flatMap((event) => event.message?.content ?? [])
  const output = contents.find((part) => part?.type === 'tool_result')?.content
  const text = Array.isArray(output) ? output.map((part) => part.text ?? '').join('\n') : output
  const { usage } = result ?? {}
  return {
    answer: result?.result ?? '',
    // What came from the cache is not in input_tokens here, as it is with Codex.
    tokens: usage
      ? { input: usage.input_tokens + usage.cache_read_input_tokens, cached: usage.cache_read_input_tokens, output: usage.output_tokens }
      : null,
    shell: text ?? null,
    // `subtype: "success"` is beside errors too.
    failure: result?.is_error ? String(result.result) : result ? null : 'no result'
  }
}

module.exports = { readEvents }
