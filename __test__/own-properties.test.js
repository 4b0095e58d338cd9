// Options and records are read by their own properties: Object.prototype, a class or process.env's prototype decides nothing.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const {
  CredentialStore,
  Lockbox,
  Secret,
  UsageLedger,
  buildProviderEnv,
  checkKey,
  claudeAgentOptions,
  spawnProvider
} = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { ids, makeEnv, needsLinux, outcome, workspaceOf } = require('./support/launch.js')
const { writeLogin } = require('./support/token-endpoint.js')

const PROJECT = path.join(__dirname, '..')
const FIXTURE = path.join(__dirname, 'fixtures', 'polluted.js')
const KEY = 'sk-ant-api03-made-up-7c1b'

/** Every property that the public types and the addon's have: a new option is among them by itself. */
function knownNames() {
  const types = ['index.d.ts', 'binding.d.ts']
  const text = types.map((name) => fs.readFileSync(path.join(PROJECT, name), 'utf8')).join('\n')
  return [...new Set([...text.matchAll(/^\s+(?:readonly )?([a-zA-Z]\w*)\??: /gm)].map(([, name]) => name))]
}

test('no read of this package reaches Object.prototype, for every name in the types', { skip: needsLinux, timeout: 120_000 }, async (t) => {
  const names = knownNames()
  for (const name of ['baseUrl', 'uid', 'workspaceTrust', 'ca', 'expiresAtUnit', 'minLength', 'onSpawn'])
    assert.ok(names.includes(name), name)
  const homes = makeHomes({ uid: ids.uid, test: t })
  writeLogin(homes.claudeConfigDir, 'claude', { access: 'sk-ant-oat01-made-up', refresh: 'made-up', expiresAt: 1 })
  const input = {
    names,
    ids,
    directories: { ...workspaceOf(homes), codexHome: undefined },
    codexHome: homes.codexHome,
    login: homes.claudeConfigDir
  }
  const { stdout } = await promisify(execFile)(process.execPath, [FIXTURE, PROJECT, JSON.stringify(input)], { timeout: 100_000 })
  const { reads, effects } = JSON.parse(stdout)
  assert.deepEqual(reads, [])
  assert.deepEqual(
    effects,
    effects.map(([name, before]) => [name, before, before])
  )
})

/** @param {Record<string, any>} polluted @param {() => any} body */
function withPrototype(polluted, body) {
  try {
    for (const [name, value] of Object.entries(polluted))
      Object.defineProperty(Object.prototype, name, /** @type {any} */ ({ __proto__: null, value, configurable: true, writable: true }))
    return body()
  } finally {
    for (const name of Object.keys(polluted)) delete (/** @type {any} */ (Object.prototype)[name])
  }
}

test('a polluted prototype redirects no key, and lends none', (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  for (const options of [{ workspace }, undefined]) {
    const env = withPrototype({ baseUrl: 'http://127.0.0.1:9/evil', set: { FOO: 'polluted' }, LANG: 'polluted' }, () =>
      buildProviderEnv({ apiKey: KEY }, /** @type {any} */ (options))
    )
    assert.equal(env.get('ANTHROPIC_BASE_URL'), undefined)
    assert.equal(env.get('FOO'), undefined)
    assert.notEqual(env.get('LANG'), 'polluted')
  }
  assert.throws(() => withPrototype({ apiKey: KEY }, () => buildProviderEnv({}, { workspace })), {
    code: 'ERR_PROVIDER_CREDENTIAL_MISSING'
  })
})

test('a polluted prototype does not choose whom the CLI becomes', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const start = () =>
    spawnProvider(env, { command: '/bin/sh', args: ['-c', 'id -u; id -g; umask; pwd'], workspaceTrust: 'trusted', allowRoot: true })
  const { stdout } = await outcome(start())
  assert.equal((await outcome(withPrototype({ uid: 54321, gid: 54321, umask: 0, cwd: '/' }, start))).stdout, stdout)
})

test('what a class hands down is refused by name, not dropped', { skip: needsLinux }, (t) => {
  class Launch {
    command = '/bin/true'
    get uid() {
      return 12345
    }
  }
  const { env } = makeEnv(t)
  const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /^options\.uid is inherited/ }
  assert.throws(() => spawnProvider(env, /** @type {any} */ (new Launch())), refused)
  assert.throws(() => spawnProvider(env, Object.create({ uid: 12345 })), refused)
  assert.throws(() => spawnProvider(env, Object.create(Object.create(null, { uid: { value: 12345 } }))), refused)
  assert.throws(() => claudeAgentOptions(env, Object.create({ uid: 12345 })), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^launch\.uid is inherited/
  })
  assert.throws(() => buildProviderEnv(Object.create({ apiKey: KEY })), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^payload\.apiKey is inherited/
  })
  assert.throws(() => spawnProvider(env, { limits: Object.create({ processes: 5 }) }), {
    message: /^options\.limits\.processes is inherited/
  })
})

test('an object of another realm, or without a prototype, is as good as one of this', (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  const foreign = require('node:vm').runInNewContext(`({ apiKey: '${KEY}' })`)
  assert.equal(buildProviderEnv(foreign, { workspace }).credential.source, 'payload')
  assert.equal(buildProviderEnv(Object.assign(Object.create(null), { apiKey: KEY }), { workspace }).credential.source, 'payload')
})

test('a getter is asked once', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  /** @type {Record<string, number>} */
  const asked = {}
  const counting = (/** @type {Record<string, any>} */ values) => {
    const object = {}
    for (const [name, value] of Object.entries(values))
      Object.defineProperty(object, name, { enumerable: true, get: () => ((asked[name] = (asked[name] ?? 0) + 1), value) })
    return /** @type {any} */ (object)
  }
  const controller = new AbortController()
  await outcome(
    spawnProvider(
      env,
      counting({
        ...ids,
        command: '/bin/true',
        workspaceTrust: 'trusted',
        signal: controller.signal,
        stdio: 'pipe',
        redactOutput: true,
        timeoutMs: 50_000
      })
    )
  )
  new Lockbox(counting({ masterKeys: [new Uint8Array(32).map((_, index) => index + 200)], allowLegacy: false })).dispose()
  buildProviderEnv(
    counting({ provider: 'claude', apiKey: KEY, userEnvKeys: counting({ A: 'a' }) }),
    counting({ workspace: counting(workspaceOf(makeHomes({ test: t }))), set: counting({ B: 'b' }) })
  ).dispose()
  assert.deepEqual(
    Object.entries(asked).filter(([, times]) => times !== 1),
    []
  )
})

test('a hole in an array is nothing, and its items are read once', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t)
  for (const name of ['args', 'groups', 'stdio']) {
    // eslint-disable-next-line no-sparse-arrays
    assert.throws(
      () =>
        spawnProvider(
          env,
          /** @type {any} */ ({ ...ids, command: '/bin/true', [name]: Array(1).concat(name === 'stdio' ? ['pipe', 'pipe'] : []) })
        ),
      { code: /^ERR_INVALID_ARG/, message: new RegExp(`options\\.${name}\\[0\\]`) }
    )
  }
  assert.throws(() => buildProviderEnv({ apiKey: KEY }, { inherit: new Array(2) }), {
    code: /^ERR_INVALID_ARG/,
    message: /options\.inherit\[0\]/
  })
})

test('the name of a method of every object is no option and no variable', (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  assert.throws(() => buildProviderEnv({ apiKey: KEY }, /** @type {any} */ ({ toString: 1 })), {
    message: /^options\.toString is not a known option\. The options are: /
  })
  assert.equal(buildProviderEnv({ apiKey: KEY }, { workspace, inherit: ['toString'] }).get('toString'), undefined)
})

/** What throws whatever is done with it. */
const thrown = new Error('the caller’s own')
const hostile = () => {
  throw thrown
}
/** @type {any} */
const unprintable = { toString: hostile, valueOf: hostile, [Symbol.toPrimitive]: hostile }
/** @type {any} */
const throwing = new Proxy({}, { get: hostile, has: hostile, ownKeys: hostile, getPrototypeOf: hostile, getOwnPropertyDescriptor: hostile })
const revoked = Proxy.revocable({}, {})
revoked.revoke()

test('what the caller’s own code throws passes as it is, and is no defect of this package', async (t) => {
  const { env } = makeEnv(t)
  const lockbox = new Lockbox({ masterKeys: [new Uint8Array(32).map((_, index) => index + 200)] })
  const secret = Secret.from(new Uint8Array(20).fill(65))
  const store = CredentialStore.of('claude', KEY)
  const getter = (/** @type {string} */ name) => /** @type {any} */ (Object.defineProperty({}, name, { enumerable: true, get: hostile }))
  /** @type {[string, () => any][]} */
  const calls = [
    ['checkKey', () => checkKey('claude', KEY, getter('baseUrl'))],
    ['CredentialStore.of', () => CredentialStore.of('claude', KEY, getter('kind'))],
    ['Secret.from', () => Secret.from(new Uint8Array(9).fill(65), getter('requireLocked'))],
    ['seal', () => lockbox.seal(secret, getter('tenant'))],
    ['spawnProvider', () => spawnProvider(env, getter('args'))],
    ['buildProviderEnv', () => buildProviderEnv(getter('apiKey'))],
    ['record', () => new UsageLedger().record(getter('inputTokens'), { workspace: 'w', provider: 'claude' })]
  ]
  for (const [name, call] of calls)
    await assert.rejects(
      async () => await call(),
      (error) => error === thrown,
      name
    )
  // A code that Node-API has too.
  const coded = Object.assign(new Error('mine'), { code: 'Closing' })
  await assert.rejects(
    checkKey(
      'claude',
      KEY,
      /** @type {any} */ (
        Object.defineProperty({}, 'proxy', {
          get: () => {
            throw coded
          }
        })
      )
    ),
    (error) => error === coded
  )
  for (const value of [{ code: 'EACCES', message: 'mine' }, { message: 'mine' }, 'mine', null, undefined, throwing, revoked.proxy]) {
    const call = checkKey(
      'claude',
      KEY,
      /** @type {any} */ (
        Object.defineProperty({}, 'proxy', {
          get: () => {
            throw value
          }
        })
      )
    )
    assert.equal(
      await call
        .then(
          () => 'checked',
          (error) => ({ error })
        )
        .then((result) => result.error === value),
      true
    )
  }
  for (const value of [unprintable, throwing, revoked.proxy, Symbol('x'), 10n, () => {}]) {
    for (const call of [
      () => env.get(value),
      () => store.rotate(value),
      () => checkKey(value, value, value),
      () => CredentialStore.open(value, value),
      () => spawnProvider(env, { command: value }),
      () => spawnProvider(env, { signal: value }),
      () => buildProviderEnv(value, value),
      () => lockbox.open(value, value),
      () => new UsageLedger().record(value, value)
    ]) {
      await assert.rejects(
        async () => await call(),
        (/** @type {any} */ error) => error.code !== 'ERR_PROVIDER_INTERNAL',
        String(call)
      )
    }
  }
})

test('a process whose onSpawn throws does not stay', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  /** @type {any} */
  let child
  const options = claudeAgentOptions(env, {
    ...ids,
    command: '/bin/sleep',
    workspaceTrust: 'trusted',
    onSpawn: (each) => {
      child = each
      throw thrown
    }
  })
  assert.throws(
    () => options.spawnClaudeCodeProcess({ command: 'x', args: ['60'], cwd: '/', env: {}, signal: new AbortController().signal }),
    (error) => error === thrown
  )
  await new Promise((resolve) => child.once('close', resolve))
  assert.equal(child.signalCode, 'SIGKILL')
})

test('what has too many names or is too long is refused, and consumed all the same', (t) => {
  const workspace = workspaceOf(makeHomes({ test: t }))
  const many = (/** @type {number} */ count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`K${index}`, 'v']))
  const bytes = new Uint8Array(new ArrayBuffer(100)).fill(65)
  const { env } = makeEnv(t)
  /** @type {[() => any, object][]} */
  const cases = [
    [
      () => buildProviderEnv({ apiKey: KEY, userEnvKeys: { ...many(5000), LAST: bytes } }, { workspace }),
      { code: 'ERR_PROVIDER_PAYLOAD_INVALID', message: /at most 4096 different names/ }
    ],
    [
      () => buildProviderEnv({ apiKey: KEY }, { workspace, set: many(5000) }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /^options\.set must have at most 4096 names, but has 5000/ }
    ],
    [
      () => buildProviderEnv({ apiKey: KEY }, { workspace, inherit: new Array(5000).fill('A') }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /^options\.inherit must have at most 4096 items, but has 5000/ }
    ],
    [
      () => buildProviderEnv({ apiKey: KEY, sessionCookie: 'x'.repeat(2 ** 24) }, { workspace }),
      { code: 'ERR_PROVIDER_PAYLOAD_TOO_LARGE' }
    ],
    [
      () => buildProviderEnv({ apiKey: KEY, userEnvKeys: /** @type {any} */ ('x'.repeat(2 ** 24)) }, { workspace }),
      { code: 'ERR_INVALID_ARG_TYPE' }
    ],
    [
      () => buildProviderEnv({ apiKey: KEY }, { workspace, baseUrl: 'x'.repeat(2 ** 24) }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /must have at most \d+ characters/ }
    ],
    [
      () => spawnProvider(env, { args: new Array(70_000).fill('a') }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /^options\.args must have at most \d+ items, but has 70000/ }
    ],
    [
      () => spawnProvider(env, { ...ids, groups: new Array(70_000).fill(1) }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /^options\.groups must have at most \d+ items, but has 70000/ }
    ],
    [
      () => spawnProvider(env, { cwd: `/${'x'.repeat(2 ** 24)}` }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /must have at most \d+ characters/ }
    ]
  ]
  for (const [call, error] of cases) assert.throws(call, error)
  assert.ok(bytes.every((byte) => byte === 0))
  // As many as there may be, of each: not a matter of minutes.
  const most = buildProviderEnv(
    { apiKey: KEY, userEnvKeys: many(4096) },
    { workspace, set: Object.fromEntries(Object.entries(many(4096)).map(([name, value]) => [`S${name}`, value])) }
  )
  assert.equal(most.userEnvKeyCount, 4096)
})
