// CredentialStore: whose the file, its directory and its lock are, and how large. What others could have put there is not taken.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { CredentialStore } = require('../index.js')
const { LATE, SOON, makeDir, memoryFleet, nextOf, openLogin } = require('./support/stored-login.js')
const { loginDocument, startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

const UNUSABLE = { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' }
const [TENANT, OTHER] = [12345, 12346]
const asRoot = { skip: process.getuid?.() !== 0 && 'needs root' }

test('a directory of somebody else with a file of the owner', asRoot, async (t) => {
  const endpoint = await startTokenEndpoint(t)
  for (const [directoryOf, isGood] of /** @type {const} */ ([
    [TENANT, true],
    [0, true],
    [OTHER, false]
  ])) {
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
    await assert.rejects(
      CredentialStore.open('claude', { dir }),
      (/** @type {any} */ error) => error.code === UNUSABLE.code && error.message.includes('chmod go-w')
    )
    assert.equal((await store.fresh()).failure?.code, UNUSABLE.code)
  }
  assert.deepEqual([fs.readFileSync(file), endpoint.posts.length], [before, 0])
  fs.chmodSync(dir, 0o1777)
  assert.equal((await store.fresh()).how, 'here')
})

test("the lock and the new file are the login's owner's, who may take the lock after the worker", asRoot, async (t) => {
  const { dir, file, store } = await openLogin(t, {}, { first: { expiresAt: SOON() } })
  fs.chownSync(file, TENANT, OTHER)
  await store.fresh()
  for (const name of [file, path.join(dir, '..credentials.json.lock')]) {
    const { uid, gid, mode } = fs.statSync(name)
    assert.deepEqual([uid, gid, mode & 0o777], [TENANT, OTHER, 0o600], name)
  }
})

test('what somebody else made ready does not take the place of the file', asRoot, async (t) => {
  for (const [owner, isTaken] of /** @type {const} */ ([
    [0, true],
    [OTHER, false]
  ])) {
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

/** What the CLI keeps of MCP servers in the same file. @param {number} bytes */
const servers = (bytes) => ({
  mcpOAuth: Object.fromEntries(
    Array.from({ length: Math.floor(bytes / 1000) }, (_, index) => [`server-${index}`, { accessToken: 'x'.repeat(960) }])
  )
})

test('a file with the logins of many servers', async (t) => {
  for (const bytes of [250_000, 1_500_000, 4_000_000]) {
    const fleet = memoryFleet()
    const { store, file, endpoint } = await openLogin(t, fleet.options(), { first: { expiresAt: SOON() } })
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), ...servers(bytes) }))
    const { how, persisted, failure } = await store.fresh()
    assert.deepEqual([how, persisted, failure], ['here', true, null], String(bytes))
    const document = JSON.parse(fs.readFileSync(file, 'utf8'))
    assert.deepEqual(document.mcpOAuth, servers(bytes).mcpOAuth)
    assert.equal(document.claudeAiOauth.refreshToken, endpoint.issued[1].refresh)
    // The other machines hear of the login, and of nothing else.
    assert.ok(Number(fleet.shared.published?.length) < 10_000, String(fleet.shared.published?.length))
  }
})

test('a file that is too large, or would be with new tokens: nothing is asked', async (t) => {
  for (const bytes of [4_200_000, 5_000_000]) {
    const { store, file, endpoint } = await openLogin(t, {}, { first: { expiresAt: LATE() } })
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), ...servers(bytes) }))
    await assert.rejects(store.fresh(), (/** @type {any} */ error) => error.code === UNUSABLE.code && /4194304/.test(error.message))
    assert.equal(endpoint.posts.length, 0)
  }
})
