// CredentialStore: whose the file, its directory and its lock are. What others could have put there is not taken.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { CredentialStore } = require('../index.js')
const { SOON, makeDir, nextOf, openLogin } = require('./support/stored-login.js')
const { loginDocument, startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

const UNUSABLE = { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' }
const [TENANT, OTHER] = [12345, 12346]
const asRoot = { skip: process.getuid?.() !== 0 && 'needs root' }

test('a directory of somebody else with a file of the owner', asRoot, async (t) => {
  const endpoint = await startTokenEndpoint(t)
  for (const [directoryOf, isGood] of /** @type {const} */ ([[TENANT, true], [0, true], [OTHER, false]])) {
    const dir = makeDir(t)
    fs.chownSync(writeLogin(dir, 'claude', endpoint.issue()), TENANT, TENANT)
    fs.chownSync(dir, directoryOf, directoryOf)
    const open = CredentialStore.open('claude', { dir, owner: TENANT })
    if (isGood) (await open).dispose()
    else await assert.rejects(open, UNUSABLE)
  }
})

test('a directory in which others can replace the file', async (t) => {
  const { dir, store, endpoint, file } = await openLogin(t, {}, { first: { expiresAt: SOON() } })
  const before = fs.readFileSync(file)
  for (const mode of [0o777, 0o770]) {
    fs.chmodSync(dir, mode)
    await assert.rejects(CredentialStore.open('claude', { dir }), (/** @type {any} */ error) => error.code === UNUSABLE.code && error.message.includes('chmod go-w'))
    assert.equal((await store.fresh()).failure?.code, UNUSABLE.code)
  }
  assert.deepEqual([fs.readFileSync(file), endpoint.posts.length], [before, 0])
  fs.chmodSync(dir, 0o1777)
  assert.equal((await store.fresh()).how, 'here')
})

test('the lock and the new file are the login\'s owner\'s, who may take the lock after the worker', asRoot, async (t) => {
  const { dir, file, store } = await openLogin(t, {}, { first: { expiresAt: SOON() } })
  fs.chownSync(file, TENANT, OTHER)
  await store.fresh()
  for (const name of [file, path.join(dir, '..credentials.json.lock')]) {
    const { uid, gid, mode } = fs.statSync(name)
    assert.deepEqual([uid, gid, mode & 0o777], [TENANT, OTHER, 0o600], name)
  }
})

test('what somebody else made ready does not take the place of the file', asRoot, async (t) => {
  for (const [owner, isTaken] of /** @type {const} */ ([[0, true], [OTHER, false]])) {
    const { file, store, first } = await openLogin(t)
    const planted = { access: 'sk-ant-oat01-planted', refresh: 'made-up-rt-planted', expiresAt: Date.now() + 3600_000 }
    const next = nextOf(file)
    fs.writeFileSync(next, JSON.stringify(loginDocument('claude', planted)), { mode: 0o600 })
    fs.chownSync(next, owner, owner)
    assert.equal((await store.reload()).how, isTaken ? 'elsewhere' : 'not-needed')
    assert.equal(tokensOf('claude', file).refresh, (isTaken ? planted : first).refresh)
    assert.equal(fs.existsSync(next), false)
  }
})
