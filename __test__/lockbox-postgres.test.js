// Rows of a lockbox in a real PostgreSQL: stored in and read from `bytea` columns, versioned, and moved by whoever can
// write to the database.
'use strict'

const assert = require('node:assert/strict')
const { createCipheriv, hkdfSync, randomBytes } = require('node:crypto')
const test = require('node:test')
const { Lockbox, buildProviderEnv } = require('../index.js')
const { startPostgres, whyNoPostgres } = require('./support/postgres.js')

const skip = whyNoPostgres()
const MASTER = randomBytes(32)

const TABLE = `
  create table user_secrets (
    user_id text not null,
    name text not null,
    version integer not null,
    is_current boolean not null,
    ciphertext bytea not null,
    iv bytea not null,
    auth_tag bytea not null,
    key_meta text not null default '',
    primary key (user_id, name, version)
  );
  create unique index on user_secrets (user_id, name) where is_current`

const contextOf = (/** @type {any} */ row) => ({ tenant: row.user_id, purpose: 'provider-key', name: row.name, rowVersion: row.version })
const rowOf = (/** @type {any} */ { ciphertext, iv, auth_tag, key_meta }) => ({ ciphertext, iv, authTag: auth_tag, keyMeta: key_meta })

/** @param {any} secret */
function reveal(secret) {
  const env = buildProviderEnv({ apiKey: 'sk-made-up', userEnvKeys: { A: secret } }, { workspace: { home: '/tmp' } })
  const { USER_A } = env.exposeSecrets()
  env.dispose()
  return USER_A
}

/** @param {any} db @param {any} row @param {any} sealed */
async function store(db, { user_id, name, version }, sealed) {
  await db.query('update user_secrets set is_current = false where user_id = $1 and name = $2', [user_id, name])
  const values = [user_id, name, version, sealed.ciphertext, sealed.iv, sealed.authTag, sealed.keyMeta]
  await db.query('insert into user_secrets values ($1, $2, $3, true, $4, $5, $6, $7)', values)
}

/** The current row, its columns as bytes or as text. @param {any} db @param {string} user @param {string} name @param {boolean} [asText] */
async function current(db, user, name, asText = false) {
  const columns = ['ciphertext', 'iv', 'auth_tag'].map((column) => (asText ? `${column}::text` : column)).join(', ')
  const { rows } = await db.query(
    `select user_id, name, version, ${columns}, key_meta from user_secrets where user_id = $1 and name = $2 and is_current`,
    [user, name]
  )
  return rows[0]
}

/** A row as today's JavaScript writes it, of version 2. @param {string} user @param {string} text */
function rowOfToday(user, text) {
  const info = `${user}:provider-key`
  const key = Buffer.from(hkdfSync('sha256', MASTER, 'webalive-oauth-core-v2', info, 32))
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
  return { ciphertext, iv, authTag: cipher.getAuthTag(), keyMeta: `v2:${info}` }
}

test('rows in PostgreSQL', { skip }, async (t) => {
  const db = await startPostgres(t)
  await db.query(TABLE)
  const lockbox = new Lockbox({ masterKeys: [Buffer.from(MASTER)] })
  const alice = { user_id: 'user_alice', name: 'anthropic_api_key', version: 1 }
  const bob = { ...alice, user_id: 'user_bob' }

  await t.test('what was sealed is stored as it is, and opens as bytes and as text', async () => {
    for (const [row, text] of /** @type {[any, string][]} */ ([
      [alice, 'sk-ant-api03-of-alice-é'],
      [bob, 'sk-ant-api03-of-bob']
    ])) {
      await store(db, row, lockbox.seal(Buffer.from(text), contextOf(row)))
      for (const asText of [false, true]) {
        const read = await current(db, row.user_id, row.name, asText)
        assert.equal(typeof read.ciphertext, asText ? 'string' : 'object')
        assert.equal(reveal(lockbox.open(rowOf(read), contextOf(read))), text)
      }
    }
  })

  await t.test('a row of today is read, and resealed as the next version', async () => {
    const row = { user_id: 'user_carol', name: 'anthropic_api_key', version: 4 }
    await store(db, row, rowOfToday(row.user_id, 'sk-ant-api03-of-carol'))
    const read = await current(db, row.user_id, row.name)
    assert.equal(reveal(lockbox.open(rowOf(read), contextOf(read))), 'sk-ant-api03-of-carol')
    const next = { ...row, version: 5 }
    await store(db, next, lockbox.reseal(rowOf(read), contextOf(read), contextOf(next)))
    const after = await current(db, row.user_id, row.name)
    assert.deepEqual([after.version, after.key_meta], [5, `v3:${lockbox.masterKeyIds[0]}`])
    assert.equal(reveal(lockbox.open(rowOf(after), contextOf(after))), 'sk-ant-api03-of-carol')
  })

  await t.test('rows that a database writer moved do not open', async () => {
    const refused = async (/** @type {string} */ user, /** @type {string} */ name) => {
      const read = await current(db, user, name)
      assert.throws(() => lockbox.open(rowOf(read), contextOf(read)), {
        code: 'ERR_PROVIDER_UNSEAL_FAILED',
        message: /^The row does not open\./
      })
    }
    await db.query('begin')
    // Bob's ciphertext under Alice's name.
    await db.query(`update user_secrets a set ciphertext = b.ciphertext, iv = b.iv, auth_tag = b.auth_tag, key_meta = b.key_meta
                    from user_secrets b where a.user_id = 'user_alice' and b.user_id = 'user_bob'`)
    await refused('user_alice', 'anthropic_api_key')
    await db.query('rollback; begin')
    // Alice's row as her other secret.
    await db.query("update user_secrets set name = 'openai_api_key' where user_id = 'user_alice'")
    await refused('user_alice', 'openai_api_key')
    await db.query('rollback; begin')
    // An old version that says that it is a newer one.
    await db.query("update user_secrets set version = 9 where user_id = 'user_alice'")
    await refused('user_alice', 'anthropic_api_key')
    await db.query('rollback; begin')
    // Downgraded.
    await db.query("update user_secrets set key_meta = 'v1' where user_id = 'user_alice'")
    const read = await current(db, 'user_alice', 'anthropic_api_key')
    assert.throws(() => lockbox.open(rowOf(read), contextOf(read)), { code: 'ERR_PROVIDER_UNSEAL_FAILED', message: /of version 1/ })
    const legacy = new Lockbox({ masterKeys: [Buffer.from(MASTER)], allowLegacy: true })
    assert.throws(() => legacy.open(rowOf(read), contextOf(read)), {
      code: 'ERR_PROVIDER_UNSEAL_FAILED',
      message: /^The row does not open\./
    })
    await db.query('rollback')
    const untouched = await current(db, 'user_alice', 'anthropic_api_key')
    assert.equal(reveal(lockbox.open(rowOf(untouched), contextOf(untouched))), 'sk-ant-api03-of-alice-é')
  })

  await t.test('all rows move to a new master key', async () => {
    const next = randomBytes(32)
    const both = new Lockbox({ masterKeys: [Buffer.from(next), Buffer.from(MASTER)] })
    const alone = new Lockbox({ masterKeys: [next] })
    const { rows } = await db.query('select * from user_secrets where is_current')
    for (const row of rows) {
      const { ciphertext, iv, authTag, keyMeta } = both.reseal(rowOf(row), contextOf(row))
      const where = [row.user_id, row.name, row.version]
      await db.query(
        'update user_secrets set ciphertext = $4, iv = $5, auth_tag = $6, key_meta = $7 where user_id = $1 and name = $2 and version = $3',
        [...where, ciphertext, iv, authTag, keyMeta]
      )
    }
    assert.equal(rows.length, 3)
    const read = await current(db, 'user_bob', 'anthropic_api_key')
    assert.equal(reveal(alone.open(rowOf(read), contextOf(read))), 'sk-ant-api03-of-bob')
    assert.throws(() => lockbox.open(rowOf(read), contextOf(read)), { code: 'ERR_PROVIDER_UNSEAL_FAILED' })
  })
})
