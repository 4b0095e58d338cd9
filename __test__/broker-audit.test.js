// The audit of the broker: each request is one record, for one reader, who waits and stops as it likes.
'use strict'

const { ask, grant, startOne, startUpstream, KEY } = require('./support/broker.js')
const assert = require('node:assert/strict')
const path = require('node:path')
const { Writable } = require('node:stream')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { needsLinux } = require('./support/launch.js')
const { until } = require('./support/kernel.js')

const PROJECT = path.join(__dirname, '..')
const skip = needsLinux

/** @param {AsyncIterator<any>} records @param {number} count */
async function take(records, count) {
  const taken = []
  while (taken.length < count) {
    const { done, value } = await records.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

test('a request and a refused one are a record each, without a key, a token or a query', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl, keys } = await startUpstream(t)
  const granted = grant(t, { baseUrl, workspaceId: 'ws_ä' })
  const before = Date.now()
  assert.equal((await ask(granted, { path: '/responses?secret=1', body: '{"a":1}' })).status, 200)
  assert.equal((await ask({ ...granted, token: `${granted.token}x` })).status, 400)
  const records = broker.audit()
  const [first, second] = await take(records, 2)
  assert.deepEqual(keys, [KEY])
  const { time, milliseconds, grant: number, pid: _, ...rest } = first
  assert.ok(time >= before - 1 && time <= Date.now() + 1 && milliseconds >= 0 && number >= 1, JSON.stringify(first))
  assert.deepEqual(rest, {
    provider: 'codex',
    workspace: 'ws_ä',
    uid: process.geteuid?.(),
    method: 'POST',
    path: '/v1/responses',
    status: 200,
    bytesUp: 7,
    bytesDown: 2,
    generation: 1,
    outcome: 'completed',
    reason: null
  })
  const { outcome, reason, workspace, grant: none, status, generation } = second
  assert.deepEqual(
    { outcome, reason, workspace, none, status, generation },
    { outcome: 'refused', reason: 'token', workspace: null, none: null, status: 400, generation: null }
  )
  const text = JSON.stringify([first, second])
  assert.ok(![KEY, granted.token, 'secret'].some((secret) => text.includes(secret)), text)
  await records.return?.()
})

test('a line of JSON is a record with the same fields', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  await ask(granted)
  await ask(granted, { path: '/files' })
  const records = broker.audit()
  const taken = await take(records, 2)
  await records.return?.()
  await ask(granted)
  await ask(granted, { path: '/files' })
  let text = ''
  for await (const chunk of broker.auditLines()) {
    text += chunk
    // Leaving the loop destroys the stream.
    if (text.split('\n').length > 2) break
  }
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const fields = Object.keys(lines[0])
  for (const index of [0, 1]) {
    assert.deepEqual(Object.keys(taken[index]).sort(), [...fields].sort())
    const same = ['provider', 'workspace', 'uid', 'method', 'path', 'status', 'bytesUp', 'bytesDown', 'generation', 'outcome', 'reason']
    for (const name of same) assert.deepEqual(lines[index][name], taken[index][name], name)
  }
  assert.equal(lines[1].reason, 'not-allowed')
})

test('a record arrives while the reader waits, and all that came are read when the broker stops', { skip }, async (t) => {
  const broker = startOne(t)
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  const records = broker.audit()
  const waiting = [records.next(), records.next(), records.next()]
  await ask(granted)
  assert.equal((await waiting[0])?.value.status, 200)
  await Promise.all([ask(granted), ask(granted), ask(granted)])
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ done }) => done),
    [false, false, false]
  )
  // A request is recorded after its answer has ended.
  await until('the last one is recorded', async () => (await records.next()).value.status === 200)
  const end = records.next()
  await broker.stop()
  assert.deepEqual([await end, await records.next()], Array(2).fill({ done: true, value: undefined }))
})

test('one at a time reads, in whichever copy or thread; leaving the loop, destroying and return() let the next one read', {
  skip
}, async (t) => {
  const broker = startOne(t)
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  const busy = { name: 'ProviderError', code: 'ERR_PROVIDER_BUSY' }
  const waits = broker.audit()
  const pending = waits.next()
  assert.throws(() => broker.audit(), busy)
  assert.throws(() => broker.auditLines(), busy)
  const thread = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const { startBroker } = require(workerData)
     const broker = startBroker()
     try { broker.audit() } catch ({ code }) { parentPort.postMessage(code) }
     parentPort.once('message', async () => {
       for await (const record of broker.audit()) parentPort.postMessage(record.path)
     })`,
    { eval: true, workerData: PROJECT }
  )
  t.after(() => thread.terminate())
  const hear = () => new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
  assert.equal(await hear(), busy.code)
  await waits.return?.()
  assert.deepEqual(await pending, { done: true, value: undefined })

  await ask(granted)
  for await (const { path } of broker.audit()) {
    assert.equal(path, '/v1/responses')
    break
  }
  const stream = broker.auditLines()
  stream.destroy()

  const told = hear()
  thread.postMessage('read')
  await ask(granted)
  assert.equal(await told, '/v1/responses')
  assert.throws(() => broker.audit(), busy)
  await thread.terminate()
  await broker.audit().return?.()
})

test('a reader that nobody holds any more lets the next one read', { skip }, async (t) => {
  const broker = startOne(t)
  require('node:v8').setFlagsFromString('--expose-gc')
  const collect = require('node:vm').runInNewContext('gc')
  broker.audit()
  assert.throws(() => broker.audit(), { code: 'ERR_PROVIDER_BUSY' })
  await until('the next one can read', async () => {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    try {
      broker.audit()
      return true
    } catch {
      return false
    }
  })
})

test('without a reader, records wait up to auditRecords; further ones are counted and the first ones stay', { skip }, async (t) => {
  // Refusals take at most half of the room.
  const broker = startOne(t, { auditRecords: 6 })
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  for (const number of [1, 2, 3, 4, 5]) await ask(granted, { path: `/none/${number}` })
  await until('two are lost', () => broker.counts.lostRecords === 2)
  const records = broker.audit()
  const paths = (await take(records, 3)).map(({ path }) => path)
  assert.deepEqual(paths, ['/v1/none/1', '/v1/none/2', '/v1/none/3'])
  await ask(granted)
  assert.equal((await take(records, 1))[0].outcome, 'completed')
  assert.equal(broker.counts.lostRecords, 2)
})

test('a stream that is read slowly leaves records in the broker, where they are bounded', { skip }, async (t) => {
  const broker = startOne(t, { auditRecords: 100, limits: { burst: 10_000, requestsPerSecond: 10_000 } })
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  /** @type {(() => void)[]} */
  const held = []
  let text = ''
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk, _, done) {
      text += chunk
      held.push(done)
    }
  })
  broker.auditLines().pipe(slow)
  const asked = 300
  for (let done = 0; done < asked; done += 20)
    await Promise.all(Array.from({ length: 20 }, () => ask(granted, { path: `/${'x'.repeat(200)}` })))
  await until('the broker has no more room', () => broker.counts.lostRecords > 0)
  // All that was kept arrives once it is read.
  const release = setInterval(() => held.splice(0).forEach((done) => done()), 1)
  t.after(() => clearInterval(release))
  await until('the rest arrives', () => text.split('\n').length - 1 + broker.counts.lostRecords === asked)
})

test('under load one call of the addon is for many records, and without a reader there is none', { skip }, async (t) => {
  const { binding } = require('./support/internals.js')
  startOne(t, { limits: { burst: 10_000, requestsPerSecond: 10_000 } })
  const { baseUrl } = await startUpstream(t)
  const granted = grant(t, { baseUrl })
  let calls = 0
  const native = binding.startBroker().readAudit(() => void (calls += 1))
  assert.equal(native.wait(), 'until-called')
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, () => ask(granted)))
  let count = 0
  await until('all are recorded', () => (count += native.take(1000).length) >= 200)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([count, calls, native.wait()], [200, 1, 'until-called'])
  native.dispose()
  await ask(granted)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([calls, native.take(1), native.wait()], [1, [], 'ended'])
})
