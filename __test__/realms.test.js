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
const APIS = [['the package in another realm', loadInContext(context)], ['values of another realm', main]]

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
      [() => api.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { ...workspace, dir: 'relative' } }), 'ERR_INVALID_ARG_VALUE', 'TypeError'],
      [() => api.resolveProgram('claude', { command: '/nowhere', ...ids }), 'ERR_PROVIDER_PROGRAM_NOT_FOUND', 'Error']
    ])) {
      const error = thrown(call)
      assert.equal(error.code, code)
      assert.ok(error instanceof realm[of], code)
    }
    await assert.rejects(api.CredentialStore.open('claude', { dir: workspace.home }), { code: 'ERR_PROVIDER_LOGIN_REQUIRED' })
    // What a caller's own code throws stays its own.
    const mine = there('new RangeError("mine")')
    const payload = Object.defineProperty({}, 'apiKey', { enumerable: true, get: () => { throw mine } })
    assert.equal(thrown(() => api.buildProviderEnv(payload, { workspace })), mine)
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
    const meter = new api.UsageMeter('claude').write(bytes('{"type":"result","subtype":"success","usage":{"input_tokens":5,"output_tokens":1}}\n')).end(0)
    assert.equal(meter.usage.inputTokens, 5)
    if (!whyNoCertificates()) {
      const check = await api.checkKey('claude', bytes(KEYS.claude), { baseUrl: 'https://127.0.0.1:1', ca: bytes(makeAuthority(t).ca) })
      assert.equal(check.outcome, 'unreachable')
    }
    assert.throws(() => api.buildProviderEnv(there('new ArrayBuffer(8)')), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => api.buildProviderEnv({ apiKey: there('new Uint8Array(new SharedArrayBuffer(8))') }), { code: 'ERR_INVALID_ARG_TYPE' })
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
      const child = api.spawnProvider(env, plain({ ...ids, command: '/bin/sh', args: ['-c', 'echo "$FOO"'], stdio: ['ignore', 'pipe', 'pipe'], limits: { openFiles: 64 }, workspaceTrust: 'trusted' }))
      const { stdout, error, code } = await outcome(child)
      assert.deepEqual([stdout, error, code], ['set\n', null, 0])
      assert.throws(() => api.buildProviderEnv(plain({ apiKey: KEYS.claude }), plain({ nothing: 1 })), { code: 'ERR_INVALID_ARG_VALUE', message: /nothing is no option/ })
    }
    // A signal of a polyfill's own realm: its own class, the same properties.
    const controller = there(`new (class { signal = Object.assign(new (class {
      aborted = false; reason; all = []
      addEventListener(type, call) { this.all.push(call) }
      removeEventListener() {}
    })()); abort(reason) { Object.assign(this.signal, { aborted: true, reason }); this.signal.all.forEach((call) => call()) } })()`)
    const env = api.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: workspaceOf(homes) })
    const child = api.spawnProvider(env, { ...ids, command: '/bin/sleep', args: ['60'], workspaceTrust: 'trusted', signal: controller.signal })
    child.once('spawn', () => controller.abort(there('new Error("enough")')))
    const seen = await outcome(child)
    assert.deepEqual([seen.error.code, seen.error.cause.message, seen.signal], ['ERR_PROVIDER_ABORTED', 'enough', 'SIGTERM'])
  })
}

test('an error event of another realm that nobody listens for is itself', { skip: needsLinux }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const worker = startWorker(t, `
    const { loadInContext, makeContext } = require(input.copies)
    const api = loadInContext(makeContext())
    process.on('uncaughtException', ({ code, path }) => say({ code, path }))
    const env = api.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: input.workspace })
    api.spawnProvider(env, { ...input.ids, command: '/nowhere', workspaceTrust: 'trusted' }).on('close', () => say('closed'))`, { input: { copies: COPIES, workspace, ids } })
  assert.deepEqual(await worker.next(), { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', path: '/nowhere' })
  assert.equal(await worker.next(), 'closed')
})
