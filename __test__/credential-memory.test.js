// What asks an API with a key, or refreshes a login, leaves no copy of it in the worker's memory: neither of the key, nor of
// tokens, old and new, nor of what is in a login that is only looked at, seen from another process. Requests go over TLS, whose library copies what it sends and receives.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const https = require('node:https')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')
const { test } = require('node:test')
const { countInMemory } = require('./support/memory-scan.js')
const { makeAuthority, whyNoCertificates } = require('./support/tls.js')
const { startTokenEndpoint, writeLogin } = require('./support/token-endpoint.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'asks-with-a-key.js')
const skip =
  process.platform !== 'linux'
    ? 'reads /proc'
    : process.getuid?.() !== 0
      ? 'needs root: reads the memory of another process'
      : whyNoCertificates()

/** @param {any} t @param {any} options */
function startFixture(t, options) {
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  return { pid: Number(child.pid), next, go: () => child.stdin.write('\n') }
}

test('copies of a key that an API was asked about', { skip }, async (t) => {
  const authority = makeAuthority(t)
  const key = `sk-proj-${randomBytes(40).toString('hex')}`
  /** @type {string[]} */
  const seen = []
  const server = https.createServer(authority.issue('IP:127.0.0.1'), (request, response) => {
    seen.push(String(request.headers.authorization))
    response.end('{}')
  })
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const { pid, next, go } = startFixture(t, {
    what: 'check',
    reversed: [...key].reverse().join(''),
    url: `https://127.0.0.1:${port}`,
    ca: authority.ca
  })
  assert.equal(await next(), 'valid')
  assert.deepEqual(seen, [`Bearer ${key}`])
  const left = countInMemory(pid, Buffer.from(key.slice(8)))
  t.diagnostic(`${left.all} copies once it has answered`)
  assert.equal(left.all, 0)
  go()
})

test('copies of the tokens of a login', { skip }, async (t) => {
  const authority = makeAuthority(t)
  const endpoint = await startTokenEndpoint(t, { tls: authority.issue('IP:127.0.0.1') })
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-login-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  writeLogin(dir, 'claude', endpoint.issue())
  const { pid, next, go } = startFixture(t, { what: 'refresh', url: endpoint.url, ca: authority.ca, dir })
  assert.equal(await next(), 'here')
  const [old, fresh] = endpoint.issued
  const count = (/** @type {string} */ token) => countInMemory(pid, Buffer.from(token.slice(11)))
  const held = { oldAccess: count(old.access), oldRefresh: count(old.refresh), access: count(fresh.access), refresh: count(fresh.refresh) }
  t.diagnostic(JSON.stringify(held))
  assert.deepEqual(held.access, { all: 1, guarded: 1 }, 'the token that is in use, once, in guarded memory')
  for (const token of /** @type {const} */ (['oldAccess', 'oldRefresh', 'refresh'])) assert.equal(held[token].all, 0, token)
  go()
  assert.equal(await next(), 'gone')
  assert.equal(count(fresh.access).all, 0, 'after dispose()')
})

test('copies of keys in the wrong places of a login', { skip }, async (t) => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-login-'))
  t.after(() => fs.rmSync(base, { recursive: true, force: true }))
  const makeKey = () => `sk-proj-${randomBytes(24).toString('hex')}`
  // More than one, as a freed copy is soon written over by whoever gets its place.
  const logins = Array.from({ length: 8 }, (_, index) => ({ dir: path.join(base, `home-${index}`), kind: makeKey(), name: makeKey() }))
  for (const { dir, kind, name } of logins) {
    fs.mkdirSync(dir)
    fs.writeFileSync(path.join(dir, 'auth.json'), JSON.stringify({ auth_mode: kind, [name]: { [name]: null } }), { mode: 0o600 })
  }
  const { pid, next, go } = startFixture(t, { what: 'diagnose', dirs: logins.map(({ dir }) => dir) })
  for (const _ of logins) assert.equal(await next(), 'login.valid')
  // Without the 16 bytes that an allocator writes over when it takes a copy back.
  const left = (/** @type {'kind' | 'name'} */ place) => logins.map((login) => countInMemory(pid, Buffer.from(login[place].slice(16))).all)
  const none = logins.map(() => 0)
  assert.deepEqual(left('kind'), none, 'in the place of a kind')
  assert.deepEqual(left('name'), none, 'as the name of a member')
  go()
})
