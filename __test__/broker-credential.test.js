// rotate(), revoke() and the revocation of a fingerprint reach agents that run: the next request shows it.
'use strict'

const { KEY, ask, grant, startOne, startUpstream } = require('./support/broker.js')
const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const { CredentialStore, Secret, restore, revoke } = require('../index.js')
const { needsLinux } = require('./support/launch.js')
const { until } = require('./support/kernel.js')

const skip = needsLinux
const keyOf = (/** @type {string} */ name) => `sk-proj-made-up-${name}-`.padEnd(70, '0')
const target = /** @type {const} */ ({ provider: 'codex', workspaceId: 'ws_1' })

test('a rotated key is on the next request of each agent of the workspace, and of no other', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl, keys } = await startUpstream(t)
  const [one, two, other] = [grant(t, { baseUrl }), grant(t, { baseUrl }), grant(t, { baseUrl, workspaceId: 'ws_2' })]
  for (const granted of [one, two, other]) await ask(granted)
  const bytes = Buffer.from(keyOf('bytes'))
  const replaced = broker.rotate(target, bytes)
  assert.ok(replaced >= 1, String(replaced))
  assert.ok(bytes.every((byte) => byte === 0))
  for (const granted of [one, two, other]) await ask(granted)
  using(t, Secret.from(Buffer.from(keyOf('secret'))), (secret) => broker.rotate(target, secret))
  await ask(one)
  broker.rotate(target, keyOf('text'), { kind: 'api-key' })
  await ask(one)
  assert.deepEqual(keys, [KEY, KEY, KEY, keyOf('bytes'), keyOf('bytes'), KEY, keyOf('secret'), keyOf('text')])
  assert.equal(broker.rotate({ provider: 'codex', workspaceId: 'ws_none' }, keyOf('text')), 0)
  assert.equal(broker.rotate({ provider: 'claude', workspaceId: 'ws_1' }, 'sk-ant-api03-made-up'), 0)
})

/** @param {{ after(fn: () => any): void }} t @param {Secret} secret @param {(secret: Secret) => void} use */
function using(t, secret, use) {
  t.after(() => secret.dispose())
  use(secret)
}

test('what is wrong is refused, consumes bytes and changes nothing', { skip }, async (t) => {
  const broker = /** @type {any} */ (startOne(t))
  const { baseUrl, keys } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  /** @type {[any, any, any, string][]} */
  const wrong = [
    [target, 'sk-ant-api03-made-up', undefined, 'ERR_PROVIDER_KEY_WRONG_PROVIDER'],
    [target, 'with space', undefined, 'ERR_PROVIDER_KEY_MALFORMED'],
    [target, keyOf('a'), { kind: 'password' }, 'ERR_INVALID_ARG_VALUE'],
    [target, keyOf('a'), { other: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [target, '', undefined, 'ERR_INVALID_ARG_VALUE'],
    [target, 1, undefined, 'ERR_INVALID_ARG_TYPE'],
    [{ provider: 'other', workspaceId: 'ws_1' }, keyOf('a'), undefined, 'ERR_PROVIDER_UNKNOWN'],
    [{ provider: 'codex' }, keyOf('a'), undefined, 'ERR_INVALID_ARG_VALUE'],
    [{ ...target, workspace: 'ws_1' }, keyOf('a'), undefined, 'ERR_INVALID_ARG_VALUE'],
    [undefined, keyOf('a'), undefined, 'ERR_INVALID_ARG_VALUE'],
    [null, keyOf('a'), undefined, 'ERR_INVALID_ARG_TYPE'],
    [Object.create(target), keyOf('a'), undefined, 'ERR_INVALID_ARG_VALUE']
  ]
  for (const [whose, credential, options, code] of wrong) {
    const given = typeof credential === 'string' && credential ? Buffer.from(credential) : credential
    assert.throws(() => broker.rotate(whose, given, options), { code }, String(code))
    if (Buffer.isBuffer(given)) assert.ok(given.every((byte) => byte === 0))
    if (code !== 'ERR_INVALID_ARG_TYPE' && credential === keyOf('a') && options === undefined)
      assert.throws(() => broker.revoke(whose), { code })
  }
  await ask(granted)
  assert.deepEqual(keys, [KEY])
})

test('revoke() refuses the next request, ends the one in progress, and spares other workspaces', { skip }, async (t) => {
  const broker = startOne(t)
  let waits = true
  const { baseUrl, keys } = await startUpstream(t, (_, response) => void (waits || response.end('{}')))
  const [one, other] = [grant(t, { baseUrl }), grant(t, { baseUrl, workspaceId: 'ws_2' })]
  const inProgress = ask(one).then(
    ({ status }) => status,
    (error) => error.code
  )
  await until('the API was asked', () => keys.length === 1)
  assert.equal(broker.revoke(target), 1)
  assert.notEqual(await inProgress, 200)
  waits = false
  assert.equal((await ask(one)).status, 400)
  assert.equal((await ask(other)).status, 200)
  assert.equal(keys.length, 2)
})

test('the revocation of a fingerprint ends what is in progress with it', { skip }, async (t) => {
  startOne(t)
  const { baseUrl, keys } = await startUpstream(t, () => {})
  const granted = grant(t, { baseUrl })
  const request = http.request(`${granted.address}/responses`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${granted.token}` }
  })
  request.end('{}')
  const ended = Promise.race([once(request, 'response').then(([{ statusCode }]) => statusCode), once(request, 'error').then(() => 'reset')])
  ended.catch(() => {})
  await until('the API was asked', () => keys.length === 1)
  const secret = Secret.from(Buffer.from(KEY))
  t.after(() => restore(secret))
  revoke(secret)
  assert.notEqual(await ended, 200)
  assert.equal((await ask(granted)).status, 400)
  restore(secret)
  secret.dispose()
})

test('an agent uses the newest key of its store', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl, keys } = await startUpstream(t)
  const credentialStore = CredentialStore.of('codex', keyOf('first'))
  t.after(() => credentialStore.dispose())
  const granted = grant(t, { baseUrl, credentialStore })
  await ask(granted)
  credentialStore.rotate(keyOf('second'))
  await ask(granted)
  // The store decides, whatever the broker is told.
  assert.equal(broker.rotate(target, keyOf('third')), 0)
  await ask(granted)
  assert.deepEqual(keys, [keyOf('first'), keyOf('second'), keyOf('second')])
})
