// Stands in for every host of the network, in a namespace that a test has to itself: a DNS that answers all names, and a server that
// has a certificate for each, notes what it is sent, and hands the vendors' APIs on to the mock.
'use strict'

const { execFileSync } = require('node:child_process')
const dgram = require('node:dgram')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const path = require('node:path')
const tls = require('node:tls')
const { makeOpenDir } = require('./homes.js')
const { serveResponses } = require('./responses-websocket.js')
const { makeAuthority } = require('./tls.js')

/** Public, as a vendor's is: the broker connects to no other for a vendor's own URL. Here it is an address of `lo`. */
const ADDRESS = '93.184.215.14'
const APIS = ['api.anthropic.com', 'api.openai.com']

/**
 * @typedef {object} Sent
 * @property {string} host
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers by their names in lower case
 * @property {string} body
 */

/** @typedef {(sent: Sent) => { status: number, body: string, type?: string } | undefined} Answer */

/**
 * @param {{ after(fn: () => any): void }} test
 * @param {{ mock: number, answer?: Answer }} options `mock`: the port of the mock API; `answer`: instead of it, and of a 401 elsewhere
 */
async function startVendors(test, { mock, answer = () => undefined }) {
  execFileSync('ip', ['addr', 'add', `${ADDRESS}/32`, 'dev', 'lo'])
  const names = await answerNames(test)
  const { ca, issue } = makeAuthority(test)
  const dir = makeOpenDir('provider-env-vendors-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const authority = path.join(dir, 'ca.pem')
  fs.writeFileSync(authority, ca, { mode: 0o644 })

  /** @type {Sent[]} */
  const sent = []
  const note = (/** @type {http.IncomingMessage} */ { method = '', url = '', headers }, body = '') => {
    const each = {
      host: String(headers.host).replace(/:\d+$/, ''),
      method,
      path: url,
      headers: /** @type {Record<string, string>} */ (headers),
      body
    }
    sent.push(each)
    return each
  }
  const serve = async (/** @type {http.IncomingMessage} */ request, /** @type {http.ServerResponse} */ response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const each = note(request, body)
    const given = answer(each) ?? (APIS.includes(each.host) ? undefined : { status: 401, body: '{"error":{"message":"made up"}}' })
    if (given === undefined) return passOn(request, body, mock, response)
    response.writeHead(given.status, { 'content-type': given.type ?? 'application/json' }).end(given.body)
  }
  const certificates = new Map()
  const contextOf = (/** @type {string} */ name) => {
    if (!certificates.has(name)) certificates.set(name, tls.createSecureContext(issue(`DNS:${name}`)))
    return certificates.get(name)
  }
  const secure = https.createServer({ SNICallback: (name, done) => done(null, contextOf(name)) }, serve)
  const plain = http.createServer(serve)
  secure.on('upgrade', (request, stream) => {
    note(request)
    const { authorization = '' } = request.headers
    serveResponses(request, stream, { upstream: mock, headers: { authorization } })
  })
  for (const [server, port] of /** @type {[https.Server | http.Server, number][]} */ ([
    [secure, 443],
    [plain, 80]
  ])) {
    await once(server.listen(port, ADDRESS), 'listening')
    test.after(() => server.close().closeAllConnections())
  }
  return { authority, sent, names }
}

/** @param {http.IncomingMessage} request @param {string} body @param {number} port @param {http.ServerResponse} response */
function passOn({ method, url, headers }, body, port, response) {
  const onward = http.request({ port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  onward.end(body)
}

/**
 * A DNS at the address that this system asks; every name has the one address.
 * @param {{ after(fn: () => any): void }} test
 * @returns {Promise<Set<string>>} the names that were asked for
 */
async function answerNames(test) {
  const [, address = '127.0.0.1'] = /^nameserver\s+(\d+\.\d+\.\d+\.\d+)/m.exec(fs.readFileSync('/etc/resolv.conf', 'utf8')) ?? []
  if (!address.startsWith('127.')) execFileSync('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo'])
  const dns = dgram.createSocket('udp4')
  test.after(() => dns.close())
  /** @type {Set<string>} */
  const names = new Set()
  dns.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5
    names.add(nameIn(question))
    const isAddress = question.readUInt16BE(end - 4) === 1
    // RFC 1035: an answer, the question, and for an address (type A) one record that points to the question's name.
    const header = Buffer.concat([question.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0])])
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...ADDRESS.split('.').map(Number)])
    dns.send(Buffer.concat([header, question.subarray(12, end), ...(isAddress ? [record] : [])]), from.port, from.address)
  })
  dns.bind(53, address)
  await once(dns, 'listening')
  return names
}

/** The name in a question: labels, each behind its length. @param {Buffer} question */
function nameIn(question) {
  const labels = []
  for (let at = 12; question[at] > 0; at += question[at] + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]))
  return labels.join('.').toLowerCase()
}

module.exports = { startVendors }
