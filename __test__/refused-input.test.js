// Input that cannot be read as it is meant: a Map in an object's place, half of a surrogate pair in a text, and names so many or
// so long that an error could not repeat them. Each is refused by the name of its option; nothing is dropped or changed.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { test } = require('node:test')
const { promisify } = require('node:util')
const api = require('../index.js')
const { KEYS, ids, isRoot, makeEnv, needsLinux, outcome, run, startScript, workspaceOf } = require('./support/launch.js')
const { makeHomes, makeOpenDir } = require('./support/homes.js')

const apiKey = KEYS.claude
const HALF = 'a\ud800b'
/** Longer than anything that a person reads, and than most logs take in one line. */
const MOST_CHARACTERS = 4096

/** What is thrown, at once or later. @param {() => unknown} call @returns {Promise<any>} */
async function thrown(call) {
  try {
    await call()
  } catch (error) {
    return error
  }
  return null
}

/**
 * Every door with all of its texts and objects: each value is valid as far as it is looked at before the others.
 * @param {import('node:test').TestContext} t
 * @returns {Record<string, [valid: Record<string, any>, call: (options: any) => unknown]>}
 */
function doors(t) {
  const homes = makeHomes({ uid: ids.uid, test: t })
  const { env } = makeEnv(t)
  const codex = makeEnv(t, { provider: 'codex' }).env
  const workspace = { ...workspaceOf(homes), claudeConfigDir: homes.claudeConfigDir, key: 'key', id: 'id', userId: 'user' }
  const ledger = new api.UsageLedger()
  const recipient = api.createRecipient()
  return {
    payload: [{ provider: 'claude', userEnvKeys: { NOTE: 'x' } }, (payload) => api.buildProviderEnv({ apiKey, ...payload }, { workspace })],
    buildProviderEnv: [
      { baseUrl: 'http://127.0.0.1:9', inherit: ['LANG'], set: { NOTE: 'x' }, requestId: 'r', workspace },
      (options) => api.buildProviderEnv({ apiKey }, options)
    ],
    spawnProvider: [
      { args: ['a'], command: '/bin/true', cwd: '/', delivery: 'auto', limits: { openFiles: 64 }, redactOutput: { stdout: true } },
      (options) => outcome(api.spawnProvider(env, { ...ids, workspaceTrust: 'trusted', ...options }))
    ],
    resolveProgram: [
      { command: '/bin/sh', path: '/bin' },
      (options) => api.resolveProgram('claude', { ...ids, allowRoot: isRoot, ...options })
    ],
    claudeAgentOptions: [{ command: '/bin/sh' }, (launch) => api.claudeAgentOptions(env, { ...ids, ...launch })],
    codexOptions: [
      { command: '/bin/sh', cwd: '/' },
      (launch) => api.codexOptions(codex, { allowRoot: true, exposeSecrets: true, ...launch })
    ],
    diagnose: [
      {
        provider: 'claude',
        command: '/bin/sh',
        path: '/bin',
        workspace: '/',
        home: '/',
        tmpDir: '/',
        claudeConfigDir: '/',
        prefix: '/opt/x'
      },
      (options) => api.diagnose({ start: false, ...ids, ...options })
    ],
    checkKey: [
      { baseUrl: 'http://127.0.0.1:9', proxy: 'http://127.0.0.1:9', ca: 'none' },
      (options) => api.checkKey('claude', apiKey, { timeoutMs: 100, ...options })
    ],
    validateKey: [{ kind: 'api-key' }, (options) => api.validateKey('claude', apiKey, options)],
    UsageMeter: [{ model: 'm', workspace: 'w' }, (options) => new api.UsageMeter('claude', options)],
    'UsageLedger.record': [
      { workspace: 'w', provider: 'claude', generation: '1' },
      (labels) => ledger.record(new api.UsageMeter('claude').usage, labels)
    ],
    'CredentialStore.open': [
      { dir: homes.claudeConfigDir, file: 'f', tokenUrl: 'http://127.0.0.1:9/t', clientId: 'c', fields: { accessToken: 'a' } },
      (options) => api.CredentialStore.open('claude', options)
    ],
    sealFor: [
      { workspace: 'w', field: 'apiKey', request: 'r' },
      (binding) => api.Secret.from(Buffer.from('a-secret-of-a-test')).sealFor(recipient.publicKey, binding)
    ],
    createRecipient: [{ maxAgeMs: 1000 }, (options) => api.createRecipient(options)]
  }
}

test('a directory for the Codex SDK is a path that the kernel can take', (t) => {
  const [valid, call] = doors(t).codexOptions
  assert.ok(call(valid))
  for (const cwd of ['', '/a\0b']) assert.throws(() => call({ ...valid, cwd }), { code: 'ERR_INVALID_ARG_VALUE' })
})

/** Objects that have no properties of what they hold. @type {[string, (given: any) => any][]} */
const OTHERS = [
  ['Map', (given) => new Map(Object.entries(given))],
  ['Map of another realm', (given) => require('node:vm').runInNewContext('new Map(entries)', { entries: Object.entries(given) })],
  ['class of Maps', (given) => new (class extends Map {})(Object.entries(given))],
  ['Set', (given) => new Set(Object.keys(given))],
  ['URLSearchParams', () => new URLSearchParams('a=b')],
  ['Headers', () => new Headers({ a: 'b' })],
  ['Date', () => new Date(0)],
  ['WeakMap', () => new WeakMap()],
  ['Promise', () => Promise.resolve({})],
  ['boxed string', () => Object('text')],
  ['error', () => new Error('text')]
]

test('a Map, or another object that keeps what it holds elsewhere, is refused wherever an object is read', {
  skip: needsLinux
}, async (t) => {
  for (const [door, [valid, call]] of Object.entries(doors(t))) {
    const places = /** @type {[string, (object: any) => any][]} */ ([
      ['', (object) => object],
      ...Object.entries(valid)
        .filter(([, value]) => typeof value === 'object' && !Array.isArray(value))
        .map(([name]) => [name, (/** @type {any} */ object) => ({ ...valid, [name]: object })])
    ])
    for (const [name, put] of places) {
      // The calls above spread what they are given: a spread Map is an empty object, and says nothing of us.
      if (
        name === '' &&
        ![
          'buildProviderEnv',
          'validateKey',
          'UsageMeter',
          'UsageLedger.record',
          'CredentialStore.open',
          'sealFor',
          'createRecipient'
        ].includes(door)
      )
        continue
      for (const [kind, make] of OTHERS) {
        const error = await thrown(() => call(put(make(name === '' ? valid : valid[name]))))
        assert.equal(error?.code, 'ERR_INVALID_ARG_TYPE', `${door} ${name}: a ${kind} is ${error ? error.message : 'taken'}`)
        assert.match(error.message, name === '' ? /must be an object/ : new RegExp(`\\b${name} must be an object`), kind)
        assert.equal(error.message.includes('Object.fromEntries()'), kind.includes('Map') && kind !== 'WeakMap', error.message)
      }
    }
  }
})

test('payloads and options that are spread above: a Map is refused there too, and its bytes are consumed', { skip: needsLinux }, (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  const { env } = makeEnv(t)
  const bytes = () => new Uint8Array(new ArrayBuffer(40)).fill(65)
  const [key, user] = [bytes(), bytes()]
  assert.throws(() => api.buildProviderEnv(/** @type {any} */ (new Map([['apiKey', key]])), { workspace }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /^payload must be an object/
  })
  assert.throws(() => api.buildProviderEnv({ apiKey, userEnvKeys: /** @type {any} */ (new Map([['DB', user]])) }, { workspace }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message:
      'payload.userEnvKeys must be an object that keeps its data in its own properties, but is a Map (Object.fromEntries() converts it to an object).'
  })
  for (const spent of [key, user])
    assert.ok(
      spent.every((byte) => byte === 0),
      'consumed'
    )
  for (const call of [
    () => api.spawnProvider(env, /** @type {any} */ (new Map([['uid', 12345]]))),
    () => api.resolveProgram('claude', /** @type {any} */ (new Map())),
    () => api.claudeAgentOptions(env, /** @type {any} */ (new Map()))
  ]) {
    assert.throws(call, { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('an object of a class, without a prototype or of another realm is read as before', { skip: needsLinux }, (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  class Keys {
    DB = 'x'
  }
  for (const userEnvKeys of /** @type {any[]} */ ([
    new Keys(),
    Object.assign(Object.create(null), { DB: 'x' }),
    require('node:vm').runInNewContext('({ DB: "x" })'),
    { DB: 'x' }
  ])) {
    assert.equal(api.buildProviderEnv({ apiKey, userEnvKeys }, { workspace }).userEnvKeyCount, 1)
  }
  assert.equal(
    api
      .buildProviderEnv(
        { apiKey },
        {
          workspace: new (class {
            home = workspace.home
          })()
        }
      )
      .get('HOME'),
    workspace.home
  )
})

test('half of a surrogate pair is refused in every text that an option takes', { skip: needsLinux, timeout: 120_000 }, async (t) => {
  for (const [door, [valid, call]] of Object.entries(doors(t))) {
    const texts = leaves(valid)
    assert.ok(texts.length > 0 || door === 'createRecipient', door)
    for (const [where, put] of texts) {
      const error = await thrown(() => call(put(HALF)))
      const last = where[where.length - 1]
      // One of a few words is refused as none of them.
      const said = /has an unpaired surrogate|must be one of|provider is unknown/i
      assert.ok(
        error && said.test(error.message) && /^ERR_(INVALID_ARG_VALUE|PROVIDER_(PAYLOAD_INVALID|UNKNOWN))$/.test(error.code),
        `${door} ${where.join('.')}: ${error ? `${error.code} ${error.message}` : 'taken'}`
      )
      assert.ok(
        error.message.includes(String(last)) || error.names?.includes(last) || where.includes('provider') || where.includes('userEnvKeys'),
        error.message
      )
      assert.ok(!error.message.includes('\ufffd') || where.includes('provider'), error.message)
    }
  }
})

/**
 * Where the texts of an object are, with how to put another one there.
 * @param {any} object
 * @param {(string | number)[]} above
 * @returns {[(string | number)[], (text: string) => any][]}
 */
function leaves(object, above = []) {
  return Object.entries(object).flatMap(([name, value]) => {
    const key = Array.isArray(object) ? Number(name) : name
    const put = (/** @type {any} */ other) =>
      Array.isArray(object) ? object.map((item, index) => (index === key ? other : item)) : { ...object, [name]: other }
    if (typeof value === 'string') return [[[...above, key], put]]
    if (typeof value !== 'object' || value === null) return []
    return leaves(value, [...above, key]).map(
      ([where, deeper]) => /** @type {any} */ ([where, (/** @type {string} */ text) => put(deeper(text))])
    )
  })
}

test('names with half of a pair are refused too, and whole pairs arrive whole', { skip: needsLinux }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  assert.throws(() => api.buildProviderEnv({ apiKey }, { workspace, set: { [`A${HALF}`]: 'x' } }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /unpaired surrogate/
  })
  assert.throws(() => api.buildProviderEnv({ apiKey, userEnvKeys: { [`A${HALF}`]: 'x' } }, { workspace }), {
    code: 'ERR_PROVIDER_PAYLOAD_INVALID',
    message: /unpaired surrogate/
  })
  assert.throws(() => api.buildProviderEnv(Buffer.from(JSON.stringify({ apiKey, userEnvKeys: { NOTE: HALF } })), { workspace }), {
    code: 'ERR_PROVIDER_PAYLOAD_INVALID',
    message: /unpaired surrogate/
  })
  const { env } = makeEnv(t, { userEnvKeys: { NOTE: 'ü😀' } }, { set: { NOTE: '😀ü' } })
  assert.equal((await run(env, 'printf %s "$USER_NOTE$NOTE"')).stdout, 'ü😀😀ü')
})

test('a variable that is no UTF-8 is not inherited as another one', { skip: needsLinux }, async () => {
  const code = `const { buildProviderEnv } = require(${JSON.stringify(path.join(__dirname, '..'))})
    try { buildProviderEnv({ apiKey: 'x-made-up' }, { inherit: ['ODD'], workspace: { home: '/h' } }); console.log('taken') } catch (error) { console.log(error.code, error.message) }`
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    'ODD=$(printf "a\\377b"); export ODD; exec "$0" -e "$1"',
    process.execPath,
    code
  ])
  assert.equal(
    stdout,
    'ERR_INVALID_ARG_VALUE options.inherit names ODD, whose value in process.env is not UTF-8 and would be changed. Pass the value in options.set.\n'
  )
})

test('a redactor leaves halves of pairs as they are, beside what it masks', () => {
  const redactor = new api.Redactor([apiKey])
  assert.equal(
    redactor.redact(`\udc00 ${apiKey} \ud800${apiKey}\ud800`),
    `\udc00 ${'*'.repeat(apiKey.length)} \ud800${'*'.repeat(apiKey.length)}\ud800`
  )
})

test('no error is longer than a log line, whatever it contains', { skip: needsLinux, timeout: 120_000 }, async (t) => {
  const place = makeOpenDir('provider-env-long-')
  t.after(() => fs.rmSync(place, { recursive: true, force: true }))
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const { env } = makeEnv(t)
  const long = 'N'.repeat(2 ** 20)
  const groups = Array.from({ length: 60_000 }, (_, index) => index + 1)
  const many = Object.fromEntries(Array.from({ length: 4000 }, (_, index) => [`${long.slice(0, 200)}${index}`, 'x']))
  const file = path.join(place, 'claude')
  fs.writeFileSync(file, '')
  fs.chmodSync(file, 0o755)
  const deep = Array.from({ length: 500 }, () => place).join(':')
  const errors = /** @type {any[]} */ ([
    await thrown(() => api.buildProviderEnv({ apiKey }, { workspace, set: { [long]: '\0' } })),
    await thrown(() => api.buildProviderEnv({ apiKey }, { workspace, set: { [`AWS_${long}`]: 'x' } })),
    await thrown(() => api.buildProviderEnv({ apiKey }, { workspace, set: { [long]: /** @type {any} */ (7) } })),
    await thrown(() => api.buildProviderEnv({ apiKey }, { workspace, inherit: [`AWS_${long}`] })),
    await thrown(() => api.buildProviderEnv({ apiKey }, /** @type {any} */ ({ workspace, [long]: 1 }))),
    await thrown(() => api.buildProviderEnv({ apiKey }, /** @type {any} */ ({ workspace, ...many }))),
    await thrown(() => api.buildProviderEnv({ apiKey, provider: /** @type {any} */ (long) }, { workspace })),
    await thrown(() => api.resolveProgram('claude', { command: `/${long}`, ...ids, allowRoot: isRoot })),
    await thrown(() => api.resolveProgram('claude', { command: long, ...ids, allowRoot: isRoot })),
    await thrown(() => api.resolveProgram('claude', { command: 'claude', path: deep, ...ids, allowRoot: isRoot })),
    (await outcome(startScript(env, ':', { command: `/${long}` }))).error,
    (await outcome(startScript(env, ':', { cwd: `/${long}` }))).error,
    ...(isRoot ? [(await outcome(startScript(env, ':', { groups, limits: { openFiles: 2 ** 40 } }))).error] : [])
  ])
  for (const [index, error] of errors.entries()) {
    assert.match(String(error?.code), /^ERR_/, `${index}: nothing was thrown`)
    assert.ok(
      error.message.length <= MOST_CHARACTERS,
      `${index}: ${error.code}, ${error.message.length} characters, ${error.message.slice(0, 200)}`
    )
    assert.ok(
      (error.path ?? '').length <= 4096 && (error.names ?? []).every((/** @type {string} */ name) => name.length <= 256),
      `${index}: ${error.code}`
    )
    assert.match(error.message, /[.)]$/, `the advice at the end is kept: ${error.message.slice(-100)}`)
  }
  if (isRoot) assert.match(errors[errors.length - 1].message, /groups \[1, 2, 3, 4, 5, 6, 7, 8\] and 59992 more: step limits/)
})
