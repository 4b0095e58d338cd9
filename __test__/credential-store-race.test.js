// Eight processes keep one login fresh through 200 expiries: one request for each, by the lock of the machine, and by a
// Redis for two machines with a file each. The refresh tokens can be used once.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { until } = require('./support/kernel.js')
const { startRedis, whyNoRedis } = require('./support/redis.js')
const { startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'refreshes-a-login.js')
const PROCESSES = 8
const EXPIRIES = 200
const LIFETIME_MS = 100

/**
 * @param {any} t
 * @param {object} options
 * @param {number} options.hosts machines, each with its own file
 * @param {number} [options.lifetimeMs]
 * @param {any} [options.more]
 */
async function race(t, { hosts, lifetimeMs = LIFETIME_MS, more }) {
  const endpoint = await startTokenEndpoint(t, { lifetimeMs })
  const first = endpoint.issue()
  const files = Array.from({ length: hosts }, () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-race-'))
    t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
    return writeLogin(dir, 'claude', first)
  })
  const processes = Array.from({ length: PROCESSES }, (_, index) => {
    const options = { dir: path.dirname(files[index % hosts]), tokenUrl: endpoint.url, refreshAheadMs: 0, ...more }
    const child = spawn(process.execPath, [FIXTURE, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    return { child, ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, text }))) }
  })
  await until(`${EXPIRIES} expiries`, () => endpoint.posts.length >= EXPIRIES || processes.some(({ child }) => child.exitCode !== null))
  for (const { child } of processes) child.stdin.end()
  for (const { code, text } of /** @type {any[]} */ (await Promise.all(processes.map(({ ended }) => ended)))) {
    assert.equal(code, 0, text)
    assert.equal(JSON.parse(text).failures, 0)
  }
  return { endpoint, files }
}

/** One request for each expiry: none is refused, and none comes before the token that it replaces has expired. @param {any} endpoint */
function assertOnce({ posts, issued }) {
  assert.ok(posts.length >= EXPIRIES, `${posts.length} expiries`)
  posts.forEach((/** @type {any} */ { outcome, at }, /** @type {number} */ index) => {
    assert.equal(outcome, 'granted', `request ${index}`)
    assert.ok(at >= issued[index].expiresAt - 1, `request ${index} came ${issued[index].expiresAt - at} ms early`)
  })
}

test(`${PROCESSES} processes, ${EXPIRIES} expiries, one file`, async (t) => {
  const { endpoint, files } = await race(t, { hosts: 1 })
  assertOnce(endpoint)
  assert.equal(tokensOf('claude', files[0]).refresh, endpoint.issued.at(-1)?.refresh)
  t.diagnostic(`${endpoint.posts.length} expiries, ${endpoint.posts.length} requests`)
})

test(`two machines' worth of processes, ${EXPIRIES} expiries, a Redis for the lock`, { skip: whyNoRedis() }, async (t) => {
  const redis = { socket: await startRedis(t), master: randomBytes(32).toString('hex') }
  const { endpoint } = await race(t, { hosts: 2, more: { name: 'ws_1', redis } })
  assertOnce(endpoint)
  t.diagnostic(`${endpoint.posts.length} expiries, ${endpoint.posts.length} requests`)
})
