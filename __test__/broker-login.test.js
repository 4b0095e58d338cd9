// A stored login is refreshed while a process runs that the broker serves with it.
'use strict'

const { keepFresh } = require('./support/internals.js')
const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { CredentialStore, buildProviderEnv, spawnProvider, startBroker } = require('../index.js')
const { needsLinux, ids, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { until } = require('./support/kernel.js')
const { openLogin } = require('./support/stored-login.js')

const AHEAD_MS = 3600_000

/** A process that runs until it is stopped. @param {any} t */
function startChild(t) {
  const env = buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: workspaceOf(makeHomes({ uid: ids.uid, test: t })) })
  t.after(() => env.dispose())
  const child = spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', 'exec sleep 600'], workspaceTrust: 'trusted' })
  t.after(() => child[Symbol.asyncDispose]())
  return child
}

/** A login whose first token is due in a moment. @param {any} t @param {any} [endpoint] @param {number} [dueIn] */
async function openDue(t, endpoint = {}, dueIn = 700) {
  const first = { expiresAt: Date.now() + AHEAD_MS + dueIn }
  return await openLogin(t, { refreshAheadMs: AHEAD_MS }, { lifetimeMs: 3 * AHEAD_MS, first, ...endpoint })
}

/**
 * Waits until another login, which is due a second later than the tested one, was refreshed: by then, a timer of the tested one
 * would have fired. @param {any} t @param {number} dueIn when the tested login is due
 */
async function afterOthersAreRefreshed(t, dueIn) {
  const { store } = await openDue(t, {}, dueIn + 1000)
  keepFresh(store, startChild(t))
  await until('another login is refreshed', () => store.generation === 2)
}

/** The next warning of ours. @param {any} t @returns {any[]} */
function warnings(t) {
  /** @type {any[]} */
  const heard = []
  const listen = (/** @type {any} */ warning) => void (warning.code === 'PROVIDER_LOGIN_NOT_REFRESHED' && heard.push(warning))
  process.on('warning', listen)
  t.after(() => process.off('warning', listen))
  return heard
}

test('it is refreshed when it is due, once for all processes, and not before', { skip: needsLinux }, async (t) => {
  const { store, endpoint } = await openDue(t)
  for (let count = 0; count < 3; count++) keepFresh(store, startChild(t))
  assert.deepEqual([endpoint.posts.length, store.generation], [0, 1])
  await until('the login is refreshed', () => store.generation === 2)
  assert.deepEqual(
    endpoint.posts.map(({ outcome }) => outcome),
    ['granted']
  )
  assert.ok(endpoint.posts[0].at >= store.expiresAt.getTime() - 3 * AHEAD_MS - 1000)
})

test('a start that the broker serves has the login of its store refreshed, and one with another delivery has not', {
  skip: needsLinux
}, async (t) => {
  t.after(() => startBroker().stop())
  const [brokered, direct] = [await openDue(t), await openDue(t)]
  for (const [{ store }, delivery] of /** @type {const} */ ([
    [brokered, 'broker'],
    [direct, 'fd']
  ])) {
    const env = buildProviderEnv({}, { credentialStore: store, workspace: workspaceOf(makeHomes({ uid: ids.uid, test: t })) })
    t.after(() => env.dispose())
    const child = spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', 'exec sleep 600'], delivery, workspaceTrust: 'trusted' })
    t.after(() => child[Symbol.asyncDispose]())
    await child.spawned
    assert.equal(child.delivery, delivery)
  }
  await until('the login is refreshed', () => brokered.store.generation === 2)
  assert.deepEqual([brokered.endpoint.posts.length, direct.endpoint.posts.length, direct.store.generation], [1, 0, 1])
})

test('it is not refreshed once the last process has ended, also if the first one has not', { skip: needsLinux }, async (t) => {
  const { store, endpoint } = await openDue(t, {}, 1500)
  const children = [startChild(t), startChild(t)]
  for (const child of children) keepFresh(store, child)
  for (const child of children) await child[Symbol.asyncDispose]()
  await afterOthersAreRefreshed(t, 1500)
  assert.deepEqual([endpoint.posts.length, store.generation], [0, 1])
  // The next process has it refreshed at once, because it is due.
  keepFresh(store, startChild(t))
  await until('the login is refreshed', () => store.generation === 2)
})

test('a failure is one warning, and is tried again until it succeeds', { skip: needsLinux }, async (t) => {
  const heard = warnings(t)
  let failures = 0
  const instead = () => (failures < 2 ? Promise.resolve({ status: 503, body: { error: `busy ${(failures += 1)}` } }) : undefined)
  // It expires soon, so that the next try is soon.
  const first = { expiresAt: Date.now() + 12_000 }
  const { store } = await openLogin(t, { refreshAheadMs: AHEAD_MS }, { lifetimeMs: 3 * AHEAD_MS, first, instead })
  keepFresh(store, startChild(t))
  await until('the login is refreshed', () => store.generation === 2)
  assert.equal(failures, 2)
  assert.equal(heard.length, 1)
  assert.equal(heard[0].message, 'The login of claude was not refreshed, and running agents need it. It is tried again.')
  assert.match(heard[0].detail, /^ERR_PROVIDER_REFRESH_FAILED: /)
  assert.ok(!/sk-ant|made-up-rt/.test(heard[0].detail))
})

test('tokens that live for less than refreshAheadMs are not refreshed all the time', { skip: needsLinux }, async (t) => {
  const { store, endpoint } = await openDue(t, { lifetimeMs: 60_000 }, -AHEAD_MS + 30_000)
  keepFresh(store, startChild(t))
  await until('the login is refreshed', () => store.generation === 2)
  await afterOthersAreRefreshed(t, 500)
  assert.equal(endpoint.posts.length, 1)
})

test('a store that is disposed of, a single credential and a token of unknown expiry are left alone', { skip: needsLinux }, async (t) => {
  const heard = warnings(t)
  const child = startChild(t)
  const { store, endpoint } = await openDue(t, {}, 300)
  keepFresh(store, child)
  store.dispose()
  keepFresh(store, child)
  keepFresh(CredentialStore.of('claude', 'sk-ant-api03-made-up'), child)
  const unknown = await openLogin(t, { fields: { expiresAt: 'claudeAiOauth.nothing' } })
  keepFresh(unknown.store, child)
  await afterOthersAreRefreshed(t, 300)
  assert.deepEqual([endpoint.posts.length, unknown.endpoint.posts.length, heard.length], [0, 0, 0])
})

test('its timer does not keep the process running', { skip: needsLinux, timeout: 60_000 }, async (t) => {
  const { dir, endpoint } = await openDue(t, {}, 600_000)
  const script = `
    const { keepFresh } = require(${JSON.stringify(path.join(__dirname, 'support', 'internals.js'))})
    const { CredentialStore } = require(${JSON.stringify(path.join(__dirname, '..'))})
    const { EventEmitter } = require('node:events')
    CredentialStore.open('claude', ${JSON.stringify({ dir, tokenUrl: endpoint.url })}).then((store) => {
      keepFresh(store, new EventEmitter())
      console.log('kept')
    })`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { timeout: 50_000 })
  assert.equal(stdout, 'kept\n')
})
