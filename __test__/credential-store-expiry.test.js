// CredentialStore: until when a token is good, however the file says so; and what is done if that is unknown.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { CredentialStore, buildProviderEnv } = require('../index.js')
const { startServing } = require('./support/serving.js')
const { makeDir, openLogin } = require('./support/stored-login.js')
const { loginDocument, startTokenEndpoint, writeLogin } = require('./support/token-endpoint.js')

const EXPIRED = 'ERR_PROVIDER_CREDENTIAL_EXPIRED'
const HOUR = 3600_000
const past = Math.floor((Date.now() - HOUR) / 1000) * 1000
const jwt = (/** @type {object} */ claims) =>
  ['{"alg":"none"}', JSON.stringify(claims)].map((part) => Buffer.from(part).toString('base64url')).join('.') + '.c2ln'

/** How each file says it, and the time that it says; null: none that can be read. @type {[string, 'claude' | 'codex', any, number | null][]} */
const WAYS = [
  ['a number', 'claude', past, past],
  ['a string of digits', 'claude', String(past), past],
  ['a date', 'claude', new Date(past).toISOString(), past],
  ['a date with an offset', 'claude', new Date(past + 2 * HOUR).toISOString().replace('Z', '+02:00'), past],
  ['nothing', 'claude', undefined, null],
  ['null', 'claude', null, null],
  ['an object', 'claude', {}, null],
  ['words', 'claude', 'next week', null],
  ['a number in another unit', 'claude', past * 1000, null],
  ['a claim', 'codex', past / 1000, past],
  ['a claim as a string', 'codex', String(past / 1000), past],
  ['a claim as a date', 'codex', new Date(past).toISOString(), past],
  ['no claim', 'codex', undefined, null],
  ['a claim that is null', 'codex', null, null]
]

for (const [name, provider, expiry, expected] of WAYS) {
  test(`${provider}: ${name}`, async (t) => {
    const endpoint = await startTokenEndpoint(t, { provider, instead: async () => ({ status: 400, body: {} }) })
    const dir = makeDir(t)
    const tokens = endpoint.issue()
    const document = loginDocument(provider, {
      ...tokens,
      ...(provider === 'codex' ? { access: jwt({ exp: expiry }) } : { expiresAt: expiry })
    })
    fs.writeFileSync(path.join(dir, provider === 'codex' ? 'auth.json' : '.credentials.json'), JSON.stringify(document), { mode: 0o600 })
    const store = await CredentialStore.open(provider, { dir, tokenUrl: endpoint.url })
    t.after(() => store.dispose())
    assert.equal(store.expiresAt?.getTime() ?? null, expected)
    const fresh = () =>
      store.fresh().then(
        ({ how, failure }) => [how, failure?.code],
        ({ code }) => code
      )
    const build = () =>
      buildProviderEnv(
        { provider },
        { credentialStore: store, workspace: { home: '/tmp', ...(provider === 'codex' && { codexHome: dir }) } }
      ).dispose()
    if (expected === null) {
      // It may be good still, so it serves; but it is refreshed, and not with each call.
      assert.deepEqual([await fresh(), await fresh()], Array(2).fill(['not-needed', 'ERR_PROVIDER_REFRESH_FAILED']))
      assert.equal(endpoint.posts.length, 1)
      build()
    } else {
      assert.equal(await fresh(), 'ERR_PROVIDER_REFRESH_FAILED')
      assert.throws(build, { code: EXPIRED })
    }
  })
}

test('a token without a time is refreshed once, and what the answer says is remembered', async (t) => {
  for (const provider of /** @type {const} */ (['claude', 'codex'])) {
    const { endpoint, dir, file, store } = await openLogin(
      t,
      {},
      {
        provider,
        first: provider === 'codex' ? { access: 'opaque' } : { expiresAt: undefined },
        ...(provider === 'codex' && {
          instead: async () => ({ status: 200, body: { access_token: 'opaque-2', refresh_token: 'rt-2', expires_in: 7200 } })
        })
      }
    )
    assert.deepEqual([store.expiresAt, (await store.fresh()).how], [null, 'here'], provider)
    const left = Number(store.expiresAt) - Date.now()
    assert.ok(left > (provider === 'codex' ? 7000_000 : 3500_000), `${provider}: ${left}`)
    for (let call = 0; call < 3; call += 1) assert.equal((await store.fresh()).how, 'not-needed')
    // Another process has only the file, which says when it was refreshed.
    const other = await CredentialStore.open(provider, { dir, tokenUrl: endpoint.url })
    t.after(() => other.dispose())
    assert.equal((await other.fresh()).how, 'not-needed')
    assert.equal(endpoint.posts.length, 1)
    assert.ok(fs.existsSync(file))
  }
})

test('a token without a time and without a refresh token serves on', async (t) => {
  const { store, endpoint } = await openLogin(t, {}, { first: { expiresAt: undefined, refresh: '' } })
  assert.deepEqual([(await store.fresh()).how, (await store.refresh()).how, endpoint.posts.length], ['not-needed', 'not-needed', 0])
})

test('a life that an answer gives as a string is read', async (t) => {
  const { store } = await openLogin(
    t,
    {},
    {
      first: { expiresAt: past },
      instead: async () => ({ status: 200, body: { access_token: 'sk-ant-oat01-x', refresh_token: 'r', expires_in: '7200' } })
    }
  )
  const { expiresAt } = await store.fresh()
  assert.ok(Math.abs(Number(expiresAt) - Date.now() - 2 * HOUR) < 60_000)
})

test('a clock that stood wrong once is not believed for good', {
  skip: process.platform === 'linux' ? spawnSync('cc', ['--version']).error && 'needs a C compiler' : 'needs Linux'
}, async (t) => {
  const clocks = makeDir(t)
  const [library, wrong] = [path.join(clocks, 'clock.so'), path.join(clocks, 'seconds')]
  assert.equal(
    spawnSync('cc', ['-shared', '-fPIC', '-o', library, path.join(__dirname, 'fixtures', 'clock.c'), '-ldl'], { stdio: 'inherit' }).status,
    0
  )
  const TEN_YEARS = 10 * 365 * 24 * 3600
  for (const [seconds, posts] of [
    [7200, 1],
    [-7200, 0],
    [TEN_YEARS, 1]
  ]) {
    const endpoint = await startTokenEndpoint(t)
    const dir = makeDir(t)
    const file = writeLogin(dir, 'claude', endpoint.issue())
    const set = (/** @type {number} */ value) => fs.writeFileSync(wrong, String(value))
    set(0)
    const { child, ask, ended } = startServing(t, { env: { ...process.env, LD_PRELOAD: library, TEST_CLOCK: wrong } })
    await ask('open', { dir, tokenUrl: endpoint.url })
    set(seconds)
    await ask('fresh')
    set(0)
    const { expiresAt, failure } = await ask('fresh')
    const inFile = JSON.parse(fs.readFileSync(file, 'utf8')).claudeAiOauth.expiresAt
    for (const at of [Date.parse(expiresAt), inFile])
      assert.ok(at - Date.now() <= HOUR && at - Date.now() > HOUR - 60_000, `${seconds}: ${(at - Date.now()) / 1000} s`)
    assert.deepEqual([failure, endpoint.posts.length], [null, posts], String(seconds))
    child.stdin.end()
    await ended
  }
})
