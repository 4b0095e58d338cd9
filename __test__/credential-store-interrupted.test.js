// CredentialStore: processes that are frozen or end in the middle of a refresh, and endpoints that give no tokens.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { pause, status, until } = require('./support/kernel.js')
const { whyNoStrace } = require('./support/mounts.js')
const { LATE, SOON, openLogin } = require('./support/stored-login.js')
const { tokensOf, writeLogin } = require('./support/token-endpoint.js')

const INDEX = path.join(__dirname, '..', 'index.js')
const LOGIN_REQUIRED = 'ERR_PROVIDER_LOGIN_REQUIRED'

/**
 * A process that has opened a login and runs a script with it, which may say something.
 * @param {any} t
 * @param {any} context
 * @param {string} script
 * @param {any} [options]
 */
function runScript(t, { dir, endpoint }, script, options = {}, wrapper = /** @type {string[]} */ ([])) {
  const open = `require(${JSON.stringify(INDEX)}).CredentialStore.open('claude', ${JSON.stringify({ dir, tokenUrl: endpoint.url, ...options })})`
  return run(t, `${open}.then(async (store) => { ${script} })`, wrapper)
}

/** @param {any} t @param {string} script @param {string[]} wrapper */
function run(t, script, wrapper = []) {
  const [command, ...args] = [...wrapper, process.execPath, '-e', script]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  let complaint = ''
  child.stdout.on('data', (more) => (text += more))
  child.stderr.on('data', (more) => (complaint += more))
  return { child, text: () => text, ended: once(child, 'close').then(([code]) => ({ code, text, complaint })) }
}

/** Returns whether only the end of the process can follow. */
const ENDING = "process.prependListener('exit', () => require('node:fs').writeSync(1, 'ending'));"

test('the end of the process while an endpoint is asked: the login is saved', async (t) => {
  const worker = (/** @type {any} */ data) => `
    const { Worker } = require('node:worker_threads')
    new Worker('require(' + JSON.stringify(${JSON.stringify(INDEX)}) + ').CredentialStore.open("claude", require("node:worker_threads").workerData).then((store) => store.refresh())', { eval: true, workerData: ${JSON.stringify(data)} })
    process.on('SIGUSR2', () => process.exit(3))`
  const cases = /** @type {const} */ ([
    ['process.exit()', 3, "store.refresh(); process.on('SIGUSR2', () => process.exit(3))"],
    ['an uncaught error', 1, "store.refresh(); process.on('SIGUSR2', () => { throw new Error('made up') })"],
    [
      'a store that was disposed of',
      3,
      "store.refresh().catch(() => {}); process.on('SIGUSR2', () => { store.dispose(); process.exit(3) })"
    ],
    ['a worker thread’s, which alone has loaded this package', 3, null]
  ])
  for (const [name, code, script] of cases) {
    /** @type {() => void} */
    let answer = () => {}
    const gate = new Promise((resolve) => (answer = () => resolve(undefined)))
    const context = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: () => gate })
    const { endpoint, dir, file } = context
    const { child, ended, text } =
      script === null ? run(t, ENDING + worker({ dir, tokenUrl: endpoint.url })) : runScript(t, context, ENDING + script)
    await until(`${name}: it asks`, () => endpoint.posts.length > 0)
    child.kill('SIGUSR2')
    await until(`${name}: it waits at its end`, () => text().includes('ending') && status(child.pid).State.startsWith('S'))
    answer()
    assert.equal((await ended).code, code, name)
    assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh, name)
  }
})

test('process.exit() while an endpoint is silent: the process ends all the same, however many threads use this package', async (t) => {
  const index = JSON.stringify(INDEX)
  /** A thread that uses the package and runs on. @param {string} [then] */
  const thread = (then = '') =>
    `new Promise((resolve) => new (require('node:worker_threads').Worker)(${JSON.stringify(`const api = require(${index}); const secret = api.Secret.from(Buffer.from('made-up')); require('node:worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000); ${then}`)}, { eval: true }).once('message', resolve))`
  const exit = "process.on('SIGUSR2', () => process.exit(3))"
  const cases = {
    'no other thread': () => `store.refresh(); ${exit}`,
    'two more threads': () => `await Promise.all([${thread()}, ${thread()}]); store.refresh(); ${exit}`,
    'three threads, and not the main thread': (/** @type {any} */ data) => {
      const asks = `api.CredentialStore.open('claude', ${JSON.stringify(data)}).then((store) => store.refresh())`
      return `Promise.all([${thread(asks)}, ${thread()}, ${thread()}]); ${exit}`
    }
  }
  for (const [name, script] of Object.entries(cases)) {
    const context = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: () => new Promise(() => {}) })
    const data = { dir: context.dir, tokenUrl: context.endpoint.url }
    const { child, ended } = name.endsWith('not the main thread') ? run(t, script(data)) : runScript(t, context, script(data))
    await until('it asks', () => context.endpoint.posts.length > 0)
    const from = Date.now()
    child.kill('SIGUSR2')
    assert.equal((await ended).code, 3)
    // Time is what is promised: five seconds, and as much again for a machine that is busy.
    assert.ok(Date.now() - from < 9_500, `${name}: ${Date.now() - from} ms`)
  }
})

test('a thread that has asked nobody ends at once, whatever others wait for', async (t) => {
  const context = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: () => new Promise(() => {}) })
  const idle = JSON.stringify(
    `const secret = require(${JSON.stringify(INDEX)}).Secret.from(Buffer.from('made-up')); require('node:worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000)`
  )
  const { child, ended, text } = runScript(
    t,
    context,
    `const worker = new (require('node:worker_threads').Worker)(${idle}, { eval: true }); worker.once('message', () => { store.refresh(); process.on('SIGUSR2', async () => { const from = Date.now(); await worker.terminate(); require('node:fs').writeSync(1, String(Date.now() - from)) }) })`
  )
  await until('it asks', () => context.endpoint.posts.length > 0)
  child.kill('SIGUSR2')
  await until('the thread has ended', () => text() !== '')
  // Time is what is promised.
  assert.ok(Number(text()) < 3000, text())
  child.kill('SIGKILL')
  await ended
})

test('process.exit() ends a process at once that asks nobody', async (t) => {
  const context = await openLogin(t)
  const { code, text } = await runScript(
    t,
    context,
    'await store.refresh(); const from = Date.now(); process.on("exit", () => process.stdout.write(String(Date.now() - from))); process.exit(3)'
  ).ended
  assert.equal(code, 3)
  assert.ok(Number(text) < 1000, text)
})

test('a process that was frozen past its deadline takes the answer that has come meanwhile', {
  skip: process.platform !== 'linux' && 'needs Linux'
}, async (t) => {
  /** @type {() => void} */
  let answer = () => {}
  const gate = new Promise((resolve) => (answer = () => resolve(undefined)))
  const context = await openLogin(t, {}, { first: { expiresAt: LATE() }, beforeAnswer: () => gate })
  const { endpoint, file } = context
  const timeoutMs = 5000
  const { child, ended } = runScript(t, context, 'const { how } = await store.fresh(); process.stdout.write(how)', { timeoutMs })
  await until('it asks', () => endpoint.posts.length > 0)
  child.kill('SIGSTOP')
  await until('it is frozen', () => status(child.pid).State.startsWith('T'))
  answer()
  // Time is what this is about.
  await pause(timeoutMs + 500)
  child.kill('SIGCONT')
  const { text, complaint } = await ended
  assert.equal(text, 'here', complaint)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
})

test('a process that stood still past its deadline when it had sent all of its question takes the answer', {
  skip: whyNoStrace()
}, async (t) => {
  const context = await openLogin(t, {}, { first: { expiresAt: LATE() } })
  const { endpoint, file } = context
  const timeoutMs = 5000
  // The first call of its thread sends the headers and the body, and nothing is sent after it.
  const still = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=writev',
    '-e',
    `inject=writev:delay_exit=${(timeoutMs + 500) * 1000}:when=1`
  ]
  const { text, complaint } = await runScript(
    t,
    context,
    'const { how } = await store.fresh(); process.stdout.write(how)',
    { timeoutMs },
    still
  ).ended
  assert.equal(text, 'here', complaint)
  assert.equal(endpoint.posts.length, 1)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
})

test('a dead login is asked about once, and a new one at once', async (t) => {
  const { store, dir, endpoint } = await openLogin(t, {}, { first: { expiresAt: LATE(), refresh: 'made-up-rt-used-before' } })
  for (let call = 0; call < 20; call += 1) await assert.rejects(call % 2 ? store.fresh() : store.refresh(), { code: LOGIN_REQUIRED })
  assert.equal(endpoint.posts.length, 1)
  writeLogin(dir, 'claude', { ...endpoint.issue(), expiresAt: LATE() })
  assert.equal((await store.fresh()).how, 'here')
})

test('a lock that is held does not undo what is known of a dead login', { timeout: 120_000 }, async (t) => {
  const context = await openLogin(
    t,
    { timeoutMs: 5000 },
    {
      first: { expiresAt: LATE(), refresh: 'made-up-rt-used-before' },
      instead: (/** @type {any} */ { body }) => (body.refresh_token === 'held' ? new Promise(() => {}) : Promise.resolve(undefined))
    }
  )
  const { store, dir, endpoint, first } = context
  await assert.rejects(store.fresh(), { code: LOGIN_REQUIRED })
  // A process that has the lock, for a login that was there for a moment.
  writeLogin(dir, 'claude', { ...first, refresh: 'held' })
  const holder = runScript(t, context, 'await store.refresh()', { timeoutMs: 600_000 })
  await until('it asks', () => endpoint.posts.length === 2)
  writeLogin(dir, 'claude', first)
  await assert.rejects(store.refresh(), { code: 'ERR_PROVIDER_REFRESH_FAILED' })
  holder.child.kill('SIGKILL')
  await holder.ended
  await assert.rejects(store.refresh(), { code: LOGIN_REQUIRED })
  assert.equal(endpoint.posts.length, 2)
})

test('an endpoint that names a time is left alone until then, also when the token has expired, unless somebody insists', async (t) => {
  for (const expiresAt of [SOON(), LATE()]) {
    const { store, endpoint } = await openLogin(
      t,
      {},
      { first: { expiresAt }, instead: async () => ({ status: 429, headers: { 'retry-after': '600' }, body: {} }) }
    )
    const code = () =>
      store.fresh().then(
        ({ failure }) => failure?.code,
        (error) => error.code
      )
    for (let call = 0; call < 5; call += 1) assert.equal(await code(), 'ERR_PROVIDER_REFRESH_FAILED')
    assert.equal(endpoint.posts.length, 1)
    await store.refresh().catch(() => {})
    assert.equal(endpoint.posts.length, 2)
  }
})

test('an endpoint that gives nothing is left alone while the token is good, unless somebody insists', async (t) => {
  /** @type {any} */
  let body = { status: 503, body: {} }
  const { store, endpoint } = await openLogin(t, {}, { first: { expiresAt: SOON() }, instead: async () => body })
  for (let call = 0; call < 20; call += 1) assert.equal((await store.fresh()).failure?.code, 'ERR_PROVIDER_REFRESH_FAILED')
  assert.equal(endpoint.posts.length, 1)
  body = undefined
  assert.equal((await store.refresh()).how, 'here')
  assert.deepEqual([(await store.fresh()).failure, endpoint.posts.length], [null, 2])
})

test('an endpoint that gives nothing is asked with each call once the token has expired', async (t) => {
  const { store, endpoint } = await openLogin(t, {}, { first: { expiresAt: LATE() }, instead: async () => ({ status: 503, body: {} }) })
  for (let call = 1; call <= 3; call += 1) {
    await assert.rejects(store.fresh(), { code: 'ERR_PROVIDER_REFRESH_FAILED' })
    assert.equal(endpoint.posts.length, call)
  }
})

test('a silent endpoint, and a process that keeps the lock, cost their time once while the token is good', {
  timeout: 120_000
}, async (t) => {
  const context = await openLogin(t, { timeoutMs: 5000 }, { first: { expiresAt: SOON() }, instead: () => new Promise(() => {}) })
  const holder = runScript(t, context, 'await store.refresh()', { timeoutMs: 600_000 })
  await until('it asks', () => context.endpoint.posts.length > 0)
  // The lock first, and the endpoint afterwards.
  for (const posts of [1, 2]) {
    const durations = []
    for (let call = 0; call < 3; call += 1) {
      const from = Date.now()
      const { how, failure } = await context.store.fresh()
      durations.push(Date.now() - from)
      assert.deepEqual([how, failure?.code], ['not-needed', 'ERR_PROVIDER_REFRESH_FAILED'])
    }
    // Time is what is promised.
    assert.ok(durations[1] < 2000 && durations[2] < 2000, durations.join())
    assert.equal(context.endpoint.posts.length, posts)
    if (posts === 1) {
      holder.child.kill('SIGKILL')
      await holder.ended
      // The pause is over some time before the token is.
      await until('it is asked', async () => (await context.store.fresh(), context.endpoint.posts.length === 2))
    }
  }
})
