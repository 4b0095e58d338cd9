// class Lockbox beside Node's own crypto, which is the independent implementation: both ways, and where nothing opens.
'use strict'

const assert = require('node:assert/strict')
const { createCipheriv, createDecipheriv, hkdfSync, randomBytes } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const util = require('node:util')
const { Worker } = require('node:worker_threads')
const test = require('node:test')
const { Lockbox, Secret, buildProviderEnv } = require('../index.js')
const { needsLinux } = require('./support/launch.js')
const { startWorker } = require('./support/worker.js')

const TEXT = 'sk-ant-api03-made-up-é'
const MASTER = randomBytes(32)
const CONTEXT = { tenant: 'tenant_1', purpose: 'anthropic', extra: 'live', name: 'api_key', rowVersion: 7 }

/** A field with its length before it, as src/secret/lockbox/mod.rs describes. @param {string | Buffer} value */
function field(value) {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** @param {any} context */
function version3({ tenant, purpose, extra = '', name, rowVersion }) {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(rowVersion))
  const info = Buffer.concat([tenant, purpose, extra].map(field))
  return { info, aad: Buffer.concat([field('v3'), info, field(name), field(number)]) }
}

const derive = (/** @type {string} */ salt, /** @type {any} */ info) => Buffer.from(hkdfSync('sha256', MASTER, salt, info, 32))
const masterId = derive('webalive-lockbox-v3', 'master key id').toString('hex', 0, 4)

/** Each version's key and associated data. @type {Record<string, (context: any) => { key: Buffer, aad?: Buffer, keyMeta: string }>} */
const VERSIONS = {
  none: () => ({ key: MASTER, keyMeta: '' }),
  v1: () => ({ key: MASTER, keyMeta: 'v1' }),
  v2({ tenant, purpose, extra }) {
    const info = [tenant, purpose, extra].filter((part) => part !== undefined).join(':')
    return { key: derive('webalive-oauth-core-v2', info), keyMeta: `v2:${info}` }
  },
  v3(context) {
    const { info, aad } = version3(context)
    return { key: derive('webalive-lockbox-v3', info), aad, keyMeta: `v3:${masterId}` }
  }
}

const hex = (/** @type {Buffer} */ bytes) => `\\x${bytes.toString('hex')}`

/** A row by Node's crypto. @param {string} version @param {any} [context] @param {string | Buffer} [text] */
function nodeSeal(version, context = CONTEXT, text = TEXT) {
  const { key, aad, keyMeta } = VERSIONS[version](context)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  if (aad) cipher.setAAD(aad)
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
  return { ciphertext, iv, authTag: cipher.getAuthTag(), keyMeta }
}

/** @param {any} row @param {any} [context] */
function nodeOpen(row, context = CONTEXT) {
  const { key, aad } = VERSIONS.v3(context)
  const bytes = (/** @type {string} */ text) => Buffer.from(text.slice(2), 'hex')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes(row.iv)).setAuthTag(bytes(row.authTag))
  if (aad) decipher.setAAD(aad)
  return Buffer.concat([decipher.update(bytes(row.ciphertext)), decipher.final()]).toString()
}

/** @param {any} t @param {any} [options] */
function makeLockbox(t, options) {
  const lockbox = new Lockbox({ masterKeys: [Buffer.from(MASTER)], ...options })
  t.after(() => lockbox.dispose())
  return lockbox
}

/** What a secret holds, by the one way out there is. @param {any} secret */
function reveal(secret) {
  const env = buildProviderEnv({ apiKey: 'sk-made-up', userEnvKeys: { A: secret } }, { workspace: { home: '/tmp' } })
  const { USER_A } = env.exposeSecrets()
  env.dispose()
  return USER_A
}

for (const version of Object.keys(VERSIONS)) {
  test(`a row of Node's crypto opens: ${version}`, (t) => {
    const lockbox = makeLockbox(t, { allowLegacy: true })
    const row = nodeSeal(version)
    for (const columns of [row, { ciphertext: hex(row.ciphertext), iv: hex(row.iv), authTag: hex(row.authTag), keyMeta: row.keyMeta }]) {
      assert.equal(reveal(lockbox.open(columns, CONTEXT)), TEXT)
    }
  })
}

test('a row without keyMeta, as the database has NULL, opens as version 1 where that is allowed, and as nothing else', (t) => {
  const [allowing, other] = [makeLockbox(t, { allowLegacy: true }), makeLockbox(t)]
  for (const version of Object.keys(VERSIONS)) {
    const { keyMeta, ...absent } = nodeSeal(version)
    for (const row of [{ ...absent, keyMeta: null }, { ...absent, keyMeta: undefined }, absent, { ...absent, key_meta: keyMeta }]) {
      if (['none', 'v1'].includes(version)) {
        assert.equal(reveal(allowing.open(row, CONTEXT)), TEXT)
        assert.equal(nodeOpen(allowing.reseal(row, CONTEXT)), TEXT)
      } else {
        assert.throws(
          () => allowing.open(row, CONTEXT),
          {
            code: 'ERR_PROVIDER_UNSEAL_FAILED',
            names: ['keyMeta'],
            message: /no keyMeta, but does not open as version 1.*Select key_meta as "keyMeta"/
          },
          version
        )
      }
      assert.throws(
        () => other.open(row, CONTEXT),
        { code: 'ERR_INVALID_ARG_VALUE', message: /row\.keyMeta is missing\. Select key_meta as "keyMeta"\..*allowLegacy: true/ },
        version
      )
    }
  }
})

test("a row of ours opens in Node's crypto", (t) => {
  const lockbox = makeLockbox(t)
  const bytes = Buffer.from(TEXT)
  for (const context of [CONTEXT, { ...CONTEXT, extra: undefined, rowVersion: Number.MAX_SAFE_INTEGER }]) {
    for (const input of [Secret.from(Buffer.from(TEXT)), Buffer.from(TEXT)]) {
      const row = lockbox.seal(input, context)
      assert.equal(nodeOpen(row, context), TEXT)
      assert.equal(row.keyMeta, `v3:${masterId}`)
    }
  }
  lockbox.seal(bytes, CONTEXT)
  assert.deepEqual(bytes, Buffer.alloc(bytes.length), 'bytes are consumed')
  const spoiled = Buffer.from(TEXT)
  assert.throws(() => lockbox.seal(spoiled, /** @type {any} */ ({})), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /context\.tenant is missing/
  })
  assert.deepEqual(spoiled, Buffer.alloc(spoiled.length), 'also when the call is refused')
})

/** @param {() => unknown} open */
function refusal(open) {
  try {
    open()
  } catch (error) {
    const { code, message } = /** @type {any} */ (error)
    return `${code}: ${message}`
  }
  return assert.fail('it opened')
}

test('what was moved, changed or downgraded does not open, and is refused with one text', (t) => {
  const lockbox = makeLockbox(t, { allowLegacy: true })
  /** @type {[string, any, any][]} */
  const attempts = []
  for (const version of ['v2', 'v3']) {
    const row = nodeSeal(version)
    const moves = [
      { tenant: 'tenant_2' },
      { purpose: 'openai' },
      { extra: 'test' },
      { extra: undefined },
      ...(version === 'v3' ? [{ name: 'other' }, { rowVersion: 6 }] : [])
    ]
    for (const move of moves) attempts.push([`${version} ${JSON.stringify(move)}`, row, { ...CONTEXT, ...move }])
    for (const keyMeta of [
      '',
      'v1',
      'v2:tenant_1:anthropic:live',
      `v3:${masterId}`,
      'v3:00000000',
      'v4:x',
      'v2',
      'v2:tenant_2:anthropic:live'
    ]) {
      if (keyMeta !== row.keyMeta) attempts.push([`${version} as ${keyMeta}`, { ...row, keyMeta }, CONTEXT])
    }
    for (const column of /** @type {const} */ (['ciphertext', 'iv', 'authTag'])) {
      const changed = Buffer.from(row[column])
      changed[changed.length - 1] ^= 1
      attempts.push([`${version} changed ${column}`, { ...row, [column]: changed }, CONTEXT])
    }
    attempts.push([`${version} cut`, { ...row, ciphertext: row.ciphertext.subarray(1) }, CONTEXT])
  }
  const texts = new Map(attempts.map(([what, row, context]) => [what, refusal(() => lockbox.open(row, context))]))
  assert.ok(texts.size > 25)
  assert.equal(new Set(texts.values()).size, 1, util.inspect(texts))
  assert.match([...texts.values()][0], /^ERR_PROVIDER_UNSEAL_FAILED: The row does not open\./)
  assert.equal(
    refusal(() => new Lockbox({ masterKeys: [randomBytes(32)] }).open(nodeSeal('v3'), CONTEXT)),
    [...texts.values()][0]
  )
})

test('version 1 opens only where it was requested', (t) => {
  for (const version of ['none', 'v1']) {
    assert.match(
      refusal(() => makeLockbox(t).open(nodeSeal(version), CONTEXT)),
      /^ERR_PROVIDER_UNSEAL_FAILED: The row is of version 1.*allowLegacy: true/
    )
  }
})

test('rows move to a new master key and to version 3 without leaving Rust', (t) => {
  const next = randomBytes(32)
  const both = makeLockbox(t, { masterKeys: [Buffer.from(next), Buffer.from(MASTER)], allowLegacy: true })
  const alone = makeLockbox(t, { masterKeys: [Buffer.from(next)] })
  assert.deepEqual(both.masterKeyIds, [alone.masterKeyIds[0], masterId])
  for (const version of Object.keys(VERSIONS)) {
    const row = both.reseal(nodeSeal(version), CONTEXT)
    assert.equal(row.keyMeta, `v3:${alone.masterKeyIds[0]}`)
    assert.equal(reveal(alone.open(row, CONTEXT)), TEXT)
  }
  const raised = both.reseal(nodeSeal('v3'), CONTEXT, { ...CONTEXT, rowVersion: 8 })
  assert.match(
    refusal(() => alone.open(raised, CONTEXT)),
    /does not open/
  )
  assert.equal(reveal(alone.open(raised, { ...CONTEXT, rowVersion: 8 })), TEXT)
})

test('master keys come from bytes, secrets, files and credentials, and bytes are consumed', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'lockbox-'))
  t.after(() => {
    fs.rmSync(dir, { recursive: true })
    delete process.env.CREDENTIALS_DIRECTORY
  })
  const file = path.join(dir, 'master')
  fs.writeFileSync(file, `${MASTER.toString('hex')}\n`, { mode: 0o400 })
  const [bytes, digits] = [Buffer.from(MASTER), Buffer.from(MASTER.toString('hex'))]
  process.env.CREDENTIALS_DIRECTORY = dir
  for (const source of [bytes, digits, Secret.from(Buffer.from(MASTER)), { file }, { credential: 'master' }]) {
    assert.deepEqual(makeLockbox(t, { masterKeys: [source] }).masterKeyIds, [masterId])
  }
  for (const one of [bytes, digits]) assert.deepEqual(one, Buffer.alloc(one.length))
  fs.chmodSync(file, 0o444)
  assert.match(
    refusal(() => makeLockbox(t, { masterKeys: [{ file }] })),
    /LOCKBOX_KEY_INVALID.*0444, so other users can access it/
  )
  delete process.env.CREDENTIALS_DIRECTORY
  assert.match(
    refusal(() => makeLockbox(t, { masterKeys: [{ credential: 'master' }] })),
    /LOCKBOX_KEY_INVALID.*\$CREDENTIALS_DIRECTORY must be an absolute path/
  )
  for (const masterKeys of [
    undefined,
    [],
    [1],
    [{}],
    [{ file, env: 'X' }],
    [{ path: file }],
    [Buffer.alloc(32, 5), Buffer.alloc(32, 5)],
    [Buffer.alloc(31, 5)]
  ]) {
    const later = Buffer.alloc(32, 9)
    assert.throws(
      () => new Lockbox(/** @type {any} */ ({ masterKeys: masterKeys && [...masterKeys, ...(masterKeys.length ? [later] : [])] }))
    )
    if (masterKeys?.length) assert.deepEqual(later, Buffer.alloc(32), 'a key behind a refused one is consumed too')
  }
})

test('a master key in the environment is taken out of it, for good', { skip: needsLinux }, async (t) => {
  const digits = MASTER.toString('hex')
  const body = `
    const lockbox = new main.Lockbox({ masterKeys: [{ env: 'LOCKBOX_MASTER_KEY' }] })
    say({ ids: lockbox.masterKeyIds, left: process.env.LOCKBOX_MASTER_KEY ?? null, shown: require('node:util').inspect(lockbox) })
    await pause(60_000)`
  const worker = startWorker(t, body, {
    spawn: { env: { PATH: process.env.PATH, BEFORE: 'kept', LOCKBOX_MASTER_KEY: digits, BEHIND: 'kept' } }
  })
  const { ids, left, shown } = await worker.next()
  assert.deepEqual([ids, left], [[masterId], null])
  assert.doesNotMatch(shown, new RegExp(digits))
  const block = fs.readFileSync(`/proc/${worker.pid}/environ`, 'latin1')
  assert.deepEqual(
    [block.includes(digits), block.includes('LOCKBOX'), block.includes('BEFORE=kept'), block.includes('BEHIND=kept')],
    [false, false, true, true]
  )
})

test('a master key is left in the environment where no lockbox comes of it', { skip: needsLinux }, async (t) => {
  const digits = MASTER.toString('hex')
  const body = `
    const failed = [
      { masterKeys: [{ env: 'KEY' }, { file: '/nowhere' }] },
      { masterKeys: [{ env: 'KEY' }, { env: 'KEY' }] },
      { masterKeys: [{ env: 'KEY' }, 5] },
      { masterKeys: [{ env: 'HALF' }] },
      { masterKeys: [{ env: 'KEY' }], requireLocked: 'yes' }
    ].map((options) => { try { new main.Lockbox(options) } catch (error) { return error.code } })
    const left = process.env.KEY
    say({ failed, left, allocations: main.memoryProtection().allocations, ids: new main.Lockbox({ masterKeys: [{ env: 'KEY' }] }).masterKeyIds })`
  const worker = startWorker(t, body, { spawn: { env: { PATH: process.env.PATH, KEY: digits, HALF: digits.slice(32) } } })
  const { failed, left, allocations, ids } = await worker.next()
  const INVALID = 'ERR_PROVIDER_LOCKBOX_KEY_INVALID'
  assert.deepEqual(failed, [INVALID, INVALID, 'ERR_INVALID_ARG_TYPE', INVALID, 'ERR_INVALID_ARG_TYPE'])
  assert.deepEqual([left, allocations, ids], [digits, 0, [masterId]])
})

test('master keys are consumed whatever the options are', () => {
  for (const spoil of [{ unknown: true }, { allowLegacy: 'yes' }, { requireLocked: 5 }]) {
    const key = Buffer.from(MASTER)
    assert.throws(() => new Lockbox(/** @type {any} */ ({ masterKeys: [key], ...spoil })), TypeError)
    assert.deepEqual(key, Buffer.alloc(32))
  }
  const alone = Buffer.from(MASTER)
  assert.throws(() => new Lockbox(/** @type {any} */ ({ masterKeys: alone })), TypeError)
  assert.deepEqual(alone, Buffer.alloc(32))
  const detached = Buffer.from(new ArrayBuffer(100))
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const behind = Buffer.from(MASTER)
  assert.throws(() => new Lockbox({ masterKeys: [detached, behind] }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /masterKeys\[0\] is detached/
  })
  assert.deepEqual(behind, Buffer.alloc(32))
})

test('a consumed array is neither a master key of zeros nor a secret to seal', () => {
  const key = Buffer.from(MASTER)
  const lockbox = new Lockbox({ masterKeys: [key] })
  const zeros = { code: 'ERR_INVALID_ARG_VALUE', message: /contains only zeros/ }
  assert.throws(() => new Lockbox({ masterKeys: [key] }), zeros)
  assert.throws(() => new Lockbox({ masterKeys: [Buffer.from('0'.repeat(64))] }), {
    code: 'ERR_PROVIDER_LOCKBOX_KEY_INVALID',
    message: /contains only zeros/
  })
  const secret = Buffer.from('sk-ant-api03-made-up')
  lockbox.seal(secret, CONTEXT)
  assert.throws(() => lockbox.seal(secret, CONTEXT), zeros)
})

test('a worker thread cannot take it: its process.env is a copy', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Lockbox } = require(workerData)
    try { new Lockbox({ masterKeys: [{ env: 'LOCKBOX_MASTER_KEY' }] }) } catch ({ code, message }) { parentPort.postMessage({ code, message }) }`
  const worker = new Worker(code, {
    eval: true,
    workerData: path.join(__dirname, '..', 'index.js'),
    env: { LOCKBOX_MASTER_KEY: MASTER.toString('hex') }
  })
  const said = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  assert.equal(said.code, 'ERR_PROVIDER_UNSUPPORTED')
})

test('wrong types and values show no value', (t) => {
  const lockbox = makeLockbox(t)
  const row = nodeSeal('v3')
  /** @type {[any, any, RegExp][]} */
  const wrong = [
    [undefined, CONTEXT, /row must be an object/],
    [{ ...row, iv: 5 }, CONTEXT, /row\.iv must be a Uint8Array, or a string/],
    [{ ...row, keyMeta: 5 }, CONTEXT, /row\.keyMeta must be a string/],
    [{ ...row, keyMeta: undefined }, CONTEXT, /row\.keyMeta is missing/],
    [{ ...row, iv: new Uint8Array(new SharedArrayBuffer(12)) }, CONTEXT, /row\.iv must not be a view of a SharedArrayBuffer/],
    [row, { ...CONTEXT, tenant: 'half \ud800' }, /context\.tenant must be well-formed text, but has an unpaired surrogate/],
    [row, { ...CONTEXT, rowVersion: -1 }, /context\.rowVersion must be a whole number/],
    [row, { ...CONTEXT, name: '' }, /The name that a secret is bound to must be 1 to 1024 bytes/],
    [row, { ...CONTEXT, version: 1 }, /context\.version is not a known option/],
    [row, undefined, /context\.tenant is missing/]
  ]
  for (const [given, context, message] of wrong) assert.throws(() => lockbox.open(given, context), { message })
  lockbox.dispose()
  assert.throws(() => lockbox.open(row, CONTEXT), { code: 'ERR_PROVIDER_DISPOSED' })
  assert.deepEqual(JSON.parse(JSON.stringify(lockbox)), { masterKeyIds: [masterId], disposed: true })
})
