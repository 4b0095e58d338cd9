// CredentialStore: fresh(), refresh() and reload() at the same time, and withLock in the hands of others.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { getEventListeners, once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { CredentialStore, buildProviderEnv, spawnProvider } = require('../index.js')
const { until } = require('./support/kernel.js')
const { LATE, SOON, makeDir, memoryFleet, openLogin } = require('./support/stored-login.js')
const { tokensOf, writeLogin } = require('./support/token-endpoint.js')

test('refresh() after reload() asks, and reload() after refresh() waits for it', async (t) => {
  const { store, endpoint } = await openLogin(t)
  const [, two, three] = await Promise.all([store.reload(), store.refresh(), store.reload()])
  assert.equal(endpoint.posts.length, 1)
  assert.deepEqual([two.how, three.how], ['here', 'here'])
})

test('reload() reads the file and asks nobody, also where the token has expired', async (t) => {
  const { store, dir, endpoint, first } = await openLogin(t, {}, { first: { expiresAt: LATE() } })
  assert.deepEqual([(await store.reload()).how, endpoint.posts.length], ['not-needed', 0])
  const other = { ...endpoint.issue(), expiresAt: LATE() }
  writeLogin(dir, 'claude', other)
  const { how, failure, expiresAt } = await store.reload()
  assert.deepEqual([how, failure, Number(expiresAt)], ['elsewhere', null, other.expiresAt])
  // fresh() is not satisfied by it.
  await Promise.all([store.reload(), store.fresh()])
  assert.deepEqual(
    endpoint.posts.map(({ body }) => body.refresh_token),
    [other.refresh]
  )
  assert.notEqual(first.refresh, other.refresh)
})

test('a machine whose refresh token was used up takes the published login, also where its own says that it lasts longer', async (t) => {
  const fleet = memoryFleet()
  const { store, endpoint, first } = await openLogin(t, fleet.options(), { first: { expiresAt: SOON() } })
  assert.equal((await store.fresh()).how, 'here')
  const dir = makeDir(t)
  const file = writeLogin(dir, 'claude', { ...first, expiresAt: Date.now() + 10 * 3600_000 })
  const other = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url, ...fleet.options() })
  t.after(() => other.dispose())
  const { how, failure } = await other.reload()
  assert.deepEqual([how, failure], ['elsewhere', null])
  assert.deepEqual(tokensOf('claude', file), { access: endpoint.issued[1].access, refresh: endpoint.issued[1].refresh })
  assert.equal(endpoint.posts.length, 1)
})

test('withLock that swallows what critical rejected with: the reason is not lost', async (t) => {
  const { store } = await openLogin(
    t,
    {
      ...memoryFleet().options(),
      /** @type {import('../index.js').WithLock} */
      withLock: async (_, critical) => void (await critical(null).catch(() => null))
    },
    { first: { expiresAt: LATE(), refresh: 'made-up-rt-used-before' } }
  )
  await assert.rejects(store.fresh(), { code: 'ERR_PROVIDER_LOGIN_REQUIRED' })
})

test('withLock that fails: the old token serves while it is good, and not afterwards', async (t) => {
  for (const [expiresAt, isGood] of /** @type {const} */ ([
    [SOON(), true],
    [LATE(), false]
  ])) {
    const withLock = async () => {
      throw new Error('Redis is down')
    }
    const { store, endpoint } = await openLogin(t, { ...memoryFleet().options(), withLock }, { first: { expiresAt } })
    const refresh = store.fresh()
    if (isGood) {
      const { how, persisted, failure } = await refresh
      assert.deepEqual([how, persisted, failure?.code], ['not-needed', true, 'ERR_PROVIDER_REFRESH_FAILED'])
    } else {
      await assert.rejects(
        refresh,
        (/** @type {any} */ error) => error.code === 'ERR_PROVIDER_REFRESH_FAILED' && error.cause.message === 'Redis is down'
      )
    }
    assert.equal(endpoint.posts.length, 0)
  }
})

test('withLock that settles without calling what it was given', async (t) => {
  const { store } = await openLogin(t, { ...memoryFleet().options(), withLock: async () => {} }, { first: { expiresAt: SOON() } })
  await assert.rejects(
    store.fresh(),
    (/** @type {any} */ error) => error.code === 'ERR_INVALID_ARG_VALUE' && /without calling/.test(error.message)
  )
})

test('a signal keeps no listener of a wait that has ended', async (t) => {
  const { store } = await openLogin(t)
  const { signal } = new AbortController()
  for (let round = 0; round < 3; round += 1) await store.reload({ signal })
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('an environment that was built while its token was good starts nothing once it has expired', async (t) => {
  // Time is what this is about. Long enough for the next two lines on a machine that is busy.
  const expiresAt = Date.now() + 5000
  const { store } = await openLogin(t, {}, { first: { expiresAt } })
  const env = buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } })
  await until('it has expired', () => Date.now() > expiresAt)
  const expired = { code: 'ERR_PROVIDER_CREDENTIAL_EXPIRED' }
  assert.throws(() => spawnProvider(env, { command: '/bin/true', cwd: '/', allowRoot: true }), expired)
  assert.throws(() => env.exposeSecrets(), expired)
  assert.throws(() => buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } }), expired)
})

test('a token that lives for less than it should be refreshed ahead is refreshed when half of its life is over', async (t) => {
  // Time is what this is about: half of it is long enough for the first three calls on a machine that is busy.
  const lifetimeMs = 12_000
  const { store, endpoint } = await openLogin(t, {}, { lifetimeMs, first: { expiresAt: SOON() } })
  assert.equal((await store.fresh()).how, 'here')
  assert.equal((await store.fresh()).how, 'not-needed')
  assert.equal(endpoint.posts.length, 1)
  await until('it is refreshed', async () => (await store.fresh()).how === 'here')
  const [first, second] = endpoint.posts
  assert.equal(endpoint.posts.length, 2)
  assert.ok(second.at - first.at >= lifetimeMs / 2 - 1, `after ${second.at - first.at} ms`)
  assert.ok(second.at - first.at < lifetimeMs, `after ${second.at - first.at} ms`)
})

test('a file with the same token is no new generation: what was built before starts', async (t) => {
  const { store, dir, first } = await openLogin(t)
  const env = buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } })
  const expiresAt = first.expiresAt + 1000
  writeLogin(dir, 'claude', { ...first, expiresAt })
  const result = await store.reload()
  assert.deepEqual([result.how, result.generation, Number(result.expiresAt)], ['not-needed', 1, expiresAt])
  assert.equal(env.exposeSecrets().CLAUDE_CODE_OAUTH_TOKEN, first.access)
})

test('a kind that the provider does not take: what to give instead', () => {
  assert.throws(
    () => CredentialStore.of('codex', 'made-up-token', { kind: 'oauth-token' }),
    (/** @type {any} */ error) => {
      return (
        error.code === 'ERR_PROVIDER_UNSUPPORTED' && error.names.join() === 'kind' && /api-key.*CredentialStore\.open/.test(error.message)
      )
    }
  )
})

test('logins whose locks tenants hold hold up no other login', async (t) => {
  const { store, dir, endpoint } = await openLogin(t, { timeoutMs: 60_000 })
  const dirs = Array.from({ length: 80 }, () => makeDir(t))
  const locks = dirs.map((each) => path.join(each, '..credentials.json.lock'))
  for (const each of dirs) writeLogin(each, 'claude', endpoint.issue())
  for (const lock of locks) fs.writeFileSync(lock, '', { mode: 0o600 })
  const holder = spawn(
    'bash',
    ['-c', 'for file; do exec {fd}<>"$file"; flock -x "$fd" || exit; done; echo held; exec cat', 'bash', ...locks],
    { stdio: ['pipe', 'pipe', 'inherit'] }
  )
  t.after(() => holder.kill('SIGKILL'))
  assert.equal(String((await once(holder.stdout, 'data'))[0]), 'held\n')
  const stuck = await Promise.all(
    dirs.map((each) => CredentialStore.open('claude', { dir: each, tokenUrl: endpoint.url, timeoutMs: 60_000 }))
  )
  t.after(() => stuck.forEach((each) => each.dispose()))
  let isOver = 0
  const waiting = stuck.map((each) => each.refresh().finally(() => (isOver += 1)))
  assert.equal((await store.refresh()).how, 'here')
  assert.deepEqual([isOver, endpoint.posts.length], [0, 1])
  // Let go of, each goes on.
  holder.kill('SIGKILL')
  assert.deepEqual([...new Set((await Promise.all(waiting)).map(({ how }) => how))], ['here'])
  assert.ok(fs.existsSync(dir))
})

test('no scope of a login becomes a parameter of the request', async (t) => {
  for (const format of /** @type {const} */ (['json', 'form'])) {
    const { store, file, endpoint, first } = await openLogin(t, { format }, { first: { expiresAt: LATE() } })
    const document = JSON.parse(fs.readFileSync(file, 'utf8'))
    const scopes = [
      'user:inference',
      'x","client_id":"another-client","refresh_token":"of-another',
      'y&client_id=another',
      '\\',
      '\n\u2028é'
    ]
    document.claudeAiOauth.scopes = scopes
    fs.writeFileSync(file, JSON.stringify(document))
    assert.equal((await store.fresh()).how, 'here')
    assert.deepEqual(
      endpoint.posts.map(({ body }) => body),
      [
        {
          grant_type: 'refresh_token',
          refresh_token: first.refresh,
          client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
          scope: scopes.join(' ')
        }
      ]
    )
  }
})
