// The WebSocket side of the Responses API in front of a mock that has none (RFC 6455): each `response.create` becomes a POST, and
// each event of its stream a text.
'use strict'

const { createHash, randomUUID } = require('node:crypto')
const http = require('node:http')

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10]

/** @typedef {{ opcode: number, text: string, rsv: number, bytes: number }} Frame bytes: as it came, its head included */

/**
 * Answers an upgrade, without any extension, whatever the client offers.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:stream').Duplex} stream
 * @param {{ upstream: number, onFrame?: (frame: Frame) => void, onAnswered?: () => void, headers?: Record<string, string> }} options `headers`: those of each POST beside the client's own
 */
function serveResponses(request, stream, { upstream, onFrame = () => {}, onAnswered = () => {}, headers = {} }) {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
  const send = (/** @type {number} */ opcode, /** @type {string} */ text) => void stream.write(frameOf(opcode, text))
  let rest = Buffer.alloc(0)
  let turn = Promise.resolve()
  /** @type {Kept} */
  const kept = new Map()
  stream
    .on('error', () => {})
    .on('data', (/** @type {Buffer} */ bytes) => {
      rest = Buffer.concat([rest, bytes])
      for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
        rest = rest.subarray(frame.bytes)
        onFrame(frame)
        const { opcode, text } = frame
        if (opcode === PING) send(PONG, text)
        else if (opcode === CLOSE) stream.end(frameOf(CLOSE, ''))
        else if (opcode === TEXT) turn = turn.then(() => answer(JSON.parse(text), { upstream, headers, kept, send })).then(onAnswered)
      }
    })
  return {
    send: (/** @type {any} */ event) => send(TEXT, JSON.stringify(event)),
    ping: () => send(PING, ''),
    close: () => stream.end(frameOf(CLOSE, ''))
  }
}

/**
 * What a connection has said so far, by the id of the response that it ended with: the API keeps it, and the mock does not.
 * @typedef {Map<string, any[]>} Kept
 */

/**
 * @param {{ type: string, generate?: boolean, previous_response_id?: string, input?: any[] } & Record<string, any>} message
 * @param {{ upstream: number, headers: Record<string, string>, kept: Kept, send: (opcode: number, text: string) => void }} to
 */
async function answer({ type, generate, previous_response_id: previous, ...body }, { upstream, headers, kept, send }) {
  if (type !== 'response.create') return
  const input = [...(kept.get(previous ?? '') ?? []), ...(body.input ?? [])]
  const say = (/** @type {any} */ event) => send(TEXT, JSON.stringify(event))
  // Sent ahead to warm up: there is a response, and nothing in it.
  const events = generate === false ? emptyResponse(body.model) : await ask(upstream, headers, { ...body, input, stream: true })
  for (const event of events) {
    if (event.type === 'response.completed') kept.set(event.response.id, [...input, ...event.response.output])
    say(event)
  }
}

/** @param {number} port @param {Record<string, string>} headers @param {any} body @returns {Promise<any[]>} the events of the answer */
async function ask(port, headers, body) {
  const request = http.request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/v1/responses',
    headers: { 'content-type': 'application/json', ...headers }
  })
  request.end(JSON.stringify(body))
  const response = await new Promise((resolve, reject) => request.on('response', resolve).on('error', reject))
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  if (response.statusCode !== 200) return [{ type: 'error', status: response.statusCode, ...JSON.parse(text) }]
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, event]) => JSON.parse(event))
}

/** @param {string} model */
function emptyResponse(model) {
  const response = { id: `resp_${randomUUID()}`, object: 'response', model, output: [], usage: null, error: null }
  const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress' } },
    { type: 'response.completed', response: { ...response, status: 'completed', usage } }
  ]
}

/** A whole frame at the beginning of these bytes, unmasked. @param {Buffer} bytes @returns {Frame | undefined} */
function readFrame(bytes) {
  if (bytes.length < 2) return undefined
  const [short, isMasked] = [bytes[1] & 0x7f, (bytes[1] & 0x80) !== 0]
  const afterLength = short === 127 ? 10 : short === 126 ? 4 : 2
  const start = afterLength + (isMasked ? 4 : 0)
  if (bytes.length < start) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  if (bytes.length < start + length) return undefined
  const mask = bytes.subarray(afterLength, start)
  const body = bytes.subarray(start, start + length)
  const plain = isMasked ? Buffer.from(body.map((byte, index) => byte ^ mask[index % 4])) : body
  return { opcode: bytes[0] & 0x0f, rsv: (bytes[0] >> 4) & 7, text: plain.toString('utf8'), bytes: start + length }
}

/** What a server sends is not masked. @param {number} opcode @param {string} text */
function frameOf(opcode, text) {
  const body = Buffer.from(text)
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10)
  head[0] = 0x80 | opcode
  if (head.length === 2) head[1] = body.length
  else if (head.length === 4) [head[1]] = [126, head.writeUInt16BE(body.length, 2)]
  else [head[1]] = [127, head.writeBigUInt64BE(BigInt(body.length), 2)]
  return Buffer.concat([head, body])
}

module.exports = { serveResponses }
