// CredentialStore: an endpoint whose answer has no access token that a launch would take; and a file with such a token.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { test } = require('node:test')
const { CredentialStore, Lockbox, buildProviderEnv } = require('../index.js')
const { LATE, SOON, openLogin } = require('./support/stored-login.js')
const { loginDocument, tokensOf } = require('./support/token-endpoint.js')

const FAILED = 'ERR_PROVIDER_REFRESH_FAILED'
/** What `validateKey` calls invalid. */
const NO_TOKENS = [
  'undefined',
  'null',
  'NaN',
  'your-api-key',
  '$KEY',
  'sk-...abcd',
  '[object Object]',
  'Bearer abc',
  'sk-ant-api03-made-up',
  'sk-proj-made-up',
  '',
  null,
  7
]
const build = (/** @type {any} */ credentialStore) =>
  buildProviderEnv({ provider: 'claude' }, { credentialStore, workspace: { home: '/tmp' } })
const answer = (/** @type {any} */ access_token, /** @type {any} */ more) => ({
  status: 200,
  body: { access_token, expires_in: 3600, ...more }
})

test('the old access token serves on, and the new refresh token is kept and used next', async (t) => {
  for (const access of NO_TOKENS) {
    /** @type {any} */
    let instead = answer(access, { refresh_token: 'made-up-rt-new' })
    const { store, endpoint, file, first } = await openLogin(t, {}, { first: { expiresAt: SOON() }, instead: async () => instead })
    const { how, asked, persisted, failure, fingerprint } = await store.fresh()
    assert.deepEqual([how, asked, persisted, failure?.code, failure?.names], ['not-needed', true, true, FAILED, undefined], String(access))
    assert.equal(fingerprint, store.fingerprint)
    assert.deepEqual(tokensOf('claude', file), { access: first.access, refresh: 'made-up-rt-new' })
    assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).claudeAiOauth.expiresAt, first.expiresAt)
    build(store).dispose()
    const again = await store.fresh()
    assert.deepEqual([again.asked, again.failure?.code, endpoint.posts.length], [false, FAILED, 1])
    instead = answer('sk-ant-oat01-made-up-good', { refresh_token: 'made-up-rt-newest' })
    assert.equal((await store.refresh()).how, 'here')
    assert.deepEqual(
      endpoint.posts.map(({ body }) => body.refresh_token),
      [first.refresh, 'made-up-rt-new']
    )
  }
})

test('once the old one has expired the call rejects, and the refresh token is kept all the same', async (t) => {
  const { store, endpoint, file, first } = await openLogin(
    t,
    {},
    {
      first: { expiresAt: LATE() },
      instead: async () => answer('sk-ant-api03-made-up', { refresh_token: `made-up-rt-${endpoint.posts.length}` })
    }
  )
  await assert.rejects(store.fresh(), { code: FAILED })
  await assert.rejects(store.fresh(), { code: FAILED })
  assert.deepEqual(
    endpoint.posts.map(({ body }) => body.refresh_token),
    [first.refresh, 'made-up-rt-1']
  )
  assert.deepEqual(tokensOf('claude', file), { access: first.access, refresh: 'made-up-rt-2' })
})

test('a fleet hears of the refresh token though the call rejects', async (t) => {
  /** @type {string | null} */
  let left = null
  const fleet = {
    name: 'ws_1',
    lockbox: new Lockbox({ masterKeys: [Buffer.alloc(32, 9)] }),
    withLock: async (/** @type {any} */ _, /** @type {any} */ critical) => void (left = (await critical(left)) ?? left)
  }
  const { store } = await openLogin(t, fleet, {
    first: { expiresAt: LATE() },
    instead: async () => answer('undefined', { refresh_token: 'made-up-rt-new' })
  })
  await assert.rejects(store.fresh(), { code: FAILED })
  assert.ok(left)
})

test('without a refresh token beside it, nothing is kept', async (t) => {
  const { store, file, first } = await openLogin(t, {}, { first: { expiresAt: SOON() }, instead: async () => answer('undefined', {}) })
  assert.equal((await store.fresh()).failure?.code, FAILED)
  assert.deepEqual(tokensOf('claude', file), { access: first.access, refresh: first.refresh })
})

test('a file whose access token is none is opened to be refreshed; without a refresh token it is refused by the field', async (t) => {
  const { endpoint, dir, file } = await openLogin(t)
  const put = (/** @type {any} */ refresh) =>
    fs.writeFileSync(file, JSON.stringify(loginDocument('claude', { ...endpoint.issue(), ...refresh, access: 'undefined' })))
  put({})
  const store = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url })
  t.after(() => store.dispose())
  assert.throws(() => build(store), { code: 'ERR_PROVIDER_KEY_MALFORMED', names: ['claudeAiOauth.accessToken'] })
  assert.equal((await store.fresh()).how, 'here')
  build(store).dispose()
  put({ refresh: '' })
  await assert.rejects(CredentialStore.open('claude', { dir, tokenUrl: endpoint.url }), {
    code: 'ERR_PROVIDER_KEY_MALFORMED',
    names: ['claudeAiOauth.accessToken']
  })
})
