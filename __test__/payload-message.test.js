// A payload in a message line is read where options.payloadPath says, as bytes; one that has no known field is refused.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { buildProviderEnv, takeServerCredentials } = require('../index.js')

const workspace = { home: '/home/w', tmpDir: '/tmp/w' }
const KEY = 'sk-proj-made-up-tenant'
const SENTINEL = 's3ntinel-Never-Printed'
const PAYLOAD = { provider: 'codex', apiKey: KEY, sessionCookie: 'c', userEnvKeys: { A: '1' } }

process.env.ANTHROPIC_API_KEY = 'sk-ant-api03-made-up-server'
process.env.OPENAI_API_KEY = 'sk-proj-made-up-server'
const serverCredentials = takeServerCredentials()

/** In its own `ArrayBuffer`, like bytes from a socket. @param {unknown} value */
function bytesOf(value) {
  const text = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  const bytes = new Uint8Array(new ArrayBuffer(text.length))
  bytes.set(text)
  return bytes
}

/** Payloads in which nothing says what they are about. @type {Record<string, any>} */
const UNKNOWN = {
  'a whole message line': { id: SENTINEL, payload: PAYLOAD },
  'a field that is misspelt': { apikey: SENTINEL, Provider: 'codex' },
  'a wrong nesting': { data: { payload: PAYLOAD } },
  'an option that says nothing': { id: SENTINEL, credentialOwner: null, requireCredential: null },
  'only an option that says nothing': { credentialOwner: null }
}

for (const [what, payload] of Object.entries(UNKNOWN)) {
  for (const [form, given] of /** @type {const} */ ([
    ['an object', (/** @type {any} */ it) => it],
    ['bytes', bytesOf]
  ])) {
    test(`${what} as ${form} does not run on the server's key`, () => {
      const input = given(payload)
      assert.throws(
        () => buildProviderEnv(input, { workspace, serverCredentials }),
        (/** @type {any} */ error) => {
          assert.equal(error.code, 'ERR_PROVIDER_PAYLOAD_INVALID')
          assert.deepEqual(error.names, ['provider', 'apiKey', 'oauthAccessToken', 'sessionCookie', 'userEnvKeys'])
          assert.match(
            error.message,
            /none of the known fields: provider, apiKey, .*options\.payloadPath.*name the provider or pass \{\}\.$/
          )
          assert.ok(!`${error.message}${error.stack}`.includes(SENTINEL))
          return true
        }
      )
      if (input instanceof Uint8Array)
        assert.ok(
          input.every((byte) => byte === 0),
          'wiped'
        )
    })
  }
}

test('a payload that names its provider, says of one field that it has none, or is empty, falls back', () => {
  for (const [payload, provider] of /** @type {[any, string][]} */ ([
    [{ provider: 'claude' }, 'claude'],
    [{ provider: 'codex', model: 'x' }, 'codex'],
    [{ apiKey: undefined, oauthAccessToken: undefined }, 'claude'],
    [{ apiKey: null }, 'claude'],
    [{}, 'claude'],
    [bytesOf(' {} '), 'claude'],
    [{ sessionCookie: 'c', message: 'hi' }, 'claude'],
    [bytesOf({ apiKey: null }), 'claude'],
    [bytesOf({ provider: 'codex' }), 'codex']
  ])) {
    const env = buildProviderEnv(payload, { workspace, serverCredentials })
    assert.deepEqual([env.provider, env.credential.source], [provider, 'server'])
    env.dispose()
  }
})

test('a payload in a message is used as bytes, the rest of it is not, and all of it is wiped', () => {
  for (const [message, payloadPath] of /** @type {[any, string[]][]} */ ([
    [{ id: 7, payload: PAYLOAD, apiKey: 'sk-ant-api03-another' }, ['payload']],
    [{ type: 'x', body: { request: { ...PAYLOAD, extra: [{ apiKey: 'x' }] } }, request: {} }, ['body', 'request']],
    [`  {"p\\u0061yload":${JSON.stringify(PAYLOAD)}}\n`, ['payload']],
    [PAYLOAD, []]
  ])) {
    const bytes = bytesOf(message)
    const env = buildProviderEnv(bytes, { workspace, payloadPath, serverCredentials })
    const { CODEX_API_KEY, ALIVE_SESSION_COOKIE, USER_A } = env.exposeSecrets()
    assert.deepEqual([env.provider, CODEX_API_KEY, ALIVE_SESSION_COOKIE, USER_A], ['codex', KEY, 'c', '1'])
    assert.ok(
      bytes.every((byte) => byte === 0),
      'wiped'
    )
    env.dispose()
  }
})

/** Messages in which the payload cannot be found. @type {[any, unknown, RegExp][]} */
const NOT_FOUND = [
  [
    { id: SENTINEL },
    ['payload'],
    /^The payload at payload \(options\.payloadPath\) does not exist: name the members that lead to the payload\.$/
  ],
  [
    { body: { [SENTINEL]: 1 } },
    ['body', 'payload'],
    /^The payload at body\.payload \(options\.payloadPath\) does not exist: name the members that lead to the payload\.$/
  ],
  [{ body: SENTINEL }, ['body', 'payload'], /^The value at body \(options\.payloadPath\) is not an object/],
  [
    { id: '0123456789', payload: null },
    ['payload'],
    /^The payload is not an object in which each field occurs once \(line 1, column 33\)\.$/
  ],
  [
    `{"id": 1,\n"payload": {"apiKey": "a",\n  "apiKey": "${SENTINEL}"}}`,
    ['payload'],
    /^The payload is not an object in which each field occurs once \(line 3, column 10\)\.$/
  ],
  [{ payload: [SENTINEL] }, ['payload'], /^The payload is not an object/],
  [{ payload: { apikey: SENTINEL } }, ['payload'], /none of the known fields/],
  [
    `{"payload":{"apiKey":"a"},"payload":{"apiKey":"${SENTINEL}"}}`,
    ['payload'],
    /^The payload at payload \(options\.payloadPath\) occurs twice/
  ],
  [`{"payload":{"apiKey":"${SENTINEL}"},"rest":[1,}`, ['payload'], /^The message around the payload is not valid JSON/],
  [`{"payload":{"apiKey":"${SENTINEL}"}}{}`, ['payload'], /^The message around the payload is not valid JSON/],
  [`{"payload":{"apiKey":"${SENTINEL}","apiKey":"b"}}`, ['payload'], /^The payload is not an object in which each field occurs once/],
  [`{"payload":{"apiKey" "${SENTINEL}"}}`, ['payload'], /^The message around the payload is not valid JSON \(line 1, column 22\)\.$/],
  [`{"payload":{"apiKey":'${SENTINEL}'}}`, ['payload'], /^The message around the payload is not valid JSON/],
  [`{"payload":{"provider":"${SENTINEL}"},`, ['payload'], /^The message around the payload ends too early/],
  [`{"payload":{"apiKey":7,"${SENTINEL}"}}`, ['payload'], /^The message around the payload is not valid JSON/],
  [
    `{"payload":{"userEnvKeys":{"\\ud800":"${SENTINEL}"}}}`,
    ['payload'],
    /^payload\.userEnvKeys must be well-formed text, but has an unpaired surrogate\. Encode the string again\.$/
  ],
  [
    `{"payload":{"apiKey":"${SENTINEL}\\ud800"}}`,
    ['payload'],
    /^payload\.apiKey must be well-formed text, but has an unpaired surrogate\. Encode the string again\.$/
  ]
]

for (const [message, payloadPath, expected] of NOT_FOUND) {
  test(`refused: ${expected.source.slice(0, 60)}, of ${JSON.stringify(message).slice(0, 40)}`, () => {
    const bytes = bytesOf(message)
    assert.throws(
      () => buildProviderEnv(bytes, { workspace, payloadPath: /** @type {any} */ (payloadPath), serverCredentials }),
      (/** @type {any} */ error) => {
        assert.equal(error.code, 'ERR_PROVIDER_PAYLOAD_INVALID')
        assert.match(error.message, expected)
        assert.ok(!`${error.message}${error.names}`.includes(SENTINEL))
        return true
      }
    )
    assert.ok(
      bytes.every((byte) => byte === 0),
      'wiped'
    )
  })
}

test('a path that is none is refused, and the bytes are wiped', () => {
  for (const [payloadPath, code] of /** @type {[any, string][]} */ ([
    ['payload', 'ERR_INVALID_ARG_TYPE'],
    [[1], 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [new Array(17).fill('a'), 'ERR_INVALID_ARG_VALUE']
  ])) {
    const bytes = bytesOf({ payload: PAYLOAD })
    assert.throws(() => buildProviderEnv(bytes, { workspace, payloadPath }), { code, message: /options\.payloadPath/ })
    assert.ok(
      bytes.every((byte) => byte === 0),
      'wiped'
    )
  }
  // An object needs none: it is `message.payload`.
  assert.throws(() => buildProviderEnv(/** @type {any} */ ({ payload: PAYLOAD, apiKey: KEY }), { workspace, payloadPath: ['payload'] }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /options\.payloadPath is only for a message in bytes/
  })
})

test('a message may be as large as a payload, and no larger', () => {
  const limit = 10 * 1024 * 1024
  const frame = JSON.stringify({ payload: PAYLOAD, rest: '' })
  const message = (/** @type {number} */ size) => bytesOf(JSON.stringify({ payload: PAYLOAD, rest: 'x'.repeat(size - frame.length) }))
  buildProviderEnv(message(limit), { workspace, payloadPath: ['payload'] }).dispose()
  assert.throws(() => buildProviderEnv(message(limit + 1), { workspace, payloadPath: ['payload'] }), {
    code: 'ERR_PROVIDER_PAYLOAD_TOO_LARGE'
  })
})
