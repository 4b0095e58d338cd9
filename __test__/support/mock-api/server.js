// The HTTP server of the mock: finds the provider and route of a request, and sends the script's reply.
'use strict'

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')
const { anthropic } = require('./anthropic.js')
const { openai } = require('./openai.js')
const { readBody, recordHead } = require('./record.js')
const { cutOff, sendEvents } = require('./sse.js')

/**
 * @typedef {import('./types').RecordedRequest} RecordedRequest
 * @typedef {object} Script
 * @property {RecordedRequest[]} requests
 * @property {NonNullable<import('./types').MockApiOptions['answer']>} answer
 * @property {import('./types').MockUsage} usage
 * @property {string | undefined} credential
 * @property {number} maxBodyBytes
 * @property {number} maxRequests
 */

/** @type {Record<import('./types').MockProvider, import('./types').Dialect>} */
const DIALECTS = { codex: openai, claude: anthropic }

/** @param {Script} script */
function createMockServer(script) {
  return http.createServer((request, response) => {
    // A client that goes away in mid-answer is an ordinary event here.
    response.on('error', () => {})
    serve(script, request, response).catch((error) => {
      if (!response.headersSent) sendJson(response, 500, { error: { type: 'mock_error', message: String(error) } })
      else response.destroy()
    })
  })
}

/**
 * @param {Script} script
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 */
async function serve(script, request, response) {
  const record = recordHead(request)
  const dialect = DIALECTS[record.provider]
  // On loopback anybody on this machine may ask: what is kept of a stranger has a bound.
  if (script.requests.length >= script.maxRequests) return refuse(response, dialect, 503, 'This mock has reached its limit of requests')
  if (record.method === 'POST') {
    if (script.credential !== undefined && !record.credentials.some(({ value }) => value === script.credential)) {
      script.requests.push(record)
      return refuse(response, dialect, 401, 'The credential is not the one of this mock')
    }
    record.body = await readBody(request, script.maxBodyBytes)
    if (record.body === undefined) return refuse(response, dialect, 413, 'The body is too large')
  }
  script.requests.push(record)
  const { pathname } = new URL(record.path, 'http://127.0.0.1')

  switch (`${record.method} ${pathname}`) {
    case 'POST /v1/responses':
    case 'POST /v1/messages':
      return sendReply(script, record, response)
    case 'GET /v1/responses':
      // Codex tries a WebSocket first; 426 alone makes it fall back to POST without retries.
      return sendError(response, dialect, 426, { type: 'invalid_request_error', message: 'The mock does not support upgrades' })
    case 'GET /v1/models':
      return sendJson(response, 200, dialect.models())
    case 'POST /v1/messages/count_tokens':
      return sendJson(response, 200, { input_tokens: script.usage.input })
    case 'HEAD /':
    case 'HEAD /api/hello':
    case 'GET /api/hello':
      return sendJson(response, 200, { message: 'hello' })
    default:
      return sendError(response, dialect, 404, {
        type: record.provider === 'claude' ? 'not_found_error' : 'invalid_request_error',
        message: `The mock does not support ${record.method} ${pathname}`
      })
  }
}

/**
 * @param {Script} script
 * @param {RecordedRequest} record
 * @param {http.ServerResponse} response
 */
async function sendReply(script, record, response) {
  const dialect = DIALECTS[record.provider]
  const { body } = record
  const { prompt, toolResults } = dialect.readTurn(body)
  const reply = await script.answer({
    provider: record.provider,
    credential: record.credential,
    request: record,
    prompt,
    toolResults,
    step: toolResults.length
  })
  if (reply.delayMs) await sleep(reply.delayMs)
  if ('hang' in reply) return
  if ('error' in reply) return sendError(response, dialect, reply.status, reply.error, reply.headers)

  if ('failed' in reply) return sendEvents(response, dialect.failure(body, reply.failed))
  if ('cut' in reply) return cutOff(response, dialect.failure(body, { type: 'cut', message: '' }).slice(0, 1))

  const usage = { ...script.usage, ...reply.usage }
  // Side requests (a title, a summary) quote the prompt but offer no tools: a call would break them.
  const content = 'run' in reply && !dialect.offersShell(body) ? { text: 'mock answer', usage } : { ...reply, usage }
  const message = dialect.message(body, content)
  if (body?.stream === true) sendEvents(response, dialect.events(message))
  else sendJson(response, 200, message)
}

/**
 * @param {http.ServerResponse} response
 * @param {import('./types').Dialect} dialect
 * @param {number} status
 * @param {import('./types').MockError} error
 * @param {Record<string, string>} [headers]
 */
function sendError(response, dialect, status, error, headers) {
  sendJson(response, status, dialect.errorBody(error), headers)
}

/**
 * For a request whose body is not read to its end: its connection cannot be used again.
 * @param {http.ServerResponse} response
 * @param {import('./types').Dialect} dialect
 * @param {number} status
 * @param {string} message
 */
function refuse(response, dialect, status, message) {
  sendError(response, dialect, status, { type: 'invalid_request_error', message }, { connection: 'close' })
}

/**
 * @param {http.ServerResponse} response
 * @param {number} status
 * @param {Record<string, any>} body
 * @param {Record<string, string>} [headers]
 */
function sendJson(response, status, body, headers) {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers
  })
  response.end(text)
}

module.exports = { createMockServer }
