// buildProviderEnv() consumes bytes: all zero afterwards, on success and on every kind of failure, whatever came first.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { buildProviderEnv } = require('../index.js')

/** @param {string} text */
const bytes = (text) => new TextEncoder().encode(text)
const workspace = { home: '/home/w', dir: '/srv/w' }
const broken = {
  get: () => {
    throw new RangeError('a getter of the caller')
  },
  enumerable: true
}

/** What a payload of bytes alone is spoilt by; the options; code and message of the refusal. */
const REFUSED = /** @type {any[]} */ ([
  [
    'an unknown provider',
    (p) => {
      p.provider = 'nobody'
    },
    {},
    'ERR_PROVIDER_UNKNOWN',
    /claude, codex/
  ],
  [
    'a provider of a wrong type',
    (p) => {
      p.provider = 7
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.provider must be a string/
  ],
  [
    'the first secret of a wrong type',
    (p) => {
      p.apiKey = 7
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.apiKey must be a string, a Uint8Array or a Secret/
  ],
  [
    'the last secret of a wrong type',
    (p) => {
      p.sessionCookie = {}
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.sessionCookie must be/
  ],
  [
    'a string as userEnvKeys',
    (p) => {
      p.userEnvKeys = 'A=1'
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.userEnvKeys must be an object/
  ],
  [
    'an array as userEnvKeys',
    (p) => {
      p.userEnvKeys = []
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.userEnvKeys must be an object/
  ],
  [
    'a user value of a wrong type',
    (p) => {
      p.userEnvKeys.MIDDLE = 1
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /payload\.userEnvKeys must be/
  ],
  [
    'a getter that throws',
    (p) => {
      Object.defineProperty(p, 'sessionCookie', broken)
    },
    {},
    undefined,
    /a getter of the caller/
  ],
  [
    'a user value whose getter throws',
    (p) => {
      Object.defineProperty(p.userEnvKeys, 'MORE', broken)
    },
    {},
    undefined,
    /a getter of the caller/
  ],
  [
    'a shared buffer',
    (p) => {
      p.apiKey = new Uint8Array(new SharedArrayBuffer(8))
    },
    {},
    'ERR_INVALID_ARG_TYPE',
    /SharedArrayBuffer/
  ],
  [
    'a NUL in a string',
    (p) => {
      p.apiKey = 'a\0b'
    },
    {},
    'ERR_PROVIDER_PAYLOAD_INVALID',
    /payload\.apiKey contains a NUL/
  ],
  [
    'a malformed key',
    (p) => {
      p.apiKey = bytes('two words')
    },
    {},
    'ERR_PROVIDER_KEY_MALFORMED',
    /white space/
  ],
  [
    'a key of another provider',
    (p) => {
      p.apiKey = bytes('sk-proj-made-up')
    },
    {},
    'ERR_PROVIDER_KEY_WRONG_PROVIDER',
    /OpenAI project key/
  ],
  ['a forbidden name in set', () => {}, { set: { LD_PRELOAD: 'x' } }, 'ERR_PROVIDER_ENV_FORBIDDEN', /LD_PRELOAD/],
  ['a forbidden name in inherit', () => {}, { inherit: ['NODE_OPTIONS'] }, 'ERR_PROVIDER_ENV_FORBIDDEN', /NODE_OPTIONS/],
  ['set of a wrong type', () => {}, { set: { A: 1 } }, 'ERR_INVALID_ARG_TYPE', /options\.set\.A must be a string/],
  ['options of a wrong type', () => {}, 'no', 'ERR_INVALID_ARG_TYPE', /options must be an object/],
  ['a relative workspace', () => {}, { workspace: { dir: 'here' } }, 'ERR_INVALID_ARG_VALUE', /workspace\.dir must be an absolute path/],
  ['a bad base URL', () => {}, { baseUrl: 'ftp://x' }, 'ERR_INVALID_ARG_VALUE', /baseUrl must be/],
  ['foreign server credentials', () => {}, { serverCredentials: {} }, 'ERR_INVALID_ARG_TYPE', /serverCredentials must be/],
  [
    'more than the kernel takes',
    (p) => {
      p.sessionCookie = new Uint8Array(200_000).fill(120)
    },
    {},
    'ERR_PROVIDER_ENV_TOO_LARGE',
    /and ALIVE_SESSION_COOKIE has 200\d\d\d\./
  ]
])

function payloadOfBytes() {
  return {
    apiKey: bytes('sk-ant-api03-made-up-1'),
    oauthAccessToken: bytes('sk-ant-oat01-made-up-2'),
    sessionCookie: bytes('cookie-made-up-3'),
    userEnvKeys: { FIRST: bytes('made-up-4'), lower: bytes('made-up-5'), LAST: bytes('made-up-6') }
  }
}

/** Every byte array that a payload holds; getters are not asked, and shared memory is the caller's. @returns {Uint8Array[]} */
function held(/** @type {object} */ object) {
  return Object.values(Object.getOwnPropertyDescriptors(object)).flatMap(({ value }) => {
    if (value instanceof Uint8Array) return value.buffer instanceof SharedArrayBuffer ? [] : [value]
    return typeof value === 'object' && value !== null ? held(value) : []
  })
}

/** What is not zero, as text. @param {Uint8Array[]} all */
const left = (all) => all.map((one) => Buffer.from(one).toString('latin1').replaceAll('\0', '').slice(0, 40)).filter(Boolean)

test('all bytes of an object are zero after a success', () => {
  const payload = payloadOfBytes()
  const env = buildProviderEnv(payload, { workspace })
  assert.deepEqual(left(held(payload)), [])
  const { ANTHROPIC_API_KEY, ALIVE_SESSION_COOKIE, USER_LAST } = env.exposeSecrets()
  assert.deepEqual([ANTHROPIC_API_KEY, ALIVE_SESSION_COOKIE, USER_LAST], ['sk-ant-api03-made-up-1', 'cookie-made-up-3', 'made-up-6'])
  env.dispose()
})

for (const [what, spoil, options, code, message] of REFUSED) {
  test(`all bytes of an object are zero after ${what}`, () => {
    const payload = payloadOfBytes()
    spoil(payload)
    const all = held(payload)
    assert.ok(all.length >= 3 && left(all).length === all.length, 'there was something to wipe')
    const given = typeof options === 'object' ? { workspace, ...options } : options
    assert.throws(() => buildProviderEnv(payload, given), code ? { code, message } : { message })
    assert.deepEqual(left(all), [])
  })
}

const JSON_REFUSED = /** @type {any[]} */ ([
  ['text that is no JSON', '{"apiKey":"sk-made-up"', {}, 'ERR_PROVIDER_PAYLOAD_INVALID', /ends too early/],
  ['a field of a wrong type', '{"apiKey":["sk-made-up"]}', {}, 'ERR_PROVIDER_PAYLOAD_INVALID', /payload\.apiKey must be a string/],
  ['no credential', '{"sessionCookie":"made-up"}', {}, 'ERR_PROVIDER_CREDENTIAL_MISSING', /payload\.apiKey/],
  ['a forbidden name', '{"apiKey":"sk-made-up"}', { set: { BASH_ENV: 'x' } }, 'ERR_PROVIDER_ENV_FORBIDDEN', /BASH_ENV/],
  ['options of a wrong type', '{"apiKey":"sk-made-up"}', 1, 'ERR_INVALID_ARG_TYPE', /options must be an object/]
])

for (const [what, json, options, code, message] of JSON_REFUSED) {
  test(`JSON bytes are zero after ${what}`, () => {
    const payload = bytes(json)
    assert.throws(() => buildProviderEnv(payload, options), { code, message })
    assert.deepEqual(left([payload]), [])
  })
}

test('JSON bytes are zero after a success, and only they: a view leaves its neighbours alone', () => {
  const whole = Buffer.from(`before{"apiKey":"sk-made-up-json"}after`)
  const view = whole.subarray(6, whole.length - 5)
  const env = buildProviderEnv(view, { workspace })
  assert.equal(env.exposeSecrets().ANTHROPIC_API_KEY, 'sk-made-up-json')
  assert.equal(whole.toString('latin1').replaceAll('\0', ''), 'beforeafter')
  env.dispose()
})

test('shared memory is refused as JSON too', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(4))
  assert.throws(() => buildProviderEnv(shared), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /payload must not be a view of a SharedArrayBuffer/
  })
})

test('one byte over the limit is refused, and all of it is wiped', () => {
  const limit = 10 * 1024 * 1024
  const json = Buffer.alloc(limit + 1, 0x20)
  json.write('{"apiKey":"sk-made-up"}')
  assert.throws(() => buildProviderEnv(json), {
    code: 'ERR_PROVIDER_PAYLOAD_TOO_LARGE',
    message: /10485761 bytes long; the limit is 10485760/
  })
  assert.equal(json.equals(Buffer.alloc(limit + 1)), true)
  const fits = Buffer.alloc(limit, 0x20)
  fits.write('{"apiKey":"sk-made-up"}')
  buildProviderEnv(fits, { workspace }).dispose()
})
