// A payload means the same as an object, as an object of bytes and as JSON bytes: values, absence, nulls and refusals.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const vm = require('node:vm')
const { buildProviderEnv } = require('../index.js')

const options = { workspace: { home: '/home/w', tmpDir: '/tmp/w' } }

/** Strings anywhere in it become bytes. @param {any} value @returns {any} */
function inBytes(value) {
  if (typeof value === 'string') return new TextEncoder().encode(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'provider' ? item : inBytes(item)]))
}

const FORMS = /** @type {[string, (payload: any) => any][]} */ ([
  ['strings', (payload) => payload],
  ['bytes', inBytes],
  ['JSON', (payload) => new TextEncoder().encode(JSON.stringify(payload))]
])

/** What is seen of an environment, or the code of its refusal. @param {any} payload */
function seen(payload) {
  try {
    const env = buildProviderEnv(payload, options)
    const { provider, credential, apiKeySource, userEnvKeyCount, rejectedUserEnvKeys } = env
    const variables = env.exposeSecrets()
    env.dispose()
    return { provider, credential, apiKeySource, userEnvKeyCount, rejectedUserEnvKeys, variables }
  } catch (error) {
    return /** @type {any} */ (error).code
  }
}

const key = 'sk-made-up'
const PAYLOADS = /** @type {[string, any][]} */ ([
  ['a key', { apiKey: key }],
  [
    'everything',
    {
      provider: 'claude',
      apiKey: key,
      oauthAccessToken: 'sk-ant-oat01-x',
      sessionCookie: 'c',
      userEnvKeys: { A: '1', B_2: '2', lower: '3' }
    }
  ],
  ['fields that carry no identity', { apiKey: key, message: { apiKey: 'other' }, cwd: '/x', requestId: 7 }],
  ['codex', { provider: 'codex', apiKey: key }],
  ['a token alone', { oauthAccessToken: 'sk-ant-oat01-x' }],
  ['a token for codex', { provider: 'codex', oauthAccessToken: 'sk-ant-oat01-x' }],
  ['null fields', { provider: null, apiKey: key, oauthAccessToken: null, sessionCookie: null, userEnvKeys: null }],
  ['undefined fields', { provider: undefined, apiKey: key, oauthAccessToken: undefined, sessionCookie: undefined, userEnvKeys: undefined }],
  ['empty fields', { apiKey: '', oauthAccessToken: 'sk-ant-oat01-x', sessionCookie: '', userEnvKeys: {} }],
  ['only empty fields', { apiKey: '', oauthAccessToken: null }],
  ['an empty provider', { provider: '', apiKey: key }],
  ['an empty user value', { apiKey: key, userEnvKeys: { A: '' } }],
  ['a null user value', { apiKey: key, userEnvKeys: { A: null, B: 'b' } }],
  ['an undefined user value', { apiKey: key, userEnvKeys: { A: undefined, B: 'b' } }],
  ['a rejected name with a null value', { apiKey: key, userEnvKeys: { lower: null } }],
  ['a NUL in a user value', { apiKey: key, userEnvKeys: { A: 'a\0b' } }],
  ['a NUL in the cookie', { apiKey: key, sessionCookie: 'a\0b' }],
  ['escapes and all planes', { apiKey: key, sessionCookie: '"\\/\b\f\n\r\t é 漢 😀 \u2028' }],
  ['half of a surrogate pair', { apiKey: key, sessionCookie: 'a\ud800b' }]
])

for (const [what, payload] of PAYLOADS) {
  test(`${what}: the same in every form`, () => {
    // Bytes of a lone surrogate and of a typed null cannot be said: there the two forms that can say it are compared.
    const [strings, , json] = FORMS.map(([, form]) => seen(form(payload)))
    assert.deepEqual(json, strings, 'JSON says what strings say')
    if (!JSON.stringify(payload).includes('\\ud800')) assert.deepEqual(seen(inBytes(payload)), strings, 'bytes say what strings say')
  })
}

/** What is no payload of its form: code and message. */
const REFUSED = /** @type {any[]} */ ([
  [undefined, 'ERR_INVALID_ARG_TYPE', /payload must be an object, or a Uint8Array of JSON, but is of type undefined/],
  [null, 'ERR_INVALID_ARG_TYPE', /payload must be an object, but is null/],
  ['{"apiKey":"sk-made-up"}', 'ERR_INVALID_ARG_TYPE', /payload must be an object, or a Uint8Array of JSON, but is of type string/],
  [[key], 'ERR_INVALID_ARG_TYPE', /payload must be an object, but is an array/],
  // Bytes of another kind have no fields, and must not pass for an empty payload.
  [new Uint16Array(4), 'ERR_INVALID_ARG_TYPE', /payload must be an object, or a Uint8Array of JSON/],
  [new ArrayBuffer(4), 'ERR_INVALID_ARG_TYPE', /payload must be an object, or a Uint8Array of JSON/],
  [new DataView(new ArrayBuffer(4)), 'ERR_INVALID_ARG_TYPE', /payload must be an object, or a Uint8Array of JSON/],
  [
    { apiKey: new Uint16Array(4) },
    'ERR_INVALID_ARG_TYPE',
    /payload\.apiKey must be a string, a Uint8Array or a Secret, but is of type object/
  ],
  [
    { apiKey: key, userEnvKeys: { A: true } },
    'ERR_INVALID_ARG_TYPE',
    /payload\.userEnvKeys must be a string, a Uint8Array or a Secret, but is of type boolean/
  ],
  [Buffer.from('[]'), 'ERR_PROVIDER_PAYLOAD_INVALID', /is not an object/],
  [Buffer.from('null'), 'ERR_PROVIDER_PAYLOAD_INVALID', /is not an object/],
  [Buffer.from(''), 'ERR_PROVIDER_PAYLOAD_INVALID', /ends too early/],
  [Buffer.from('{"apiKey":"a","apiKey":"b"}'), 'ERR_PROVIDER_PAYLOAD_INVALID', /each field occurs once/],
  [Buffer.from('{"apiKey":"a","userEnvKeys":{"A":"1","A":"2"}}'), 'ERR_PROVIDER_PAYLOAD_INVALID', /different names whose values/],
  [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'ERR_PROVIDER_PAYLOAD_INVALID', /The payload is not/]
])

for (const [payload, code, message] of REFUSED) {
  const name = payload instanceof Uint8Array ? Buffer.from(payload).toString('latin1') : JSON.stringify(payload)
  test(`refused as a payload: ${name}`, () => {
    assert.throws(() => buildProviderEnv(payload, options), { code, message })
  })
}

test('a getter is read once, so that what was checked is what is used', () => {
  let reads = 0
  const payload = {
    get apiKey() {
      return (reads += 1) === 1 ? key : 'sk-ant-oat01-other'
    }
  }
  const env = buildProviderEnv(payload, options)
  assert.deepEqual([reads, env.exposeSecrets().ANTHROPIC_API_KEY], [1, key])
  env.dispose()
})

test('a getter that builds another environment disturbs neither', () => {
  const inner = /** @type {any[]} */ ([])
  const payload = {
    apiKey: key,
    get sessionCookie() {
      inner.push(buildProviderEnv({ apiKey: 'sk-inner', sessionCookie: 'inner' }, options))
      return 'outer'
    }
  }
  const outer = buildProviderEnv(payload, options)
  const of = (/** @type {any} */ env) => [env.exposeSecrets().ANTHROPIC_API_KEY, env.exposeSecrets().ALIVE_SESSION_COOKIE]
  assert.deepEqual(
    [of(outer), of(inner[0])],
    [
      [key, 'outer'],
      ['sk-inner', 'inner']
    ]
  )
  for (const env of [outer, ...inner]) env.dispose()
})

test("bytes of another realm are bytes, and consumed as this one's are", () => {
  const foreign = vm.runInNewContext('(text) => Uint8Array.from(text, (character) => character.charCodeAt(0))')
  const json = foreign('{"apiKey":"sk-made-up-foreign"}')
  const value = foreign('made-up-foreign')
  assert.ok(!(json instanceof Uint8Array))
  assert.equal(buildProviderEnv(json, options).exposeSecrets().ANTHROPIC_API_KEY, 'sk-made-up-foreign')
  assert.equal(buildProviderEnv({ apiKey: key, userEnvKeys: { A: value } }, options).exposeSecrets().USER_A, 'made-up-foreign')
  for (const bytes of [json, value]) assert.deepEqual([...bytes], Array(bytes.length).fill(0))
})
