// startBroker(): its options, who gets which broker, and what is thrown.
'use strict'

const { binding } = require('./support/internals.js')
const { ask, grant, startOne, startUpstream } = require('./support/broker.js')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { inspect } = require('node:util')
const { Worker } = require('node:worker_threads')
const { Broker, startBroker } = require('../index.js')
const { loadAgain } = require('./support/copies.js')
const { needsLinux } = require('./support/launch.js')
const { until } = require('./support/kernel.js')

const PROJECT = path.join(__dirname, '..')
const skip = needsLinux
const invalid = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }
const wrongType = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
const start = (/** @type {any} */ options) => startBroker(options)

test('each number is checked, with the range and default that its documentation names', { skip }, () => {
  const types = fs.readFileSync(path.join(PROJECT, 'index.d.ts'), 'utf8')
  const numbers = binding.brokerNumbers()
  assert.equal(numbers.length, 9)
  for (const { name, min, max, default: value } of numbers) {
    const last = String(name.split('.').at(-1))
    const spaced = (/** @type {number} */ number) => String(number).replace(/\B(?=(\d{3})+$)/g, ' ')
    const comments = [...types.matchAll(new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s+${last}\\?: number`, 'g'))]
    const [comment = ''] = comments.map(([, text = '']) => text.replace(/\n\s*\* ?/g, ' '))
    assert.ok(comment.includes(`: ${spaced(min)} to ${spaced(max)}`), `${name}: ${comment}`)
    assert.match(comment, new RegExp(`Default: ${spaced(value)}(?=[. ])`), name)
    const set = (/** @type {any} */ number) => (name.startsWith('limits.') ? { limits: { [last]: number } } : { [last]: number })
    for (const wrong of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => start(set(wrong)), { ...invalid, message: `options.${name} must be a whole number from ${min} to ${max}.` })
    for (const wrong of ['1', null, 1n, {}]) assert.throws(() => start(set(wrong)), wrongType, name)
  }
  assert.throws(() => binding.startBroker({ upstreams: [], numbers: [{ name: 'limits.other', value: 1 }] }), {
    code: 'ERR_INVALID_ARG_VALUE'
  })
})

test('other options are checked, and errors repeat no value', { skip }, () => {
  /** @type {[any, { code: string }][]} */
  const wrong = [
    [{ upstreams: 'https://secret.example' }, wrongType],
    [{ upstreams: [1] }, wrongType],
    [{ upstreams: ['https://api.example', 'ftp://secret.example'] }, { ...invalid, message: /^options\.upstreams\[1\] must be http/ }],
    [{ upstreams: ['https://user:secret@api.example'] }, invalid],
    [{ proxy: 'socks5://secret.example' }, { ...invalid, message: /^options\.proxy must be http/ }],
    [{ caFile: 'secret.pem' }, { ...invalid, message: 'options.caFile must be an absolute path.' }],
    [{ socketDirectory: 'secret' }, { ...invalid, message: 'options.socketDirectory must be an absolute path.' }],
    [{ limits: { secret: 1 } }, invalid],
    [{ limits: new Map([['burst', 1]]) }, wrongType],
    [{ secret: 1 }, invalid],
    [null, wrongType],
    [Object.create({ proxy: 'http://secret.example' }), invalid],
    [{ limits: Object.create({ burst: 1 }) }, invalid]
  ]
  for (const [options, expected] of wrong) {
    assert.throws(
      () => start(options),
      (/** @type {any} */ error) => {
        assert.ok(!error.message.replaceAll(/options\.(limits\.)?secret/g, '').includes('secret'), error.message)
        assert.throws(() => {
          throw error
        }, expected)
        return true
      },
      inspect(options)
    )
  }
})

test('without an option it is the running broker; with one, a second broker is refused until the first has stopped', {
  skip
}, async (t) => {
  const { baseUrl } = await startUpstream(t)
  const first = startOne(t, { limits: { concurrentRequests: 7 } })
  const second = startBroker()
  grant(t, { baseUrl })
  assert.deepEqual([first.counts.tokens, second.counts.tokens, startBroker({}).counts.tokens], [1, 1, 1])
  assert.equal(startBroker({ proxy: undefined }).counts.tokens, 1)
  assert.throws(() => startBroker({ threads: 2 }), { name: 'ProviderError', code: 'ERR_PROVIDER_BUSY' })
  await Promise.all([first.stop(), first.stop(), second.stop()])
  const disposed = { name: 'ProviderError', code: 'ERR_PROVIDER_DISPOSED' }
  const target = /** @type {const} */ ({ provider: 'codex', workspaceId: 'ws_1' })
  assert.throws(() => first.revoke(target), disposed)
  assert.throws(() => second.rotate(target, 'sk-proj-made-up'.padEnd(60, '0')), disposed)
  assert.match(inspect(first), /running: false/)
  const third = startOne(t, { threads: 2 })
  assert.match(inspect(third), /^Broker \{\s+running: true,\s+counts: \{ tokens: 0, connections: 0,/)
  // An old handle does not stop the new broker.
  await first.stop()
  assert.match(inspect(third), /running: true/)
})

test('a limit that was set is the one of each launch', { skip }, async (t) => {
  const { baseUrl, keys } = await startUpstream(t)
  const body = JSON.stringify({ text: 'x'.repeat(2000) })
  const usual = startBroker()
  assert.equal((await ask(grant(t, { baseUrl }), { body })).status, 200)
  await usual.stop()
  const broker = startOne(t, { limits: { bodyBytes: 1024 } })
  const granted = grant(t, { baseUrl })
  assert.equal((await ask(granted, { body })).status, 400)
  assert.equal((await ask(granted)).status, 200)
  assert.equal(keys.length, 2)
  const records = broker.audit()
  const { value } = await records.next()
  assert.deepEqual([value.outcome, value.reason], ['refused', 'body-too-large'])
  await records.return?.()
})

test('requests beyond the rate that was set wait for their turn', { skip }, async (t) => {
  startOne(t, { limits: { burst: 2, requestsPerSecond: 2 } })
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  const from = performance.now()
  const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await ask(granted)).status))
  // Two pass at once, and the others wait for their turn.
  assert.deepEqual(statuses, Array(6).fill(200))
  assert.ok(performance.now() - from >= 1900, `six took ${performance.now() - from} ms`)
})

test('copies of the package and worker threads share one broker, which the end of a thread does not stop', { skip }, async (t) => {
  startOne(t)
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  const copy = loadAgain()
  assert.notEqual(copy.startBroker, startBroker)
  assert.equal(copy.startBroker().counts.tokens, 1)
  assert.throws(() => copy.startBroker({ threads: 2 }), { code: 'ERR_PROVIDER_BUSY' })
  const thread = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const broker = require(workerData).startBroker()
     parentPort.postMessage(broker.counts)
     parentPort.once('message', () => broker.stop().then(() => parentPort.postMessage('stopped')))`,
    { eval: true, workerData: PROJECT }
  )
  t.after(() => thread.terminate())
  const hear = () => new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
  assert.equal(/** @type {any} */ (await hear()).tokens, 1)
  await thread.terminate()
  assert.equal((await ask(granted)).status, 200)
})

test('a thread can start the broker for all others', { skip }, async (t) => {
  const thread = new Worker(`require(require('node:worker_threads').workerData).startBroker({ auditRecords: 5 })`, {
    eval: true,
    workerData: PROJECT
  })
  await new Promise((resolve, reject) => thread.once('exit', resolve).once('error', reject))
  t.after(() => startBroker().stop())
  assert.throws(() => startBroker({ auditRecords: 5 }), { code: 'ERR_PROVIDER_BUSY' })
})

test('stopping ends connections and what waits for an answer', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl, keys } = await startUpstream(t, () => {})
  const granted = grant(t, { baseUrl })
  const asked = ask(granted).then(
    () => 'answered',
    (error) => error.code
  )
  await until('the API was asked', () => keys.length === 1)
  assert.equal(broker.counts.connections, 1)
  await broker.stop()
  assert.equal(await asked, 'ECONNRESET')
  await assert.rejects(ask(granted), { code: 'ECONNREFUSED' })
})

test('await using stops the broker', { skip }, async () => {
  const broker = startBroker({ auditRecords: 5 })
  await broker[Symbol.asyncDispose]()
  const other = startBroker({ auditRecords: 5 })
  await other.stop()
})

test('only startBroker() makes a Broker', () => {
  assert.throws(() => new /** @type {any} */ (Broker)(), { message: 'Broker has no public constructor. Use startBroker().' })
})
