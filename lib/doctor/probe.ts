// The API that a dry start talks to, on loopback: it says one word to whoever brings the made-up key, and notes who asks.

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

const MAX_BODY_BYTES = 1024 * 1024
/** On loopback anybody on this machine may ask: what is noted of strangers has a bound. */
const MAX_REQUESTS = 64
const WORD = 'well'

export interface Probe {
  /** By provider; undefined if its API is not known here. */
  baseUrl(provider: string): string | undefined
  /** What came of the requests so far. */
  seen(): { requests: number; asked: number; strange: boolean }
  close(): Promise<void>
}

/** @param onQuestion Called before the answer to each question. */
export async function startProbe(key: string, onQuestion: () => Promise<void>): Promise<Probe> {
  const seen = { requests: 0, asked: 0, strange: false }
  const server = http.createServer((request, response) => {
    // A client that goes away in mid-answer is an ordinary event here.
    response.on('error', () => {})
    if (seen.requests >= MAX_REQUESTS) return refuse(response, 503, 'This probe has reached its limit of requests')
    note(seen, request, key)
    serve(request, response, key, onQuestion).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    baseUrl: (provider) => (Object.hasOwn(APIS, provider) ? `${origin}${APIS[provider].below}` : undefined),
    seen: () => ({ ...seen }),
    async close() {
      const closed = once(server, 'close')
      server.close()
      // An idle keep-alive socket would hold it open.
      server.closeAllConnections()
      await closed
    }
  }
}

function note(seen: { requests: number; asked: number; strange: boolean }, { headers }: IncomingMessage, key: string) {
  seen.requests += 1
  const given = credentialsOf(headers)
  if (given.includes(key)) seen.asked += 1
  else if (given.length > 0) seen.strange = true
}

function credentialsOf({ authorization, 'x-api-key': apiKey }: IncomingMessage['headers']) {
  const bearer = authorization?.replace(/^Bearer /i, '')
  return [apiKey, bearer].filter((value) => typeof value === 'string')
}

async function serve(request: IncomingMessage, response: ServerResponse, key: string, onQuestion: () => Promise<void>) {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
  const route = `${request.method} ${pathname}`
  if (request.method === 'POST' && !credentialsOf(request.headers).includes(key)) return refuse(response, 401, 'Not the key of this probe')
  const api = Object.values(APIS).find(({ question }) => question === route)
  if (api) {
    const body = await readBody(request)
    if (body === undefined) return refuse(response, 413, 'The body is too large')
    await onQuestion()
    const message = api.message(body)
    return body?.stream === true ? sendEvents(response, api.events(message)) : sendJson(response, 200, message)
  }
  switch (route) {
    case 'GET /v1/responses':
      // Codex tries a WebSocket first; 426 alone makes it fall back to POST without retries.
      return sendJson(response, 426, { error: { type: 'invalid_request_error', message: 'Upgrade not supported' } })
    case 'GET /v1/models':
      // `models` is the list that Codex reads, `data` is the public API's of both.
      return sendJson(response, 200, { object: 'list', data: [], models: [], has_more: false })
    case 'POST /v1/messages/count_tokens':
      return sendJson(response, 200, { input_tokens: 1 })
    case 'HEAD /':
    case 'HEAD /api/hello':
    case 'GET /api/hello':
      return sendJson(response, 200, { message: 'hello' })
    default:
      return sendJson(response, 404, { type: 'error', error: { type: 'not_found_error', message: `No probe of ${route}` } })
  }
}

/** The parsed JSON; null if it is not JSON, undefined if it is too large. */
async function readBody(request: IncomingMessage): Promise<Question | null | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return null
  }
}

/** For a request whose body is not read to its end: its connection cannot be used again. */
function refuse(response: ServerResponse, status: number, message: string) {
  response.setHeader('connection', 'close')
  sendJson(response, status, { type: 'error', error: { type: 'invalid_request_error', message } })
}

function sendJson(response: ServerResponse, status: number, body: object) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

type Event = [event: string, data: Record<string, unknown>]

function sendEvents(response: ServerResponse, events: Event[]) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const [event, data] of events) response.write(`event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`)
  response.end()
}

/** What is read of a request's body. */
interface Question {
  model?: string
  stream?: boolean
}

/** How a provider's API answers with a word. */
interface Api {
  /** What its base URL ends with. */
  below: string
  question: string
  message(question: Question | null): object
  events(message: object): Event[]
}

/** Anthropic's Messages, as Claude Code reads them. */
const messages: Api = {
  below: '',
  question: 'POST /v1/messages',
  message: (question) => ({
    id: 'msg_probe',
    type: 'message',
    role: 'assistant',
    model: question?.model ?? 'probe',
    content: [{ type: 'text', text: WORD }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 }
  }),
  events: (message) => [
    ['message_start', { message: { ...message, content: [], stop_reason: null } }],
    ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
    ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: WORD } }],
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } }],
    ['message_stop', {}]
  ]
}

const ITEM = {
  id: 'msg_probe',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: WORD, annotations: [] }]
}

/** OpenAI's Responses, as Codex reads them. */
const responses: Api = {
  below: '/v1',
  question: 'POST /v1/responses',
  message: (question) => ({
    id: 'resp_probe',
    object: 'response',
    status: 'completed',
    error: null,
    model: question?.model ?? 'probe',
    output: [ITEM],
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 1,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 2
    }
  }),
  events(response) {
    const all: Event[] = [
      ['response.created', { response: { ...response, status: 'in_progress', output: [], usage: null } }],
      ['response.output_item.added', { output_index: 0, item: { ...ITEM, content: [], status: 'in_progress' } }],
      ['response.output_text.delta', { item_id: ITEM.id, output_index: 0, content_index: 0, delta: WORD }],
      ['response.output_item.done', { output_index: 0, item: ITEM }],
      ['response.completed', { response }]
    ]
    return all.map(([event, data], index) => [event, { sequence_number: index, ...data }])
  }
}

const APIS: Record<string, Api> = { claude: messages, codex: responses }
