// CredentialStore: what is in the file and what is not, and whose login counts when both have one.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { test } = require('node:test')
const { SOON, nextOf, openLogin } = require('./support/stored-login.js')
const { tokensOf, writeLogin } = require('./support/token-endpoint.js')

/** A store whose new tokens could not be written, and whose directory stays blocked until `unblock`. @param {any} t */
async function unsaved(t) {
  let block = () => {}
  const context = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: async () => block() })
  const next = nextOf(context.file)
  block = () => {
    fs.rmSync(next)
    fs.mkdirSync(next)
  }
  const { how, persisted, failure } = await context.store.fresh()
  assert.deepEqual([how, persisted, failure?.code], ['here', false, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'])
  block = () => {}
  return { ...context, unblock: () => fs.rmdirSync(next) }
}

test('while the file has the used-up token, every answer says so, and fresh() tries again', async (t) => {
  const { store, file, first, endpoint, unblock } = await unsaved(t)
  for (const call of /** @type {const} */ (['fresh', 'reload', 'fresh'])) {
    const { how, persisted, failure } = await store[call]()
    assert.deepEqual([how, persisted, failure?.code], ['not-needed', false, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'], call)
    assert.equal(tokensOf('claude', file).refresh, first.refresh)
  }
  unblock()
  const { how, persisted, failure } = await store.fresh()
  assert.deepEqual([how, persisted, failure], ['not-needed', true, null])
  assert.deepEqual(tokensOf('claude', file), { access: endpoint.issued[1].access, refresh: endpoint.issued[1].refresh })
  assert.equal(endpoint.posts.length, 1)
})

test('a refresh that fails before it looks at the file does not say that the file is up to date', async (t) => {
  const { store, dir } = await unsaved(t)
  fs.renameSync(dir, `${dir}.away`)
  t.after(() => fs.rmSync(`${dir}.away`, { recursive: true }))
  const { persisted, failure } = await store.fresh()
  assert.deepEqual([persisted, failure?.code], [false, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'])
})

test('a login that a person has renewed meanwhile is not replaced by tokens that were kept', async (t) => {
  const { store, dir, file, unblock } = await unsaved(t)
  unblock()
  const theirs = { access: 'sk-ant-oat01-of-a-new-login', refresh: 'made-up-rt-new-login', expiresAt: Date.now() + 3600_000 }
  writeLogin(dir, 'claude', theirs)
  const before = fs.readFileSync(file)
  const { how, persisted, failure } = await store.reload()
  assert.deepEqual([how, persisted, failure], ['elsewhere', true, null])
  assert.deepEqual(fs.readFileSync(file), before)
  assert.equal((await store.fresh()).how, 'not-needed')
  assert.deepEqual(fs.readFileSync(file), before)
})
