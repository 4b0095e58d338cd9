// One AbortSignal over many calls: it is listened to once, each call hears of it, and nothing stays at it afterwards.
'use strict'

const assert = require('node:assert/strict')
const net = require('node:net')
const { execFile } = require('node:child_process')
const { getEventListeners, once } = require('node:events')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { CredentialStore, checkKey } = require('../index.js')
const { KEYS, makeEnv, needsLinux, outcome, startScript } = require('./support/launch.js')

/** More than ten, beyond which Node warns of a leak. */
const MANY = 15

/** The warnings of leaks that this process was given. @param {any} t */
function warnings(t) {
  const seen = /** @type {string[]} */ ([])
  const see = (/** @type {Error} */ { name, message }) => name === 'MaxListenersExceededWarning' && seen.push(message)
  process.on('warning', see)
  t.after(() => process.off('warning', see))
  return seen
}

/** How many listeners a signal has, once Node has had the time to warn. @param {AbortSignal} signal */
async function listeners(signal) {
  await new Promise(setImmediate)
  return getEventListeners(signal, 'abort').length
}

/** @param {any} t @param {(socket: net.Socket) => void} answer */
async function endpoint(t, answer) {
  const sockets = /** @type {net.Socket[]} */ ([])
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    answer(socket)
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`
}

test('many requests: one listener while any of them waits', async (t) => {
  const seen = warnings(t)
  const { signal } = new AbortController()
  const answers = await endpoint(t, (socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')))
  const silent = await endpoint(t, () => {})
  const stays = checkKey('codex', KEYS.codex, { baseUrl: silent, timeoutMs: 60_000, signal })
  stays.catch(() => {})
  const checks = await Promise.all(
    Array.from({ length: MANY }, (_, index) => checkKey('codex', `${KEYS.codex}-${index}`, { baseUrl: answers, signal }))
  )
  assert.deepEqual(
    checks.map(({ outcome }) => outcome),
    Array(MANY).fill('valid')
  )
  assert.equal(await listeners(signal), 1, 'of the one that waits')
  assert.deepEqual(seen, [])
})

test('many requests and an abort: each rejects with the reason, and no listener is left', async (t) => {
  const seen = warnings(t)
  const controller = new AbortController()
  const { signal } = controller
  const baseUrl = await endpoint(t, () => {})
  const stuck = Array.from({ length: MANY }, (_, index) =>
    checkKey('codex', `${KEYS.codex}-${index}`, { baseUrl, timeoutMs: 60_000, signal })
  )
  assert.equal(await listeners(signal), 1)
  const reason = new Error('made up')
  controller.abort(reason)
  for (const { reason: error } of /** @type {any[]} */ (await Promise.allSettled(stuck))) {
    assert.equal(error.code, 'ERR_PROVIDER_ABORTED')
    assert.equal(error.cause, reason)
  }
  assert.equal(await listeners(signal), 0)
  assert.deepEqual(seen, [])
})

test('many starts: all are stopped by it, and those that have ended leave nothing at it', {
  skip: needsLinux,
  timeout: 60_000
}, async (t) => {
  const seen = warnings(t)
  const controller = new AbortController()
  const { signal } = controller
  const { env } = makeEnv(t, { apiKey: KEYS.claude })
  const start = (/** @type {string} */ script) => outcome(startScript(env, script, { signal }))
  const ended = await Promise.all(Array.from({ length: MANY }, () => start('exit 3')))
  assert.deepEqual(
    ended.map(({ code }) => code),
    Array(MANY).fill(3)
  )
  assert.equal(await listeners(signal), 0, 'after their ends')
  const running = Array.from({ length: MANY }, () => start('exec sleep 60'))
  assert.equal(await listeners(signal), 1)
  controller.abort()
  assert.deepEqual(
    (await Promise.all(running)).map(({ error }) => error.code),
    Array(MANY).fill('ERR_PROVIDER_ABORTED')
  )
  assert.equal(await listeners(signal), 0)
  assert.deepEqual(seen, [])
})

test('many callers that wait for one refresh', async (t) => {
  const seen = warnings(t)
  const controller = new AbortController()
  const { signal } = controller
  const store = CredentialStore.of('codex', KEYS.codex)
  t.after(() => store.dispose())
  const waiting = Array.from({ length: MANY }, () => store.refresh({ signal }))
  waiting.forEach((one) => one.catch(() => {}))
  assert.equal((await listeners(signal)) <= 1, true)
  controller.abort()
  await Promise.allSettled(waiting)
  assert.equal(await listeners(signal), 0)
  assert.deepEqual(seen, [])
})

/** Another library's signal, whose `reason` cannot be read. */
function signalWithoutReason() {
  const target = new EventTarget()
  const problem = new Error('no reason')
  const signal = Object.defineProperties(target, {
    aborted: { value: false, writable: true },
    reason: {
      get() {
        throw problem
      }
    }
  })
  const abort = () => Object.assign(signal, { aborted: true }).dispatchEvent(new Event('abort'))
  return { signal: /** @type {any} */ (signal), abort, problem }
}

test('a signal whose reason cannot be read aborts all the same', { skip: needsLinux, timeout: 60_000 }, async (t) => {
  const { env } = makeEnv(t, { apiKey: KEYS.claude })
  const baseUrl = await endpoint(t, () => {})
  const store = CredentialStore.of('codex', KEYS.codex)
  t.after(() => store.dispose())
  for (const begin of /** @type {((signal: any) => Promise<any>)[]} */ ([
    (signal) => checkKey('codex', KEYS.codex, { baseUrl, timeoutMs: 60_000, signal }),
    (signal) =>
      outcome(startScript(env, 'exec sleep 60', { signal })).then(({ error }) => {
        throw error
      })
  ])) {
    const { signal, abort, problem } = signalWithoutReason()
    const waiting = begin(signal)
    abort()
    await assert.rejects(waiting, { code: 'ERR_PROVIDER_ABORTED', cause: problem })
    await assert.rejects(begin(signal), { code: 'ERR_PROVIDER_ABORTED', cause: problem }, 'aborted before')
  }
})

test('what throws when it hears of an abort is an uncaught exception, and the others hear of it', async () => {
  const script = `
    const { onAbort } = require(${JSON.stringify(require.resolve('./support/internals.js'))})
    const heard = []
    process.on('uncaughtException', ({ message }) => heard.push(message))
    const controller = new AbortController()
    onAbort(controller.signal, () => { throw new Error('first') })
    onAbort(controller.signal, () => heard.push('second'))
    const leave = onAbort(controller.signal, () => heard.push('left before'))
    leave()
    controller.abort()
    process.on('exit', () => console.log(JSON.stringify(heard)))`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script])
  assert.deepEqual(JSON.parse(stdout), ['second', 'first'])
})
