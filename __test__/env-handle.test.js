// The handles show no value in any way that Node can print or copy, refuse use after dispose(), and change nothing global.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const util = require('node:util')
const v8 = require('node:v8')
const {
  ProviderEnv,
  ProviderError,
  ProviderProcess,
  ServerCredentials,
  buildProviderEnv,
  claudeAgentOptions,
  codexOptions,
  spawnProvider
} = require('../index.js')
const { makeEnv, outcome, startScript } = require('./support/launch.js')

const SENTINELS = ['sk-ant-api03-sentinel-1', 'cookie-sentinel-2', 'user-sentinel-3']
const workspace = { home: '/home/w', tmpDir: '/tmp/w' }
const build = () => buildProviderEnv({ apiKey: SENTINELS[0], sessionCookie: SENTINELS[1], userEnvKeys: { A: SENTINELS[2] } }, { workspace })

const EVERYTHING = { depth: Infinity, showHidden: true, getters: true, showProxy: true, maxStringLength: null, maxArrayLength: null }

/** Every way in which a value could be printed or copied. */
const VIEWS = /** @type {[string, (value: any) => unknown][]} */ ([
  ['inspect', (value) => util.inspect(value)],
  ['inspect, all of it', (value) => util.inspect(value, EVERYTHING)],
  ['inspect without custom', (value) => util.inspect(value, { ...EVERYTHING, customInspect: false })],
  ['format', (value) => util.format('%s %o %O %j', value, value, value, value)],
  ['JSON', (value) => JSON.stringify(value)],
  ['String', (value) => String(value)],
  ['concatenation', (value) => `${value}`],
  ['structuredClone', (value) => util.inspect(structuredClone(value), EVERYTHING)],
  ['serialize', (value) => v8.serialize(value).toString('latin1')],
  ['own properties', (value) => util.inspect(Object.getOwnPropertyDescriptors(value), EVERYTHING)],
  ['spread', (value) => util.inspect({ ...value }, EVERYTHING)]
])

test('a ProviderEnv shows names and a fingerprint, never a value', () => {
  const env = build()
  for (const [how, view] of VIEWS) {
    const text = String(view(env))
    for (const sentinel of SENTINELS) assert.ok(!text.includes(sentinel), `${how}: ${text}`)
  }
  const { fingerprint } = env.credential
  assert.match(String(fingerprint), /^[0-9a-f]{8}$/)
  for (const text of [util.inspect(env), JSON.stringify(env), String(env)]) assert.ok(text.includes(String(fingerprint)), text)
  for (const text of [util.inspect(env, { depth: 9 }), JSON.stringify(env)]) assert.match(text, /USER_A/)
  assert.ok(Object.values(env.exposeSecrets()).join().includes(SENTINELS[0]), 'the detector would have seen it')
  env.dispose()
})

test('a ProviderProcess shows no value, no argument and no name of the key', async (t) => {
  const { env } = makeEnv(t, { apiKey: SENTINELS[0] })
  const child = startScript(env, 'exit 0', { args: ['argument-sentinel'] })
  const views = [util.inspect(child), util.inspect(child, EVERYTHING), util.inspect(child, { ...EVERYTHING, customInspect: false })]
  for (const text of views) assert.doesNotMatch(text, /sentinel/)
  assert.equal((await outcome(child)).code, 0)
})

test('fingerprints distinguish keys in one process and differ in the next', () => {
  const print = (/** @type {string} */ apiKey) => {
    const env = buildProviderEnv({ apiKey }, { workspace })
    env.dispose()
    return env.credential.fingerprint
  }
  assert.equal(print('sk-one'), print('sk-one'))
  assert.notEqual(print('sk-one'), print('sk-two'))
  const { execFileSync } = require('node:child_process')
  const script =
    'console.log(require(process.argv[1]).buildProviderEnv({ apiKey: "sk-one" }, { workspace: { home: "/h" } }).credential.fingerprint)'
  assert.notEqual(
    execFileSync(process.execPath, ['-e', script, require.resolve('../index.js')], { encoding: 'utf8' }).trim(),
    print('sk-one')
  )
})

test('get() gives what is no secret, and throws for what is', () => {
  const env = build()
  assert.deepEqual([env.get('HOME'), env.get('ABSENT'), env.get('CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR')], ['/home/w', undefined, '3'])
  for (const name of ['ANTHROPIC_API_KEY', 'ALIVE_SESSION_COOKIE', 'USER_A']) {
    assert.throws(() => env.get(name), {
      name: 'ProviderError',
      code: 'ERR_PROVIDER_ENV_FORBIDDEN',
      message: `${name} holds a secret. Only exposeSecrets() returns it.`,
      names: [name]
    })
  }
  env.dispose()
})

test('names are sorted, unique and a copy; the facts cannot be changed', () => {
  const env = build()
  assert.deepEqual(env.names, [...new Set(env.names)].sort())
  env.names.push('X')
  env.rejectedUserEnvKeys.push('X')
  assert.ok(!env.names.includes('X') && !env.rejectedUserEnvKeys.includes('X'))
  assert.throws(() => {
    /** @type {any} */
    env.credential.kind = 'x'
  }, TypeError)
  assert.throws(() => {
    /** @type {any} */
    env.provider = 'codex'
  }, TypeError)
  env.dispose()
})

test('dispose() is idempotent, and what needs the secrets says so afterwards', () => {
  const env = build()
  const names = env.names
  assert.equal(env.disposed, false)
  env.dispose()
  env.dispose()
  env[Symbol.dispose]()
  assert.equal(env.disposed, true)
  assert.deepEqual([env.provider, env.credential.kind, env.userEnvKeyCount, env.names], ['claude', 'api-key', 1, names])
  for (const [how, use] of /** @type {[string, () => unknown][]} */ ([
    ['get', () => env.get('HOME')],
    ['exposeSecrets', () => env.exposeSecrets()],
    ['spawnProvider', () => spawnProvider(env, { command: '/bin/sh', allowRoot: true })],
    ['claudeAgentOptions', () => claudeAgentOptions(env, { command: '/bin/sh', allowRoot: true })]
  ])) {
    assert.throws(use, { name: 'ProviderError', code: 'ERR_PROVIDER_DISPOSED', message: /was disposed of\. Build a new one/ }, how)
  }
  assert.match(util.inspect(env), /disposed: true/)
})

test('names can be read after dispose(), even for the first time', () => {
  const env = build()
  env.dispose()
  assert.ok(env.names.includes('USER_A'))
})

test('Symbol.dispose is there for `using`, on both handles', () => {
  for (const type of [ProviderEnv, ServerCredentials]) assert.equal(typeof type.prototype[Symbol.dispose], 'function', type.name)
  assert.equal(typeof ProviderProcess.prototype[Symbol.asyncDispose], 'function')
})

test('a start that was requested before dispose() still gets its secrets', async (t) => {
  const { env } = makeEnv(t, { apiKey: SENTINELS[0] })
  const child = startScript(env, 'cat <&3')
  env.dispose()
  assert.equal((await outcome(child)).stdout, SENTINELS[0])
})

test('nobody can construct or forge a handle', () => {
  const options = /** @type {any} */ ({ command: '/bin/sh' })
  for (const type of /** @type {any[]} */ ([ProviderEnv, ProviderProcess, ServerCredentials]))
    assert.throws(() => new type(), TypeError, type.name)
  for (const forged of /** @type {any[]} */ ([undefined, null, {}, Object.create(ProviderEnv.prototype), new Proxy(build(), {})])) {
    assert.throws(() => spawnProvider(forged, options), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /env must be the return value of buildProviderEnv\(\)/
    })
    assert.throws(() => codexOptions(forged, {}), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /env must be the return value of buildProviderEnv\(\)/
    })
  }
})

test('process.env and the ids are the same before and after, in success and in failure', async (t) => {
  const before = {
    env: { ...process.env },
    cwd: process.cwd(),
    umask: process.umask(),
    uid: process.getuid?.(),
    groups: process.getgroups?.()
  }
  const { env } = makeEnv(t, { sessionCookie: 'x' }, { set: { SOME: 'x' }, inherit: ['PATH'] })
  assert.throws(() => buildProviderEnv({ provider: /** @type {any} */ ('nobody') }), ProviderError)
  assert.equal((await outcome(startScript(env, 'exit 3', { umask: 0o077 }))).code, 3)
  const after = {
    env: { ...process.env },
    cwd: process.cwd(),
    umask: process.umask(),
    uid: process.getuid?.(),
    groups: process.getgroups?.()
  }
  assert.deepEqual(after, before)
})
