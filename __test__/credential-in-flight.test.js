// While an endpoint keeps a request waiting, no copy of what goes over the wire is in memory that a core dump or a fork has:
// neither of a key, nor of a refresh token, nor of new tokens of which the answer broke off, in each phase of a request.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { countInFile } = require('./support/file-search.js')
const { countInMemory } = require('./support/memory-scan.js')
const { makeAuthority, whyNoCertificates } = require('./support/tls.js')
const { writeLogin } = require('./support/token-endpoint.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'asks-with-a-key.js')
const skip =
  process.platform !== 'linux'
    ? 'reads /proc'
    : process.getuid?.() !== 0
      ? 'needs root: reads the memory of another process'
      : whyNoCertificates()
const hasGcore = spawnSync('gcore', [], { encoding: 'utf8' }).error === undefined

const hex = () => randomBytes(40).toString('hex')
const reverse = (/** @type {string} */ text) => [...text].reverse().join('')

/** The middle of a secret: what overwrites its ends when a block is freed does not hide it. @param {string} secret */
const middle = (secret) => Buffer.from(secret.slice(16, -8))

/** @param {any} t @param {any} options */
function start(t, options) {
  const control = `control-${hex()}`
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify({ ...options, control: reverse(control) })], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  return { pid: Number(child.pid), control, said: once(child.stdout, 'data').then(([data]) => String(data).trim()) }
}

/** Resolves with the port of a server that reports when it has the phase's last byte from the client. @param {any} t @param {net.Server} server */
async function listen(t, server) {
  const sockets = new Set()
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return /** @type {net.AddressInfo} */ (server.address()).port
}

/**
 * @typedef {object} Context
 * @property {any} t
 * @property {string} answer   what the endpoint begins to answer, where the phase is one that has an answer
 * @property {{ key: string, cert: string }} tls
 */

/** Each gives where to ask, and a promise that the phase has been reached. @type {Record<string, (context: Context) => Promise<{ url: string, http?: any, reached: Promise<unknown> }>>} */
const PHASES = {
  async 'TLS that is never answered'({ t }) {
    const server = net.createServer((socket) => socket.once('data', () => server.emit('reached')))
    const reached = once(server, 'reached')
    return { url: `https://127.0.0.1:${await listen(t, server)}`, reached }
  },
  async 'a proxy that never answers'({ t }) {
    const server = net.createServer((socket) => socket.once('data', () => server.emit('reached')))
    const reached = once(server, 'reached')
    return { url: 'https://127.0.0.1:9', http: { proxy: `http://127.0.0.1:${await listen(t, server)}` }, reached }
  },
  async 'a request that is never answered, TLS'({ t, tls }) {
    const server = https.createServer(tls, (request) => request.resume().once('end', () => server.emit('reached')))
    const reached = once(server, 'reached')
    return { url: `https://127.0.0.1:${await listen(t, server)}`, reached }
  },
  async 'a request that is never answered, plain'({ t }) {
    const server = http.createServer((request) => request.resume().once('end', () => server.emit('reached')))
    const reached = once(server, 'reached')
    return { url: `http://127.0.0.1:${await listen(t, server)}`, reached }
  },
  async 'an answer that stops in its body, TLS'({ t, tls, answer }) {
    const server = https.createServer(
      tls,
      halfAnswering(answer, () => server.emit('reached'))
    )
    const reached = once(server, 'reached')
    return { url: `https://127.0.0.1:${await listen(t, server)}`, reached }
  },
  async 'an answer that stops in its body, plain'({ t, answer }) {
    const server = http.createServer(halfAnswering(answer, () => server.emit('reached')))
    const reached = once(server, 'reached')
    return { url: `http://127.0.0.1:${await listen(t, server)}`, reached }
  },
  async 'an answer that stops in its headers, plain'({ t, answer }) {
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx-echo: ${answer}`, () => server.emit('reached')))
    })
    const reached = once(server, 'reached')
    return { url: `http://127.0.0.1:${await listen(t, server)}`, reached }
  }
}

/** @param {string} answer @param {() => void} reached @returns {http.RequestListener} */
function halfAnswering(answer, reached) {
  return (request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length + 100 })
      response.write(answer, reached)
    })
  }
}

/** Until the client has read what was sent to it, which only its socket's empty queue shows. @param {number} pid */
async function untilRead(pid) {
  const isEmpty = () => !/:\w{4} \w+:\w{4} 01 \w{8}:(?!0{8})\w{8}/.test(fs.readFileSync(`/proc/${pid}/net/tcp`, 'utf8'))
  for (let looks = 0; looks < 500 && !isEmpty(); looks += 1) await new Promise((resolve) => setTimeout(resolve, 10))
  await new Promise((resolve) => setTimeout(resolve, 100))
}

/** @param {number} pid @param {Record<string, string>} secrets @param {string} control */
function assertGuarded(pid, secrets, control) {
  const found = countInMemory(pid, middle(control))
  assert.ok(found.all > found.guarded, 'the scan finds what is there')
  for (const [name, secret] of Object.entries(secrets)) {
    const { all, guarded } = countInMemory(pid, middle(secret))
    assert.equal(all - guarded, 0, `${name}: ${all} copies, ${guarded} of them guarded`)
  }
}

for (const [phase, begin] of Object.entries(PHASES)) {
  test(`a key that is checked: ${phase}`, { skip, timeout: 60_000 }, async (t) => {
    const authority = makeAuthority(t)
    const key = `sk-proj-${hex()}`
    const { url, http, reached } = await begin({ t, answer: `{"error":{"message":"${key}`, tls: authority.issue('IP:127.0.0.1') })
    const { pid, control } = start(t, {
      what: 'check',
      reversed: reverse(key),
      url,
      ca: authority.ca,
      http: { timeoutMs: 50_000, ...http }
    })
    await reached
    await untilRead(pid)
    assertGuarded(pid, { key }, control)
    assert.ok(countInMemory(pid, middle(key)).guarded > 0, 'it is under way')
  })

  test(`a login that is refreshed: ${phase}`, { skip, timeout: 60_000 }, async (t) => {
    const authority = makeAuthority(t)
    const tokens = { access: `sk-ant-oat01-${hex()}`, refresh: `made-up-rt-${hex()}`, expiresAt: Date.now() + 60_000 }
    const fresh = { access: `sk-ant-oat01-${hex()}`, refresh: `made-up-rt-${hex()}` }
    const answer = JSON.stringify({ access_token: fresh.access, refresh_token: fresh.refresh }).slice(0, -1)
    const { url, http, reached } = await begin({ t, answer, tls: authority.issue('IP:127.0.0.1') })
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-login-'))
    t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
    writeLogin(dir, 'claude', tokens)
    const { pid, control } = start(t, { what: 'refresh', url, ca: authority.ca, dir, http: { timeoutMs: 50_000, ...http } })
    await reached
    await untilRead(pid)
    assertGuarded(pid, { access: tokens.access, refresh: tokens.refresh, newAccess: fresh.access, newRefresh: fresh.refresh }, control)
    assert.ok(countInMemory(pid, middle(tokens.refresh)).guarded > 0, 'it is under way')
  })
}

test('a request that timed out leaves nothing', { skip, timeout: 60_000 }, async (t) => {
  const authority = makeAuthority(t)
  const key = `sk-proj-${hex()}`
  const { url } = await PHASES['an answer that stops in its body, TLS']({
    t,
    answer: `{"error":"${key}`,
    tls: authority.issue('IP:127.0.0.1')
  })
  const { pid, said } = start(t, { what: 'check', reversed: reverse(key), url, ca: authority.ca, http: { timeoutMs: 1000 } })
  assert.equal(await said, 'unreachable')
  assert.equal(countInMemory(pid, middle(key)).all, 0)
})

test("a debugger's dump while a request waits", {
  skip: skip || (hasGcore ? false : 'gcore is not installed (Debian: gdb)'),
  timeout: 120_000
}, async (t) => {
  const authority = makeAuthority(t)
  const key = `sk-proj-${hex()}`
  const { url, reached } = await PHASES['a request that is never answered, TLS']({ t, answer: '', tls: authority.issue('IP:127.0.0.1') })
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-core-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const { pid, control } = start(t, { what: 'check', reversed: reverse(key), url, ca: authority.ca, http: { timeoutMs: 100_000 } })
  await reached
  spawnSync('gcore', ['-o', path.join(dir, 'core'), String(pid)], { timeout: 90_000 })
  // Sixteen bytes of it are as much as a register holds: those of the thread are in a dump too.
  const wanted = [middle(control), ...[8, 24, 40, 56, 72].map((from) => Buffer.from(key.slice(from, from + 16)))]
  const [held, ...pieces] = countInFile(path.join(dir, `core.${pid}`), wanted)
  assert.ok(held > 0, 'the control')
  assert.deepEqual(pieces, [0, 0, 0, 0, 0])
})
