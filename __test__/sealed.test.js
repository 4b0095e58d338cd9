// Sealed secrets beside an independent HPKE implementation (@hpke/core), both ways, and where one does not open.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { before, test } = require('node:test')
const { Lockbox, buildProviderEnv, createRecipient } = require('../index.js')

const TEXT = 'sk-ant-api03-made-up'
const PREFIX = 'provider-env-sealed.v1.'
const CONTEXT = { tenant: 'tenant_1', purpose: 'anthropic', name: 'api_key', rowVersion: 1 }
const BINDING = { workspace: 'ws_1', field: 'apiKey', request: 'req_1' }
const workspace = { id: 'ws_1', home: '/tmp' }

/** @type {any} */
let suite
before(async () => {
  const { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } = await import('@hpke/core')
  suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
})

/** The HPKE `info` of a binding, as src/secret/sealed/mod.rs describes it. @param {any} binding */
function infoOf({ workspace, field, request }) {
  const parts = [workspace, field, request].map((part) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(part))
    return Buffer.concat([length, Buffer.from(part)])
  })
  return Buffer.concat([Buffer.from(PREFIX), ...parts])
}

/** Sealed by the other implementation. @param {any} recipient @param {any} [binding] @param {number} [at] @param {string} [text] */
async function sealElsewhere(recipient, binding = BINDING, at = Date.now(), text = TEXT) {
  const recipientPublicKey = await suite.kem.deserializePublicKey(Buffer.from(recipient.publicKey, 'base64url'))
  const issued = Buffer.alloc(8)
  issued.writeBigUInt64BE(BigInt(at))
  const sender = await suite.createSenderContext({ recipientPublicKey, info: infoOf(binding) })
  const sealed = await sender.seal(Buffer.from(text), issued)
  return /** @type {any} */ (PREFIX + Buffer.concat([Buffer.from(sender.enc), issued, Buffer.from(sealed)]).toString('base64url'))
}

/** A lockbox with one row. @param {any} t @param {string} [text] */
function withRow(t, text = TEXT) {
  const lockbox = new Lockbox({ masterKeys: [randomBytes(32)] })
  t.after(() => lockbox.dispose())
  const row = lockbox.seal(Buffer.from(text), CONTEXT)
  return {
    lockbox,
    row,
    sealFor: (/** @type {any} */ recipient, binding = BINDING) => lockbox.unsealFor(row, CONTEXT, recipient.publicKey, binding)
  }
}

/** @param {any} sealed @param {any} options @param {any} [payload] */
function build(sealed, options, payload = { apiKey: sealed }) {
  return buildProviderEnv(payload, { workspace, requestId: 'req_1', ...options })
}

/** @param {() => any} act */
function refusal(act) {
  try {
    act()
  } catch (error) {
    return `${/** @type {any} */ (error).code}: ${/** @type {any} */ (error).message}`
  }
  return assert.fail('it opened')
}

test('what another implementation sealed opens, once', async () => {
  const recipient = createRecipient()
  const sealed = await sealElsewhere(recipient)
  const env = build(sealed, { recipient })
  assert.equal(env.exposeSecrets().ANTHROPIC_API_KEY, TEXT)
  assert.equal(env.apiKeySource, 'user')
  assert.match(
    refusal(() => build(sealed, { recipient })),
    /^ERR_PROVIDER_UNSEAL_FAILED: The sealed secret was used before/
  )
})

test('another implementation opens what was unsealed for it', async (t) => {
  const { publicKey, privateKey } = await suite.kem.generateKeyPair()
  const raw = Buffer.from(await suite.kem.serializePublicKey(publicKey))
  const { lockbox, row } = withRow(t)
  for (const key of [raw, raw.toString('base64url')]) {
    const text = lockbox.unsealFor(row, CONTEXT, key, BINDING)
    const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url')
    const context = await suite.createRecipientContext({ recipientKey: privateKey, enc: bytes.subarray(0, 32), info: infoOf(BINDING) })
    const opened = await context.open(bytes.subarray(40), bytes.subarray(32, 40))
    assert.equal(Buffer.from(opened).toString(), TEXT)
    const age = Date.now() - Number(bytes.readBigUInt64BE(32))
    assert.ok(age >= 0 && age < 10_000, `sealed ${age} ms ago`)
  }
})

test('every field of a payload may be sealed, as an object and as JSON', (t) => {
  const recipient = createRecipient()
  const { sealFor } = withRow(t, 'sk-ant-oat01-made-up')
  const sealed = (/** @type {string} */ field) => sealFor(recipient, { ...BINDING, field })
  for (const asJson of [false, true]) {
    const payload = {
      oauthAccessToken: sealed('oauthAccessToken'),
      sessionCookie: sealed('sessionCookie'),
      userEnvKeys: { A: sealed('userEnvKeys.A'), B: 'plain' }
    }
    const env = build(undefined, { recipient }, asJson ? Buffer.from(JSON.stringify(payload)) : payload)
    const { CLAUDE_CODE_OAUTH_TOKEN, ALIVE_SESSION_COOKIE, USER_A, USER_B } = env.exposeSecrets()
    assert.deepEqual(
      [CLAUDE_CODE_OAUTH_TOKEN, ALIVE_SESSION_COOKIE, USER_A, USER_B],
      ['sk-ant-oat01-made-up', 'sk-ant-oat01-made-up', 'sk-ant-oat01-made-up', 'plain']
    )
  }
})

test('it opens for its worker, workspace, request and field alone, and one text says so', (t) => {
  const recipient = createRecipient()
  const { sealFor } = withRow(t)
  const sealed = sealFor(recipient)
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
  bytes[50] ^= 1
  const attempts = [
    () => build(sealed, { recipient: createRecipient() }),
    () => build(sealed, { recipient, workspace: { ...workspace, id: 'ws_2' } }),
    () => build(sealed, { recipient, requestId: 'req_2' }),
    () => build(undefined, { recipient }, { oauthAccessToken: sealed }),
    () => build(undefined, { recipient }, { apiKey: TEXT, userEnvKeys: { A: sealed } }),
    () => build(PREFIX + bytes.toString('base64url'), { recipient }),
    () => build(`${PREFIX}AAAA`, { recipient }),
    () => build('provider-env-sealed.v2.AAAA', { recipient }),
    () => build(`${sealed}A`, { recipient })
  ]
  const texts = attempts.map(refusal)
  assert.deepEqual([...new Set(texts)].length, 1, texts.join('\n'))
  assert.match(texts[0], /^ERR_PROVIDER_UNSEAL_FAILED: A sealed secret does not open\./)
  assert.equal(build(sealed, { recipient }).exposeSecrets().ANTHROPIC_API_KEY, TEXT, 'none of that used it up')
})

test('a request that fails for another reason may come again', (t) => {
  const recipient = createRecipient()
  const { sealFor } = withRow(t)
  const sealed = sealFor(recipient)
  assert.match(
    refusal(() => build(sealed, { recipient, set: { LD_PRELOAD: 'x' } })),
    /ENV_FORBIDDEN/
  )
  assert.equal(build(sealed, { recipient }).exposeSecrets().ANTHROPIC_API_KEY, TEXT)
})

test('a refused option uses nothing up', (t) => {
  const recipient = createRecipient()
  const { sealFor } = withRow(t)
  const sealed = sealFor(recipient)
  assert.match(
    refusal(() => build(sealed, { recipient, requireLocked: 'yes' })),
    /ERR_INVALID_ARG_TYPE/
  )
  assert.match(
    refusal(() => build(sealed, { recipient, workspace: { ...workspace, id: 'half \ud800' } })),
    /options\.workspace\.id must be well-formed text, but has an unpaired surrogate/
  )
  assert.match(
    refusal(() => build(sealed, { recipient, requestId: 'half \ud800' })),
    /options\.requestId must be well-formed text, but has an unpaired surrogate/
  )
  assert.equal(build(sealed, { recipient }).exposeSecrets().ANTHROPIC_API_KEY, TEXT)
})

test('it is never taken for a key', (t) => {
  const recipient = createRecipient()
  const { sealFor } = withRow(t)
  const sealed = sealFor(recipient)
  assert.match(
    refusal(() => build(sealed, {})),
    /^ERR_PROVIDER_PAYLOAD_INVALID: payload\.apiKey is a sealed secret\. Pass the recipient that opens it in options\.recipient/
  )
  assert.match(
    refusal(() => build(sealed, { recipient, requestId: undefined })),
    /^ERR_INVALID_ARG_VALUE: options\.requestId is missing/
  )
  assert.match(
    refusal(() => build(sealed, { recipient, workspace: { home: '/tmp' } })),
    /^ERR_INVALID_ARG_VALUE: options\.workspace\.id is missing/
  )
  recipient.dispose()
  assert.match(
    refusal(() => build(sealed, { recipient })),
    /^ERR_PROVIDER_DISPOSED: options\.recipient was disposed of/
  )
  assert.match(
    refusal(() => build(sealed, { recipient: {} })),
    /^ERR_INVALID_ARG_TYPE: options\.recipient must be the return value of createRecipient\(\)/
  )
})

test('what was sealed is a key like any other: its shape is checked', async () => {
  const recipient = createRecipient()
  for (const [text, code] of [
    ['sk-proj-made-up', 'KEY_WRONG_PROVIDER'],
    ['with space', 'KEY_MALFORMED'],
    ['nul\0', 'PAYLOAD_INVALID'],
    ['', 'CREDENTIAL_MISSING']
  ]) {
    const sealed = await sealElsewhere(recipient, BINDING, Date.now(), text)
    assert.match(
      refusal(() => build(sealed, { recipient })),
      new RegExp(`^ERR_PROVIDER_${code}`)
    )
  }
})

test('it opens while it is young enough, and not from the future', async () => {
  const recipient = createRecipient({ maxAgeMs: 60_000 })
  assert.ok(build(await sealElsewhere(recipient, BINDING, Date.now() - 50_000), { recipient }))
  assert.match(refusal(await later(-70_000)), /older than this recipient allows/)
  assert.match(refusal(await later(90_000)), /more than a minute in the future/)
  /** @param {number} offset */
  async function later(offset) {
    const sealed = await sealElsewhere(recipient, BINDING, Date.now() + offset)
    return () => build(sealed, { recipient })
  }
})

test('wrong types and values', (t) => {
  for (const maxAgeMs of [0, 999, 3_600_001]) assert.throws(() => createRecipient({ maxAgeMs }), { code: 'ERR_INVALID_ARG_VALUE' })
  const { lockbox, row } = withRow(t)
  for (const key of ['', 'x', Buffer.alloc(31), Buffer.alloc(32)])
    assert.throws(() => lockbox.unsealFor(row, CONTEXT, key, BINDING), { code: 'ERR_INVALID_ARG_VALUE' })
  const { publicKey } = createRecipient()
  for (const part of ['workspace', 'field', 'request']) {
    for (const value of [undefined, '', 'x'.repeat(1025), 'a\0'])
      assert.throws(() => lockbox.unsealFor(row, CONTEXT, publicKey, { ...BINDING, [part]: value }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})
