// Promises of what the addon does on its own threads: they keep the event loop alive while they are pending, and no longer.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { test } = require('node:test')
const { checkKey } = require('../index.js')
const { startWorker } = require('./support/worker.js')

const KEY = 'sk-proj-made-up-0123456789'
/** Longer than any of these tests may take. */
const TIMEOUT_MS = 120_000

/** An endpoint that answers on command. @param {any} t */
async function patient(t) {
  /** @type {http.ServerResponse[]} */
  const asked = []
  const server = http.createServer((_, response) => {
    asked.push(response)
    server.emit('asked')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const isAsked = async () => asked.length > 0 || (await once(server, 'asked'))
  const answer = () => asked.splice(0).forEach((response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  return { url: `http://127.0.0.1:${port}`, isAsked, answer }
}

const ASK = `const ask = (signal) => main.checkKey('codex', input.key, { baseUrl: input.url, timeoutMs: ${TIMEOUT_MS}, signal })`

test('a pending promise keeps the process alive, and nothing else does after it', { timeout: TIMEOUT_MS }, async (t) => {
  const { url, isAsked, answer } = await patient(t)
  const worker = startWorker(t, `${ASK}; ask().then(({ outcome }) => say(outcome))`, { input: { key: KEY, url } })
  await isAsked()
  // Nothing but the promise is left for it to wait for.
  const early = await Promise.race([worker.ended, new Promise((resolve) => setTimeout(resolve, 300, 'alive'))])
  assert.equal(early, 'alive')
  answer()
  assert.equal(await worker.next(), 'valid')
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
})

test('an aborted promise rejects, and lets the process end while the request goes on', { timeout: TIMEOUT_MS }, async (t) => {
  const { url, isAsked, answer } = await patient(t)
  const body = `${ASK}
    const controller = new AbortController()
    process.stdin.once('data', () => { process.stdin.destroy(); controller.abort(new Error('why')) })
    ask(controller.signal).catch(({ code, cause }) => say([code, cause.message]))`
  const worker = startWorker(t, body, { input: { key: KEY, url } })
  await isAsked()
  worker.stdin.write('abort\n')
  assert.deepEqual(await worker.next(), ['ERR_PROVIDER_ABORTED', 'why'])
  assert.deepEqual(await worker.ended, { code: 0, signal: null }, 'the server has not answered')
  answer()
})

test('an abort of what was answered says nothing', { timeout: TIMEOUT_MS }, async (t) => {
  const { url, isAsked, answer } = await patient(t)
  const body = `${ASK}
    const controller = new AbortController()
    const { outcome } = await ask(controller.signal)
    controller.abort()
    say(outcome)`
  const worker = startWorker(t, body, { input: { key: KEY, url } })
  await isAsked()
  answer()
  assert.equal(await worker.next(), 'valid')
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
})

test('a worker thread that ends leaves its promises behind, and the process goes on', { timeout: TIMEOUT_MS }, async (t) => {
  const { url, isAsked, answer } = await patient(t)
  const body = `${ASK}
    const { Worker } = require('node:worker_threads')
    const thread = \`const { workerData } = require('node:worker_threads')
      const main = require(workerData.main), input = workerData.input
      ${ASK}
      for (let index = 0; index < 3; index += 1) ask()\`
    const workers = [1, 2].map(() => new Worker(thread, { eval: true, workerData: { main: input.main, input } }))
    process.stdin.once('data', async () => {
      process.stdin.destroy()
      await Promise.all(workers.map((worker) => worker.terminate()))
      say('terminated')
      say((await ask()).outcome)
    })`
  const worker = startWorker(t, body, { input: { key: KEY, url, main: require.resolve('../index.js') } })
  await isAsked()
  worker.stdin.write('terminate\n')
  assert.equal(await worker.next(), 'terminated')
  // What the threads requested is answered when nobody is there to hear it; then comes the main thread's.
  const answering = setInterval(answer, 50)
  t.after(() => clearInterval(answering))
  assert.equal(await worker.next(), 'valid')
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
})

test('aborted promises whose jobs wait for a thread reject like those that were sent', { timeout: TIMEOUT_MS }, async (t) => {
  const { url, isAsked, answer } = await patient(t)
  const body = `${ASK}
    const controllers = Array.from({ length: 50 }, () => new AbortController())
    const all = controllers.map(({ signal }) => ask(signal).then(() => 'answered', ({ code }) => code))
    process.stdin.once('data', async () => {
      process.stdin.destroy()
      for (const controller of controllers) controller.abort()
      say([...new Set(await Promise.all(all))])
    })`
  const worker = startWorker(t, body, { input: { key: KEY, url } })
  await isAsked()
  worker.stdin.write('abort\n')
  assert.deepEqual(await worker.next(), ['ERR_PROVIDER_ABORTED'])
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
  answer()
})

test('a signal that fires while it is listened to is not missed', async (t) => {
  const { url, answer } = await patient(t)
  const answering = setInterval(answer, 20)
  t.after(() => clearInterval(answering))
  const signal = /** @type {any} */ ({
    aborted: false,
    reason: 'made up',
    addEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) => listener(),
    removeEventListener: () => {}
  })
  await assert.rejects(checkKey('codex', new TextEncoder().encode(KEY), { baseUrl: url, signal }), {
    name: 'AbortError',
    code: 'ERR_PROVIDER_ABORTED',
    cause: 'made up'
  })
})
