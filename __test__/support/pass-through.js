// A proxy that stands where the broker will, on loopback or a Unix socket: it keeps what it was asked, and puts a credential in.
'use strict'

const { createHash } = require('node:crypto')
const http = require('node:http')

/** Those of one connection (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']
const CREDENTIALS = ['authorization', 'x-api-key']

/**
 * @typedef {object} Asked
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers as they were spelled, the credential's value among them
 * @property {boolean} isUpgrade
 * @property {number} headBytes of the request line and the headers
 * @property {number} bodyBytes
 * @property {string} sha256 of the body
 * @property {any} body parsed; null when it is no JSON
 * @property {number} connection which it came by, counted from 0
 * @property {number} at milliseconds since the proxy began
 * @property {number} status of the answer; 0 while there is none
 */

/** @typedef {{ status: number, body?: any, headers?: Record<string, string> }} Answer */

/**
 * @typedef {object} PassThroughOptions
 * @property {number} upstream the port of the API
 * @property {string} [socket] the path of a Unix socket, in place of a port
 * @property {(stream: import('node:net').Socket) => void} [connected] hears of each connection
 * @property {(asked: Asked) => [string, string]} [credential] the header that takes the place of those of the client
 * @property {(request: http.IncomingMessage, stream: import('node:stream').Duplex, asked: Asked) => void} [upgrade] takes a WebSocket; without it, 426
 * @property {(asked: Asked) => Answer | 'reset' | undefined} [refuse] what is answered in place of the API; asked when the body has come
 */

/**
 * @param {{ after(fn: () => any): void }} test
 * @param {PassThroughOptions} options
 */
async function startPassThrough(test, { upstream, socket, credential, refuse = () => undefined, upgrade, connected = () => {} }) {
  const began = Date.now()
  /** @type {Asked[]} */
  const asked = []
  /** @type {WeakMap<import('node:stream').Duplex, number>} */
  const connections = new WeakMap()
  let count = 0

  const note = (/** @type {http.IncomingMessage} */ request, isUpgrade = false) => {
    const each = {
      ...headOf(request),
      isUpgrade,
      bodyBytes: 0,
      sha256: '',
      body: null,
      connection: connections.get(request.socket) ?? -1,
      at: Date.now() - began,
      status: 0
    }
    asked.push(each)
    return each
  }

  const server = http.createServer(async (request, response) => {
    const each = note(request)
    response.on('error', () => {}).on('finish', () => (each.status = response.statusCode))
    const body = await read(request).catch(() => undefined)
    if (body === undefined) return void response.destroy()
    Object.assign(each, { bodyBytes: body.length, sha256: createHash('sha256').update(body).digest('hex'), body: parse(body) })
    const refusal = refuse(each)
    if (refusal === 'reset') return void request.socket.destroy()
    if (refusal) return answer(response, refusal)
    forward(request, response, body, { upstream, credential: credential?.(each) })
  })
  server.on('connection', (stream) => {
    connections.set(stream, count++)
    connected(stream)
  })
  server.on('upgrade', (request, stream) => {
    const each = note(request, true)
    // Codex POSTs at once after 426, and after nothing else.
    stream.on('error', () => {})
    const refused = refuse(each)
    if (upgrade && !refused) return upgrade(request, stream, each)
    const refusal = refused ?? { status: 426 }
    each.status = refusal === 'reset' ? 0 : refusal.status
    if (refusal === 'reset') return void stream.destroy()
    const text = textOf(refusal.body)
    stream.end(
      `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`
    )
  })
  await new Promise((resolve, reject) =>
    server.once('error', reject).listen(socket ?? { port: 0, host: '127.0.0.1' }, () => resolve(undefined))
  )
  test.after(() => server.close().closeAllConnections())
  const { port } = /** @type {any} */ (socket === undefined ? server.address() : { port: 0 })
  return { port, asked, connectionCount: () => count }
}

/** @param {http.IncomingMessage} request */
function headOf({ method = '', url = '', rawHeaders }) {
  const lines = Array.from({ length: rawHeaders.length / 2 }, (_, index) => rawHeaders.slice(index * 2, index * 2 + 2))
  const headBytes = lines.reduce((sum, [name, value]) => sum + name.length + value.length + 4, method.length + url.length + 14)
  return { method, path: url, headers: Object.fromEntries(lines), headBytes }
}

/** @param {http.IncomingMessage} request @returns {Promise<Buffer>} */
async function read(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {Buffer} body
 * @param {{ upstream: number, credential: [string, string] | undefined }} to
 */
function forward({ method, url, headers }, response, body, { upstream, credential }) {
  const dropped = credential ? [...HOP_BY_HOP, ...CREDENTIALS] : HOP_BY_HOP
  const passed = Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.includes(name)))
  if (credential) passed[credential[0]] = credential[1]
  const onward = http.request({ host: '127.0.0.1', port: upstream, method, path: url, headers: passed }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers)
    reply.on('error', () => response.destroy())
    reply.pipe(response)
  })
  response.on('close', () => onward.destroy())
  onward.on('error', () =>
    response.headersSent
      ? response.destroy()
      : answer(response, { status: 502, body: { error: { type: 'api_error', message: 'the API cannot be reached' } } })
  )
  onward.end(body)
}

/** @param {http.ServerResponse} response @param {Answer} what */
function answer(response, { status, body, headers }) {
  const text = textOf(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers }).end(text)
}

/** @param {unknown} body */
const textOf = (body) => (body === undefined ? '' : JSON.stringify(body))

/** @param {Buffer} body */
function parse(body) {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}

module.exports = { startPassThrough }
