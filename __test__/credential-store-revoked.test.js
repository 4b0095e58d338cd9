// revoke() of a stored login: it holds for the login, whatever token it has by then and whoever got it.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { CredentialStore, buildProviderEnv, restore, revoke, spawnProvider } = require('../index.js')
const { SOON, makeDir, openLogin } = require('./support/stored-login.js')
const { loginDocument, writeLogin } = require('./support/token-endpoint.js')

const REVOKED = { code: 'ERR_PROVIDER_CREDENTIAL_REVOKED' }
const build = (/** @type {any} */ credentialStore) =>
  buildProviderEnv({ provider: credentialStore.provider }, { credentialStore, workspace: { home: '/tmp' } })

test('what a refresh of a revoked login brings is revoked as well', async (t) => {
  const { store, dir, endpoint } = await openLogin(t)
  const env = build(store)
  revoke(env)
  for (let refresh = 0; refresh < 3; refresh += 1) {
    assert.equal((await store.refresh()).how, 'here')
    assert.throws(() => build(store), REVOKED)
  }
  // Nor does another store of it forget, whenever it was opened, and whoever has refreshed meanwhile.
  store.dispose()
  writeLogin(dir, 'claude', endpoint.issue())
  const other = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url })
  t.after(() => other.dispose())
  assert.throws(() => build(other), REVOKED)
  assert.deepEqual([restore(env), restore(env)], [true, false])
  build(other).dispose()
})

test('a login is the same by whatever path its directory is named', async (t) => {
  const { store, dir, endpoint } = await openLogin(t)
  const link = path.join(makeDir(t), 'link')
  fs.symlinkSync(dir, link)
  revoke(build(store))
  store.dispose()
  // What the CLI has got meanwhile, which no store here has had.
  writeLogin(dir, 'claude', endpoint.issue())
  for (const name of [`${dir}/.`, `${dir}/../${path.basename(dir)}`, `/${dir}`, link, dir]) {
    const other = await CredentialStore.open('claude', { dir: name, tokenUrl: endpoint.url })
    t.after(() => other.dispose())
    assert.throws(() => build(other), REVOKED, name)
  }
})

test('a login is revoked by any token that it has had, and what runs with any of them is listed', {
  skip: process.platform !== 'linux' && 'needs Linux'
}, async (t) => {
  const { store } = await openLogin(t)
  const old = build(store)
  const child = spawnProvider(old, { command: '/bin/sh', args: ['-c', 'sleep 60'], cwd: '/', allowRoot: true, workspaceTrust: 'trusted' })
  t.after(() => child.kill('SIGKILL'))
  await child.spawned
  await store.refresh()
  const env = build(store)
  assert.deepEqual(revoke(env), [child])
  assert.throws(() => build(store), REVOKED)
  assert.throws(() => env.exposeSecrets(), REVOKED)
  restore(old)
  build(store).dispose()
  // By the one before.
  revoke(String(old.credential.fingerprint))
  assert.throws(() => build(store), REVOKED)
})

test('other logins go on, and so does a key that takes the place of another', async (t) => {
  const [one, two] = [await openLogin(t), await openLogin(t, {}, { first: { expiresAt: SOON() } })]
  revoke(build(one.store))
  assert.equal((await two.store.fresh()).how, 'here')
  build(two.store).dispose()
  const keys = CredentialStore.of('codex', 'sk-proj-made-up-revoked-1')
  revoke(build(keys))
  assert.throws(() => build(keys), REVOKED)
  keys.rotate('sk-proj-made-up-revoked-2')
  build(keys).dispose()
  const dir = makeDir(t)
  const put = (/** @type {number} */ number) =>
    fs.writeFileSync(path.join(dir, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: `sk-proj-made-up-stored-${number}` }), { mode: 0o600 })
  put(1)
  const stored = await CredentialStore.open('codex', { dir })
  revoke(build(stored))
  put(2)
  await stored.reload()
  build(stored).dispose()
})

test('nothing that the file says undoes a revocation, as a tenant may write it', async (t) => {
  const { store, file, endpoint } = await openLogin(t, {}, { provider: 'codex' })
  const put = async (/** @type {any} */ more) => {
    const document = loginDocument('codex', endpoint.issue())
    Object.assign(document.tokens, more)
    fs.writeFileSync(file, JSON.stringify(document))
    await store.reload()
  }
  const env = build(store)
  revoke(env)
  for (const account_id of ['acct_another', 'acct_made_up', undefined]) {
    await put({ account_id })
    assert.throws(() => build(store), REVOKED, account_id)
  }
  // A key is another credential. It is no other login.
  fs.writeFileSync(file, JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: 'sk-proj-made-up-for-one-look' }))
  await store.reload()
  build(store).dispose()
  await put({})
  assert.throws(() => build(store), REVOKED)
  restore(env)
  build(store).dispose()
})

test('a login is revoked by the first of many tokens', async (t) => {
  const { store, dir, endpoint } = await openLogin(t)
  const env = build(store)
  for (let edit = 0; edit < 200; edit += 1) {
    writeLogin(dir, 'claude', endpoint.issue())
    await store.reload()
  }
  revoke(env)
  assert.throws(() => build(store), REVOKED)
})

test('in all threads of the process', async (t) => {
  const { store, dir, endpoint } = await openLogin(t)
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { CredentialStore, buildProviderEnv } = require(workerData.index)
    CredentialStore.open('claude', workerData.options).then((credentialStore) => {
      parentPort.on('message', async () => {
        await credentialStore.refresh()
        try { buildProviderEnv({ provider: 'claude' }, { credentialStore, workspace: { home: '/tmp' } }); parentPort.postMessage('built') } catch (error) { parentPort.postMessage(error.code) }
      }).postMessage('open')
    })`
  const worker = new Worker(script, {
    eval: true,
    workerData: { index: path.join(__dirname, '..', 'index.js'), options: { dir, tokenUrl: endpoint.url } }
  })
  t.after(() => worker.terminate())
  await once(worker, 'message')
  revoke(build(store))
  worker.postMessage('go')
  assert.deepEqual(await once(worker, 'message'), [REVOKED.code])
})
