// The process that holds a fleet's lock in Redis is killed in the middle of a refresh: the lock runs out, the other machine
// goes on or says that a person must log in again, and all files are whole.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { createClient, startRedis, whyNoRedis } = require('./support/redis.js')
const { LATE, makeDir } = require('./support/stored-login.js')
const { startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'refreshes-a-login.js')
/** Longer than any test: nothing here depends on when it runs out, which the test has it do. */
const LOCK_MS = 3600_000

/** @param {any} t @param {object} options */
function host(t, options) {
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (more) => (text += more))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, said: text ? JSON.parse(text) : null }))
  return { child, ended }
}

/** When the holder is killed: before the endpoint takes its refresh token, or after. */
const MOMENTS = /** @type {const} */ ([
  { name: 'before its refresh token is used up', isSpent: false, posts: 2 },
  { name: 'after its refresh token is used up', isSpent: true, posts: 3 }
])

for (const { name, isSpent, posts } of MOMENTS) {
  test(`killed with Redis's lock, ${name}`, { skip: whyNoRedis() }, async (t) => {
    const socket = await startRedis(t)
    const redis = await createClient(socket)
    t.after(() => redis.end())
    let asked = () => {}
    const asks = new Promise((resolve) => (asked = () => resolve(undefined)))
    /** The first request is never answered. */
    let isFirst = true
    const never = async () => {
      if (!isFirst) return
      isFirst = false
      asked()
      await new Promise(() => {})
    }
    const endpoint = await startTokenEndpoint(t, isSpent ? { beforeAnswer: never } : { instead: async () => void (await never()) })
    const first = { ...endpoint.issue(), expiresAt: LATE() }
    const files = [makeDir(t), makeDir(t)].map((dir) => writeLogin(dir, 'claude', first))
    const options = (/** @type {number} */ index) => ({
      dir: path.dirname(files[index]),
      tokenUrl: endpoint.url,
      refreshAheadMs: 0,
      once: true,
      name: 'ws_1',
      redis: { socket, master, lockMs: LOCK_MS }
    })
    const master = randomBytes(32).toString('hex')

    const holder = host(t, options(0))
    await asks
    assert.notEqual(await redis.command('GET', 'lock:ws_1'), null)
    holder.child.kill('SIGKILL')
    assert.equal((await holder.ended).signal, 'SIGKILL')
    assert.notEqual(await redis.command('GET', 'lock:ws_1'), null, 'nobody has released it')
    for (const file of files) assert.equal(tokensOf('claude', file).refresh, first.refresh)

    assert.equal(await redis.command('PEXPIRE', 'lock:ws_1', '1'), '1', 'it runs out')
    // Both machines, the other one first.
    for (const index of [1, 0]) {
      const { code, said } = await host(t, options(index)).ended
      if (isSpent) assert.deepEqual([code, said.code], [3, 'ERR_PROVIDER_LOGIN_REQUIRED'])
      else assert.deepEqual([code, said], [0, { generation: 2, failures: 0 }])
    }
    const last = isSpent ? first : endpoint.issued[1]
    for (const file of files) assert.deepEqual(tokensOf('claude', file), { access: last.access, refresh: last.refresh })
    assert.equal(endpoint.granted(), 1)
    assert.equal(endpoint.posts.length, posts)
    assert.equal(await redis.command('GET', 'lock:ws_1'), null)
  })
}
