// class Secret, memoryProtection(), requireLocked and hardenWorker(): what the kernel says of them.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const util = require('node:util')
const test = require('node:test')
const main = require('../index.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { descriptors, isRunning, pause, until } = require('./support/kernel.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const { ProviderEnv, Secret, buildProviderEnv, memoryProtection } = main
const TEXT = 'sk-ant-api03-sentinel-of-a-secret'
const workspace = { home: '/tmp' }

test('bytes are consumed, also when the options are refused', () => {
  for (const options of [undefined, { requireLocked: false }, { requireLocked: 'yes' }, { unknown: true }]) {
    const bytes = Buffer.from(TEXT)
    const refused = options !== undefined && options.requireLocked !== false
    const make = () => Secret.from(bytes, /** @type {any} */ (options)).dispose()
    if (refused) assert.throws(make, TypeError)
    else make()
    assert.deepEqual(bytes, Buffer.alloc(TEXT.length))
  }
  for (const length of [4, 100]) {
    const shared = new Uint8Array(new SharedArrayBuffer(length)).fill(7)
    assert.throws(() => Secret.from(shared), { code: 'ERR_INVALID_ARG_TYPE', message: /SharedArrayBuffer/ })
    assert.deepEqual([...shared], Array(length).fill(0))
    const gone = new Uint8Array(length)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    assert.throws(() => Secret.from(gone), { code: 'ERR_INVALID_ARG_VALUE', message: /bytes is detached/ })
  }
  assert.throws(() => Secret.from(/** @type {any} */ (TEXT)), { code: 'ERR_INVALID_ARG_TYPE', message: /bytes must be a Uint8Array/ })
})

test('an array that was consumed before is no secret', () => {
  for (const length of [4, 100]) {
    const bytes = Buffer.alloc(length, 'x')
    Secret.from(bytes).dispose()
    const again = { code: 'ERR_INVALID_ARG_VALUE', message: /contains only zeros, like an array that has already been consumed/ }
    assert.throws(() => Secret.from(bytes), again)
    assert.throws(() => buildProviderEnv({ apiKey: bytes }), {
      code: 'ERR_PROVIDER_PAYLOAD_INVALID',
      message: /apiKey contains only zeros/
    })
  }
  const other = Secret.from(Buffer.from('\0\0\0\x01'))
  assert.equal(other.length, 4)
  other.dispose()
})

test('no way of showing one shows a byte of it', () => {
  const secret = Secret.from(Buffer.from(TEXT))
  const shown = [
    String(secret),
    JSON.stringify(secret),
    util.inspect(secret, { showHidden: true, getters: true, depth: 9 }),
    util.format('%o %O %s %j', secret, secret, secret, secret),
    JSON.stringify(structuredClone(secret)),
    Object.getOwnPropertyNames(secret).join(),
    JSON.stringify(Object.entries(secret))
  ].join('\n')
  assert.doesNotMatch(shown, /sentinel/)
  assert.match(shown, new RegExp(secret.fingerprint))
  assert.deepEqual([secret.length, secret.disposed], [TEXT.length, false])
  secret.dispose()
  secret.dispose()
  assert.deepEqual([secret.length, secret.disposed, /^[0-9a-f]{8}$/.test(secret.fingerprint)], [TEXT.length, true, true])
})

test('nobody else makes one, and nothing passes for one', () => {
  assert.throws(() => new /** @type {any} */ (Secret)(), { message: /Use Secret\.from\(\)\./ })
  assert.throws(() => new /** @type {any} */ (ProviderEnv)(), { message: /Use buildProviderEnv\(\)\./ })
  for (const fake of [Object.create(Secret.prototype), { length: 3 }]) {
    assert.throws(() => buildProviderEnv({ apiKey: fake }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /payload\.apiKey must be a string, a Uint8Array or a Secret/
    })
  }
})

test('a Secret is accepted wherever a payload has one, is not consumed, and may be disposed of before the environment', () => {
  const secret = Secret.from(Buffer.from(TEXT))
  const env = buildProviderEnv({ apiKey: secret, sessionCookie: secret, userEnvKeys: { A: secret, B: 'plain', C: secret } }, { workspace })
  assert.equal(env.credential.fingerprint, secret.fingerprint)
  secret.dispose()
  const { ANTHROPIC_API_KEY, ALIVE_SESSION_COOKIE, USER_A, USER_B, USER_C } = env.exposeSecrets()
  assert.deepEqual([ANTHROPIC_API_KEY, ALIVE_SESSION_COOKIE, USER_A, USER_B, USER_C], [TEXT, TEXT, TEXT, 'plain', TEXT])
  env.dispose()
  assert.throws(() => buildProviderEnv({ apiKey: secret }, { workspace }), {
    code: 'ERR_PROVIDER_DISPOSED',
    message: /This Secret was disposed of/
  })
})

test('memoryProtection() counts what is there, and what is gone', () => {
  const before = memoryProtection()
  const secrets = Array.from({ length: 1000 }, () => Secret.from(Buffer.alloc(100, 1)))
  const during = memoryProtection()
  assert.deepEqual([during.allocations - before.allocations, during.allocatedBytes - before.allocatedBytes], [1000, 100_000])
  assert.ok(during.mappedBytes - before.mappedBytes <= 1.25 * 112 * 1000, `${during.mappedBytes} bytes for 1000 secrets of 100`)
  for (const secret of secrets) secret.dispose()
  assert.deepEqual([memoryProtection().allocations, memoryProtection().allocatedBytes], [before.allocations, before.allocatedBytes])
  assert.ok(memoryProtection().mappedBytes <= Math.max(before.mappedBytes, 16 * 1024), 'empty mappings are given back')
})

/** The flags of every mapping of a process that the kernel neither dumps nor gives to forks. @param {number} pid */
function guarded(pid) {
  const flags = [...fs.readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(/^VmFlags:(.*)$/gm)].map(([, text]) => text.trim().split(' '))
  return flags.filter((all) => all.includes('dd') && all.includes('wf'))
}

test('the kernel has noted what memoryProtection() says', { skip: needsLinux }, async (t) => {
  const body = `const secret = main.Secret.from(Buffer.from('0123456789')); say(main.memoryProtection()); await pause(60_000); secret.dispose()`
  const worker = startWorker(t, body)
  const said = await worker.next()
  const flags = guarded(worker.pid)
  assert.deepEqual([said.guardPages, said.excludedFromCoreDumps, said.wipedOnFork], [true, true, true])
  assert.equal(flags.length, 1)
  assert.equal(flags[0].includes('lo'), said.locked)
})

test('a refused lock is reported, and fatal only if that is requested', { skip: needsRoot }, async (t) => {
  const body = `
    const told = main.memoryProtection()
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/tmp' } })
    const code = (make) => { try { make() } catch (error) { return error.code } }
    say({ told, built: env.disposed, codes: [
      () => main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/tmp' }, requireLocked: true }),
      () => main.Secret.from(Buffer.from('x'), { requireLocked: true }),
      () => main.createRecipient({ requireLocked: true }),
      () => new main.Lockbox({ masterKeys: [Buffer.alloc(32, 200)], requireLocked: true }),
      () => main.takeServerCredentials({ requireLocked: true })
    ].map(code), secrets: main.memoryProtection().allocations, kept: process.env.ANTHROPIC_API_KEY })`
  const env = { PATH: process.env.PATH, HOME: '/tmp', ANTHROPIC_API_KEY: 'sk-ant-api03-made-up' }
  const worker = startWorker(t, body, {
    main: copyPackage(t),
    before: ['prlimit', '--memlock=4096:4096'],
    spawn: { uid: UID, gid: UID, cwd: '/', env }
  })
  const { told, built, codes, secrets, kept } = await worker.next()
  assert.deepEqual([told.locked, told.lockedBytes, told.lockLimitBytes], [false, 0, 4096])
  assert.deepEqual(told.refusals, [{ protection: 'locked', syscall: 'mlock', errno: -12, code: 'ENOMEM' }])
  assert.equal(built, false)
  assert.deepEqual([...new Set(codes)], ['ERR_PROVIDER_MEMORY_UNPROTECTED'])
  // The one environment that nobody asked more of: its key, and an empty cookie takes nothing.
  assert.equal(secrets, 1, 'what was refused is wiped')
  assert.equal(kept, 'sk-ant-api03-made-up', 'nothing was taken')
})

test('hardenWorker() shuts the process to its own uid, and a start does not open it again', { skip: needsRoot }, async (t) => {
  const body = `
    if (input) say(main.hardenWorker())
    else say({})
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/tmp' } })
    for (let turn = 0; turn < 3; turn += 1) await main.spawnProvider(env, { command: '/bin/true', cwd: '/', workspaceTrust: 'trusted' }).exited
    say('started')
    await pause(60_000)`
  for (const harden of [false, true]) {
    // A port of the kernel's choice: the debugger's own may be another's.
    const env = { ...process.env, NODE_OPTIONS: '--inspect-port=0' }
    const worker = startWorker(t, body, {
      main: copyPackage(t),
      input: harden,
      spawn: { uid: UID, gid: UID, cwd: '/', env, stdio: ['pipe', 'pipe', 'ignore'] }
    })
    const said = await worker.next()
    assert.equal(await worker.next(), 'started')
    assert.equal(fs.statSync(`/proc/${worker.pid}/mem`).uid, harden ? 0 : UID)
    assert.equal(readableAs(UID, `/proc/${worker.pid}/environ`), !harden)
    const limit = /Max core file size\s+(\S+)\s+(\S+)/.exec(fs.readFileSync(`/proc/${worker.pid}/limits`, 'utf8'))?.slice(1)
    // Any process of its uid may send it, and Node opens a debugger.
    worker.kill('SIGUSR1')
    if (!harden) {
      await until('the debugger listens', () => isListening(worker.pid))
      continue
    }
    assert.deepEqual(said, { nonDumpable: true, noCoreDumps: true, inspectorClosed: true, refusals: [] })
    assert.deepEqual(limit, ['1', '1'])
    await pause(300)
    assert.ok(isRunning(worker.pid))
    assert.equal(isListening(worker.pid), false)
  }
})

/** Whether a socket of this process accepts connections over TCP. @param {number} pid */
function isListening(pid) {
  const own = new Set([...descriptors(pid).values()].map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]))
  const rows = fs
    .readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
  return rows.some((fields) => fields[3] === '0A' && own.has(fields[9]))
}

test('hardenWorker() says what is not so', { skip: needsRoot }, async (t) => {
  const body = 'say(main.hardenWorker())'
  const spawn = { uid: UID, gid: UID, cwd: '/' }
  // A limit of 0 is none where the kernel feeds cores to a program.
  const zero = await startWorker(t, body, { main: copyPackage(t), before: ['prlimit', '--core=0:0'], spawn }).next()
  const feeds = fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|')
  assert.deepEqual([zero.noCoreDumps, zero.refusals], [!feeds, []])
  const inspected = await startWorker(t, body, {
    main: copyPackage(t),
    spawn: { ...spawn, env: { ...process.env, NODE_OPTIONS: '--inspect=127.0.0.1:0' } }
  }).next()
  assert.equal(inspected.inspectorClosed, false)
})

test('a secret is sealed for a worker as a row is', () => {
  const recipient = main.createRecipient()
  const binding = { workspace: 'w', field: 'apiKey', request: 'r' }
  const sealed = Secret.from(Buffer.from(TEXT)).sealFor(recipient.publicKey, binding)
  const env = buildProviderEnv({ apiKey: sealed }, { recipient, requestId: 'r', workspace: { ...workspace, id: 'w' } })
  assert.equal(env.exposeSecrets().ANTHROPIC_API_KEY, TEXT)
  assert.throws(() => Secret.from(Buffer.from(TEXT)).sealFor(recipient.publicKey, { ...binding, request: 'half \ud800' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /unpaired surrogate/
  })
})

test('another tenant takes no protection away', { skip: needsRoot }, async (t) => {
  // What a redactor looks for, many times over, in a process that may lock little.
  const body = `
    const big = () => main.buildProviderEnv({ apiKey: 'sk-made-up', userEnvKeys: Object.fromEntries(Array.from({ length: 100 }, (_, i) => ['V' + i, String(i).padEnd(15_000, 'x\\u0001')])) }, { workspace: { home: '/tmp' } })
    const redactors = Array.from({ length: 3 }, () => new main.Redactor([big()]))
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/tmp' }, requireLocked: true })
    say({ told: main.memoryProtection().locked, built: !env.disposed, redactors: redactors.length })`
  const worker = startWorker(t, body, {
    main: copyPackage(t),
    before: ['prlimit', '--memlock=8388608:8388608'],
    spawn: { uid: UID, gid: UID, cwd: '/' }
  })
  const said = await worker.next()
  assert.deepEqual([said.failed, said.built], [undefined, true])
})

/** @param {number} uid @param {string} file */
function readableAs(uid, file) {
  const { spawnSync } = require('node:child_process')
  return spawnSync('cat', [file], { uid, gid: uid }).status === 0
}
