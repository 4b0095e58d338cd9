// What comes from another realm (a context of `node:vm`, as jest and vitest's vmThreads have) counts as what it is.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const vm = require('node:vm')
const main = require('../index.js')
const { loadInContext, makeContext } = require('./support/copies.js')
const { KEYS, ids, makeEnv, needsLinux, outcome, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { makeAuthority, whyNoCertificates } = require('./support/tls.js')
const { startWorker } = require('./support/worker.js')

const COPIES = path.join(__dirname, 'support', 'copies.js')
const context = makeContext()
/** @param {string} source */
const there = (source) => vm.runInContext(`(${source})`, context)
/** The package, loaded in the other realm; and this one's, given what is the other's. @type {[string, any][]} */
const APIS = [
  ['the package in another realm', loadInContext(context)],
  ['values of another realm', main]
]

/** @param {() => any} call @returns {any} */
function thrown(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

for (const [name, api] of APIS) {
  const realm = api === main ? globalThis : there('globalThis')

  test(`${name}: errors are those that they are`, { skip: needsLinux }, async (t) => {
    const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
    for (const [call, code, of] of /** @type {[() => any, string, string][]} */ ([
      [() => api.buildProviderEnv({ provider: 'codex' }, { workspace }), 'ERR_PROVIDER_CREDENTIAL_MISSING', 'Error'],
      [() => api.buildProviderEnv(Buffer.from('{"apiKey":')), 'ERR_PROVIDER_PAYLOAD_INVALID', 'Error'],
      [() => api.buildProviderEnv({ apiKey: 5 }, { workspace }), 'ERR_INVALID_ARG_TYPE', 'TypeError'],
      [
        () => api.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { ...workspace, dir: 'relative' } }),
        'ERR_INVALID_ARG_VALUE',
        'TypeError'
      ],
      [() => api.resolveProgram('claude', { command: '/nowhere', ...ids }), 'ERR_PROVIDER_PROGRAM_NOT_FOUND', 'Error']
    ])) {
      const error = thrown(call)
      assert.equal(error.code, code)
      assert.ok(error instanceof realm[of], code)
    }
    await assert.rejects(api.CredentialStore.open('claude', { dir: workspace.home }), { code: 'ERR_PROVIDER_LOGIN_REQUIRED' })
    // What a caller's own code throws stays its own.
    const mine = there('new RangeError("mine")')
    const payload = Object.defineProperty({}, 'apiKey', {
      enumerable: true,
      get: () => {
        throw mine
      }
    })
    assert.equal(
      thrown(() => api.buildProviderEnv(payload, { workspace })),
      mine
    )
  })

  test(`${name}: bytes are bytes`, { skip: needsLinux }, async (t) => {
    const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
    const bytes = (/** @type {string} */ text) => there('(list) => Uint8Array.from(list)')([...Buffer.from(text)])
    const isZero = (/** @type {Uint8Array} */ array) => array.every((byte) => byte === 0)
    for (const text of [KEYS.claude, `${KEYS.claude}-${'long'.repeat(40)}`]) {
      const [payload, key, secret] = [bytes(JSON.stringify({ apiKey: text })), bytes(text), bytes(text)]
      const env = api.buildProviderEnv(payload, { workspace })
      const ofKey = api.buildProviderEnv({ apiKey: key }, { workspace })
      const ofSecret = api.buildProviderEnv({ apiKey: api.Secret.from(secret) }, { workspace })
      for (const each of [env, ofKey, ofSecret]) assert.equal(each.exposeSecrets().ANTHROPIC_API_KEY, text)
      assert.deepEqual([payload, key, secret].map(isZero), [true, true, true])
      assert.equal(Buffer.from(new api.Redactor([env]).redact(bytes(`-${text}-`))).toString(), `-${'*'.repeat(text.length)}-`)
    }
    assert.notEqual(api.validateKey('claude', bytes(KEYS.claude)).verdict, 'invalid')
    const meter = new api.UsageMeter('claude')
      .write(bytes('{"type":"result","subtype":"success","usage":{"input_tokens":5,"output_tokens":1}}\n'))
      .end(0)
    assert.equal(meter.usage.inputTokens, 5)
    if (!whyNoCertificates()) {
      const check = await api.checkKey('claude', bytes(KEYS.claude), { baseUrl: 'https://127.0.0.1:1', ca: bytes(makeAuthority(t).ca) })
      assert.equal(check.outcome, 'unreachable')
    }
    assert.throws(() => api.buildProviderEnv(there('new ArrayBuffer(8)')), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => api.buildProviderEnv({ apiKey: there('new Uint8Array(new SharedArrayBuffer(8))') }), {
      code: 'ERR_INVALID_ARG_TYPE'
    })
  })

  test(`${name}: objects, arrays and signals are what they are`, { skip: needsLinux }, async (t) => {
    const { homes } = makeEnv(t)
    const directories = JSON.stringify(workspaceOf(homes))
    for (const make of ['(value) => value', '(value) => Object.assign(Object.create(null), value)']) {
      const form = there(make)
      const plain = (/** @type {any} */ value) => form(there(JSON.stringify(value)))
      const options = plain({ set: { FOO: 'set' }, inherit: ['LANG'] })
      options.workspace = form(there(directories))
      const env = api.buildProviderEnv(plain({ apiKey: KEYS.claude, userEnvKeys: { A: 'a' } }), options)
      assert.equal(env.get('FOO'), 'set')
      assert.equal(env.exposeSecrets().USER_A, 'a')
      const child = api.spawnProvider(
        env,
        plain({
          ...ids,
          command: '/bin/sh',
          args: ['-c', 'echo "$FOO"'],
          stdio: ['ignore', 'pipe', 'pipe'],
          limits: { openFiles: 64 },
          workspaceTrust: 'trusted'
        })
      )
      const { stdout, error, code } = await outcome(child)
      assert.deepEqual([stdout, error, code], ['set\n', null, 0])
      assert.throws(() => api.buildProviderEnv(plain({ apiKey: KEYS.claude }), plain({ nothing: 1 })), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: /nothing is not a known option/
      })
    }
    // A signal of a polyfill's own realm: its own class, the same properties.
    const controller = there(`new (class { signal = Object.assign(new (class {
      aborted = false; reason; all = []
      addEventListener(type, call) { this.all.push(call) }
      removeEventListener() {}
    })()); abort(reason) { Object.assign(this.signal, { aborted: true, reason }); this.signal.all.forEach((call) => call()) } })()`)
    const env = api.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: workspaceOf(homes) })
    const child = api.spawnProvider(env, {
      ...ids,
      command: '/bin/sleep',
      args: ['60'],
      workspaceTrust: 'trusted',
      signal: controller.signal
    })
    child.once('spawn', () => controller.abort(there('new Error("enough")')))
    const seen = await outcome(child)
    assert.deepEqual([seen.error.code, seen.error.cause.message, seen.signal], ['ERR_PROVIDER_ABORTED', 'enough', 'SIGTERM'])
  })
}

test('what the package returns is of the realm that it is loaded in', { skip: needsLinux }, async (t) => {
  const [[, api]] = APIS
  const realm = there('globalThis')
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const env = api.buildProviderEnv({ apiKey: KEYS.claude, userEnvKeys: { 'BAD-NAME': 'x' } }, { workspace })
  const lockbox = new api.Lockbox({ masterKeys: [Uint8Array.from({ length: 32 }, (_, index) => index + 1)] })
  const context = { tenant: 'tenant', purpose: 'purpose', name: 'name', rowVersion: 1 }
  const row = lockbox.seal(Buffer.from('a secret of a tenant'), context)
  const script = `printf '%s\\n' '{"type":"system","subtype":"init","model":"m","apiKeySource":"another"}' '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"x","usage":{"input_tokens":5,"output_tokens":1}}'`
  const child = api.spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', usage: true })
  /** @type {any[]} */
  const told = []
  for (const event of ['usage', 'failure', 'credentialMismatch']) child.on(event, (/** @type {any} */ value) => told.push(value))
  const ledger = new api.UsageLedger()
  ledger.track(child, { workspace: 'w' })
  await outcome(child)
  assert.equal(told.length >= 3, true)
  const results = {
    env: [env.credential, env.names, env.rejectedUserEnvKeys, env.exposeSecrets(), env.toJSON()],
    lockbox: [lockbox.masterKeyIds, row, lockbox.reseal(row, context, { ...context, rowVersion: 2 })],
    key: [api.validateKey('claude', KEYS.claude), await api.checkKey('claude', KEYS.claude, { baseUrl: 'http://127.0.0.1:1' })],
    memory: [api.memoryProtection()],
    program: [api.resolveProgram('claude', { command: '/bin/sh', ...ids }), api.describeProvider(env)],
    redactor: [new api.Redactor([env, 'ab']).skipped],
    process: [child.usage, child.failure, child.missingProtections, child.stdio, await child.exited, api.runningProcesses()],
    told,
    ledger: [ledger.toJSON()]
  }
  /** @type {string[]} */
  const foreign = []
  /** @param {any} value @param {string} at */
  const look = (value, at) => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || typeof value.on === 'function') return
    if (Array.isArray(value) ? !(value instanceof realm.Array) : !(value instanceof realm.Object)) foreign.push(at)
    for (const [name, part] of Object.entries(value)) look(part, `${at}.${name}`)
  }
  for (const [name, all] of Object.entries(results))
    all.forEach((/** @type {any} */ each, /** @type {number} */ index) => look(each, `${name}[${index}]`))
  assert.deepEqual(foreign, [])
})

test('an error event of another realm that nobody listens for is itself', { skip: needsLinux }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const worker = startWorker(
    t,
    `
    const { loadInContext, makeContext } = require(input.copies)
    const api = loadInContext(makeContext())
    process.on('uncaughtException', ({ code, path }) => say({ code, path }))
    const env = api.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: input.workspace })
    api.spawnProvider(env, { ...input.ids, command: '/nowhere', workspaceTrust: 'trusted' }).on('close', () => say('closed'))`,
    { input: { copies: COPIES, workspace, ids } }
  )
  assert.deepEqual(await worker.next(), { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', path: '/nowhere' })
  assert.equal(await worker.next(), 'closed')
})
