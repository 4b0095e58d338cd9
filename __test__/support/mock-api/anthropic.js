// The Anthropic Messages API as Claude Code speaks it: its requests, messages, stream events and errors.
'use strict'

const { randomUUID } = require('node:crypto')
const { commandOutput, isUserText, textParts } = require('./text.js')

const SHELL_TOOL = 'Bash'

const NOTHING = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

/** @param {string} prefix */
const newId = (prefix) => `${prefix}_${randomUUID().replaceAll('-', '')}`

/** @type {import('./types').Dialect} */
const anthropic = {
  readTurn(body) {
    let prompt = ''
    /** @type {string[]} */
    let toolResults = []
    for (const message of body?.messages ?? []) {
      if (message?.role !== 'user') continue
      const texts = textParts(message.content).filter(isUserText)
      const results = resultsIn(message.content)
      // A text beside results is a note to them, not a new prompt.
      if (texts.length > 0 && results.length === 0) {
        prompt = texts.join('\n')
        toolResults = []
      }
      toolResults.push(...results)
    }
    return { prompt, toolResults }
  },

  offersShell: (body) => body?.tools?.some((/** @type {any} */ tool) => tool?.name === SHELL_TOOL) ?? false,

  message(body, content) {
    const { usage } = content
    const block = 'text' in content ? { type: 'text', text: content.text } : toolUse(content)
    return {
      id: newId('msg'),
      type: 'message',
      role: 'assistant',
      model: body?.model ?? 'mock',
      content: [block],
      stop_reason: 'text' in content ? 'end_turn' : 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: usage.input,
        cache_creation_input_tokens: usage.cacheWrite,
        cache_read_input_tokens: usage.cacheRead,
        output_tokens: usage.output
      }
    }
  },

  events(message) {
    const [block] = message.content
    const isText = block.type === 'text'
    const started = {
      ...message,
      content: [],
      stop_reason: null,
      usage: { ...message.usage, output_tokens: 1 }
    }
    const delta = isText
      ? { type: 'text_delta', text: block.text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
    const { stop_reason, stop_sequence, usage } = message
    /** @type {[string, Record<string, any>][]} */
    const all = [
      ['message_start', { message: started }],
      ['content_block_start', { index: 0, content_block: isText ? { ...block, text: '' } : { ...block, input: {} } }],
      ['ping', {}],
      ['content_block_delta', { index: 0, delta }],
      ['content_block_stop', { index: 0 }],
      ['message_delta', { delta: { stop_reason, stop_sequence }, usage: { output_tokens: usage.output_tokens } }],
      ['message_stop', {}]
    ]
    return all.map(([event, data]) => ({ event, data: { type: event, ...data } }))
  },

  failure(body, error) {
    const [start] = this.events(this.message(body, { text: '', usage: NOTHING }))
    return [start, { event: 'error', data: this.errorBody(error) }]
  },

  errorBody: ({ type, message }) => ({ type: 'error', error: { type, message }, request_id: newId('req') }),

  models: () => ({
    data: [{ type: 'model', id: 'mock', display_name: 'Mock', created_at: '2026-01-01T00:00:00Z' }],
    has_more: false,
    first_id: 'mock',
    last_id: 'mock'
  })
}

/** @param {Exclude<import('./types').Content, { text: string }>} content */
function toolUse(content) {
  const call =
    'call' in content
      ? { name: content.call, input: content.input }
      : { name: SHELL_TOOL, input: { command: content.run, description: 'Run the command of the mock' } }
  return { type: 'tool_use', id: newId('toolu'), ...call }
}

/**
 * @param {any} content
 * @returns {string[]}
 */
function resultsIn(content) {
  if (!Array.isArray(content)) return []
  return content.filter((part) => part?.type === 'tool_result').map((part) => commandOutput(part.content))
}

module.exports = { anthropic }
