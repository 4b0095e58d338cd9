// Several copies of the facade over one addon: each hears of its own processes and jobs, and of no others.
'use strict'

const assert = require('node:assert/strict')
const net = require('node:net')
const path = require('node:path')
const test = require('node:test')
const { Worker } = require('node:worker_threads')
const { loadAgain, loadInContext, makeContext } = require('./support/copies.js')
const { makeHomes } = require('./support/homes.js')
const { endAfter, isRunning, until } = require('./support/kernel.js')
const { KEYS, ids, needsLinux, outcome, workspaceOf } = require('./support/launch.js')
const { startWorker } = require('./support/worker.js')

const COPIES = path.join(__dirname, 'support', 'copies.js')

/** @param {any} api @param {any} workspace @param {string} script */
function start(api, workspace, script) {
  const env = api.buildProviderEnv({ apiKey: KEYS.claude }, { workspace })
  return api.spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted' })
}

test('each copy hears of its own starts, whichever was the last to start', { skip: needsLinux, timeout: 30_000 }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const [one, two] = [loadAgain(), loadAgain()]
  assert.notEqual(one.ProviderProcess, two.ProviderProcess)
  const waits = start(one, workspace, 'read line; exit 3')
  const seen = [
    await outcome(start(two, workspace, 'exit 4')),
    await outcome(start(one, workspace, 'exit 5')),
    await outcome(start(two, workspace, 'exit 6'))
  ]
  waits.stdin.end('\n')
  seen.push(await outcome(waits))
  assert.deepEqual(
    seen.map(({ code, events }) => [code, events.at(-1)]),
    [
      [4, 'close'],
      [5, 'close'],
      [6, 'close'],
      [3, 'close']
    ]
  )
  // At once, too.
  const both = await Promise.all(
    Array.from({ length: 20 }, (_, index) => outcome(start([one, two][index % 2], workspace, `exit ${index}`)))
  )
  assert.deepEqual(
    both.map(({ code }) => code),
    both.map((_, index) => index)
  )
})

test('each copy hears of its own jobs', { timeout: 30_000 }, async () => {
  const [one, two] = [loadAgain(), loadAgain()]
  const ask = async (/** @type {any} */ api) => (await api.checkKey('claude', KEYS.claude, { baseUrl: 'http://127.0.0.1:1' })).outcome
  assert.equal(await ask(one), 'unreachable')
  assert.equal(await ask(two), 'unreachable')
  assert.equal(await ask(one), 'unreachable')
  assert.deepEqual(await Promise.all([one, two, one, two].map(ask)), Array(4).fill('unreachable'))
})

/** An endpoint that takes a request and never answers. @param {any} t @returns {Promise<string>} */
async function silent(t) {
  const server = net.createServer(() => {})
  t.after(() => server.close())
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`
}

/** A worker thread with two copies, each of which has a child that stays, and starts others without a pause. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { loadAgain } = require(workerData.copies)
  const copies = [loadAgain(), loadAgain()]
  const start = (api, script) => api.spawnProvider(api.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: workerData.workspace }), { ...workerData.ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted' })
  const code = (child) => new Promise((resolve) => child.on('close', resolve))
  ;(async () => {
    const stay = copies.map((api) => start(api, 'trap "" TERM; while :; do sleep 1; done'))
    for (const child of stay) await child.spawned
    for (let turn = 0; ; turn += 1) {
      const codes = await Promise.all(copies.map((api, index) => code(start(api, 'exit ' + (index + 1)))))
      parentPort.postMessage({ codes, pids: stay.map((child) => child.pid) })
    }
  })()`

test('copies in a worker thread that is ended, and copies in the main one', { skip: needsLinux, timeout: 60_000 }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const [one, two] = [loadAgain(), loadAgain()]
  for (let turn = 0; turn < 3; turn += 1) {
    const waits = [one, two].map((api) => start(api, workspace, 'read line; exit 7'))
    const worker = new Worker(THREAD, { eval: true, workerData: { copies: COPIES, workspace, ids } })
    t.after(() => worker.terminate())
    const { codes, pids } = await new Promise((resolve, reject) => worker.once('error', reject).once('message', resolve))
    for (const pid of pids) endAfter(t, pid)
    assert.deepEqual(codes, [1, 2])
    await worker.terminate()
    await until("the thread's children end", () => !pids.some(isRunning))
    const codesHere = await Promise.all([one, two].map(async (api) => (await outcome(start(api, workspace, 'exit 8'))).code))
    assert.deepEqual(codesHere, [8, 8])
    for (const child of waits) child.stdin.end('\n')
    assert.deepEqual(await Promise.all(waits.map(async (child) => (await outcome(child)).code)), [7, 7])
  }
})

test('what every copy has started ends with the process, and many copies are no leak of listeners', {
  skip: needsLinux,
  timeout: 30_000
}, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const worker = startWorker(
    t,
    `
    const { loadAgain } = require(input.copies)
    const warnings = []
    // That a shell has no version of a CLI's is said by each copy, and is not what this is about.
    process.on('warning', ({ name, code }) => code === 'PROVIDER_CLI_UNTESTED' || warnings.push(name))
    const before = process.listenerCount('exit')
    const children = Array.from({ length: 15 }, () => {
      const api = loadAgain()
      const env = api.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: input.workspace })
      return api.spawnProvider(env, { ...input.ids, command: '/bin/sh', args: ['-c', 'trap "" TERM; while :; do sleep 1; done'], workspaceTrust: 'trusted', stdio: 'ignore' })
    })
    for (const child of children) await child.spawned
    await pause(1)
    say({ warnings, more: process.listenerCount('exit') - before, pids: children.map((child) => child.pid) })
    process.exit(5)`,
    { input: { copies: COPIES, workspace, ids } }
  )
  const { warnings, more, pids, ...rest } = await worker.next()
  for (const pid of pids ?? []) endAfter(t, pid)
  assert.deepEqual(rest, {})
  assert.deepEqual([warnings, more, pids.length], [[], 1, 15])
  assert.deepEqual(await worker.ended, { code: 5, signal: null })
  await until('all end', () => !pids.some(isRunning))
})

test('a copy that nobody holds any more hears of what it has begun, and then goes', { skip: needsLinux, timeout: 60_000 }, async (t) => {
  const many = 24
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const worker = startWorker(
    t,
    `
    require('node:v8').setFlagsFromString('--expose-gc')
    const gc = require('node:vm').runInNewContext('gc')
    const { loadAgain } = require(input.copies)
    const start = (api, script) => api.spawnProvider(api.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: input.workspace }), { ...input.ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', stdio: 'ignore' })
    const heard = []
    const copies = []
    const use = async () => {
      const api = loadAgain()
      copies.push(new WeakRef(api.spawnProvider))
      const exited = start(api, 'exit 3').exited
      start(api, 'sleep 1; exit 4').on('exit', (code) => heard.push(code))
      api.checkKey('claude', 'sk-ant-api03-made-up-7c1b', { baseUrl: input.silent, timeoutMs: 1500 }).then(({ outcome }) => heard.push(outcome))
      await exited
    }
    for (let turn = 0; turn < input.many; turn += 1) await use()
    while (heard.length < 2 * input.many) {
      gc()
      await pause(50)
    }
    say(heard.sort())
    for (let turn = 0; turn < 200 && copies.filter((copy) => copy.deref()).length >= input.many / 2; turn += 1) {
      gc()
      await pause(20)
    }
    say(copies.filter((copy) => copy.deref()).length)
    process.exit()`,
    { input: { copies: COPIES, workspace, ids, many, silent: await silent(t) } }
  )
  assert.deepEqual(await worker.next(), [...Array(many).fill(4), ...Array(many).fill('unreachable')])
  // V8's caches of what was called last still know a few, one to five of ten here. A leak would know them all.
  const left = await worker.next()
  assert.ok(left < many / 2, `${left} of ${many} are left`)
})

test('a diagnosis is made with the classes of the copy that it is requested from, whatever its loader keeps', {
  skip: needsLinux
}, async () => {
  for (const keeps of [true, false]) {
    const api = loadInContext(makeContext(), { keeps })
    const { findings } = await api.diagnose({ start: false, provider: 'codex' })
    const addon = findings.find((/** @type {any} */ { id }) => id === 'platform.addon')
    assert.deepEqual([addon.severity, addon.details.file], ['ok', null], 'such a loader does not say which file it was')
    await assert.rejects(
      api.diagnose({ uid: 5 }),
      (error) => error instanceof api.ProviderError && error.code === 'ERR_PROVIDER_PRIVILEGE_REFUSED'
    )
  }
})

test('a handle, a meter or a process of another copy is refused, and the error says so', async () => {
  const [one, two] = [loadAgain(), loadAgain()]
  const workspace = { dir: '/srv/w', home: '/home/w' }
  const env = one.buildProviderEnv({ apiKey: KEYS.claude }, { workspace })
  const secret = one.Secret.from(Buffer.from(KEYS.claude))
  const meter = /** @type {any} */ (new one.UsageMeter('claude'))
  // Its program is nowhere, and its handle is an object like any other.
  const child = one.spawnProvider(one.buildProviderEnv({ apiKey: KEYS.claude }, { workspace }), { ...ids, command: '/nowhere/claude' })
  child.on('error', () => {})
  const another = {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /comes from another copy of this package\. Create both with the same copy, or load the package only once\.$/
  }
  for (const call of [
    () => two.spawnProvider(env),
    () => two.revoke(secret),
    () => two.buildProviderEnv({ apiKey: secret }, { workspace }),
    () => two.claudeAgentOptions(env),
    () => new two.UsageLedger().track(meter, { workspace: 'w' }),
    () => new two.UsageLedger().track(child, { workspace: 'w' })
  ])
    assert.throws(call, another)
  // What is of this copy, and in the wrong place.
  assert.throws(() => one.spawnProvider(secret), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'env must be the return value of buildProviderEnv(), but is of type object.'
  })
})
