// The OpenAI Responses API as Codex speaks it: its requests, messages, stream events and errors.
'use strict'

const { argumentOf, isToolOutput, newId, shellCall, shellKind, toolCall } = require('./openai-shell.js')
const { commandOutput, isUserText, textParts } = require('./text.js')

/** @type {import('./types').Dialect} */
const openai = {
  readTurn(body) {
    let prompt = ''
    /** @type {string[]} */
    let toolResults = []
    const input = typeof body?.input === 'string' ? [{ role: 'user', content: body.input }] : (body?.input ?? [])
    for (const item of input) {
      if (isToolOutput(item)) {
        toolResults.push(commandOutput(item.output))
      } else if (item?.role === 'user') {
        const texts = textParts(item.content).filter(isUserText)
        if (texts.length === 0) continue
        prompt = texts.join('\n')
        toolResults = []
      }
    }
    return { prompt, toolResults }
  },

  offersShell: (body) => shellKind(body) !== null,

  message(body, content) {
    const { usage } = content
    const item = outputItem(body, content)
    return {
      id: newId('resp'),
      object: 'response',
      created_at: Math.floor(Date.now() / 1000),
      status: 'completed',
      error: null,
      model: body?.model ?? 'mock',
      output: [item],
      usage: {
        input_tokens: usage.input,
        input_tokens_details: { cached_tokens: usage.cacheRead },
        output_tokens: usage.output,
        output_tokens_details: { reasoning_tokens: usage.reasoning },
        total_tokens: usage.input + usage.output
      }
    }
  },

  events(response) {
    const [item] = response.output
    const started = { ...response, status: 'in_progress', output: [], usage: null }
    const at = { item_id: item.id, output_index: 0 }
    const [empty, parts] = EVENTS[item.type]?.(item, at) ?? callEvents(item, at)
    /** @type {[string, Record<string, any>][]} */
    const all = [
      ['response.created', { response: started }],
      ['response.in_progress', { response: started }],
      ['response.output_item.added', { output_index: 0, item: { ...item, ...empty, status: 'in_progress' } }],
      ...parts,
      ['response.output_item.done', { output_index: 0, item }],
      ['response.completed', { response }]
    ]
    return all.map(([event, data], index) => ({ event, data: { type: event, sequence_number: index, ...data } }))
  },

  failure(body, { code, message }) {
    const response = { id: newId('resp'), object: 'response', model: body?.model ?? 'mock', output: [], usage: null }
    const failed = { ...response, status: 'failed', error: { code, message } }
    return [
      {
        event: 'response.created',
        data: { type: 'response.created', sequence_number: 0, response: { ...response, status: 'in_progress', error: null } }
      },
      { event: 'response.failed', data: { type: 'response.failed', sequence_number: 1, response: failed } }
    ]
  },

  errorBody: ({ type, message, code }) => ({ error: { message, type, param: null, code: code ?? null } }),

  // `models` is the list Codex itself reads; `data` is the public API's.
  models: () => ({ object: 'list', data: [{ id: 'mock', object: 'model', created: 0, owned_by: 'mock' }], models: [] })
}

/**
 * @param {any} body
 * @param {import('./types').Content} content
 * @returns {Record<string, any>}
 */
function outputItem(body, content) {
  // Codex requests a summary of the thread in this way, whatever the script would say to its prompt.
  if (body?.input?.at?.(-1)?.type === 'compaction_trigger')
    return { id: newId('cmp'), type: 'compaction', encrypted_content: 'mock summary' }
  if ('call' in content) return toolCall(body, content)
  if ('run' in content) return shellCall(body, content.run)
  return {
    id: newId('msg'),
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: content.text, annotations: [] }]
  }
}

/** @type {Record<string, (item: any, at: Record<string, any>) => [Record<string, any>, [string, Record<string, any>][]]>} */
const EVENTS = { message: textEvents, compaction: () => [{}, []] }

/**
 * @param {any} item
 * @param {Record<string, any>} at
 * @returns {[Record<string, any>, [string, Record<string, any>][]]} what the item lacks at first, and what adds it
 */
function textEvents(item, at) {
  const [part] = item.content
  const place = { ...at, content_index: 0 }
  return [
    { content: [] },
    [
      ['response.content_part.added', { ...place, part: { ...part, text: '' } }],
      ['response.output_text.delta', { ...place, delta: part.text }],
      ['response.output_text.done', { ...place, text: part.text }],
      ['response.content_part.done', { ...place, part }]
    ]
  ]
}

/**
 * @param {any} item
 * @param {Record<string, any>} at
 * @returns {[Record<string, any>, [string, Record<string, any>][]]}
 */
function callEvents(item, at) {
  const { field, event } = argumentOf(item)
  return [
    { [field]: '' },
    [
      [`${event}.delta`, { ...at, delta: item[field] }],
      [`${event}.done`, { ...at, [field]: item[field] }]
    ]
  ]
}

module.exports = { openai }
