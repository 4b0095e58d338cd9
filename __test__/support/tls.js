// A certificate authority of one test's own, and certificates that it issues, made with openssl.
'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const os = require('node:os')
const path = require('node:path')

/** Why there can be none here; false when there can. */
function whyNoCertificates() {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'openssl is not installed'
  }
}

/**
 * @param {{ after(fn: () => any): void }} test
 * @returns {{ ca: string, issue: (names: string) => { key: string, cert: string } }} `names`: as of subjectAltName
 */
function makeAuthority(test) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-ca-'))
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const at = (/** @type {string} */ name) => path.join(dir, name)
  const openssl = (/** @type {string[]} */ ...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=made-up authority')
  let count = 0
  return {
    ca: fs.readFileSync(at('ca.pem'), 'utf8'),
    issue(names) {
      const name = `server-${(count += 1)}`
      fs.writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`)
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=made up')
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`
      )
      return { key: fs.readFileSync(at(`${name}.key`), 'utf8'), cert: fs.readFileSync(at(`${name}.pem`), 'utf8') }
    }
  }
}

/**
 * A server of TLS in front of one without; how often a client connected, what it was sent, and how often a client reported an unknown certificate.
 * @param {{ after(fn: () => any): void }} test
 * @param {{ key: string, cert: string }} certificate
 * @param {number} behind The port of the other.
 */
async function startTlsFront(test, certificate, behind) {
  const seen = { port: 0, connections: 0, requests: 0, refusals: 0, onRefusal: () => {} }
  const server = https.createServer(certificate, (request, response) => {
    seen.requests += 1
    const passed = http.request({ port: behind, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    request.pipe(passed)
  })
  server.on('connection', () => (seen.connections += 1))
  server.on('tlsClientError', () => {
    seen.refusals += 1
    seen.onRefusal()
  })
  // Codex tries a WebSocket first; 426 makes it POST at once.
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  seen.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port
  test.after(() => server.close().closeAllConnections())
  return seen
}

module.exports = { makeAuthority, startTlsFront, whyNoCertificates }
