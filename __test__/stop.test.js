// Stopping: abort, timeout, grace and SIGKILL reach all that the CLI started; nothing outlives what was to hold it.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { firstLine, makeEnv, needsLinux, outcome, startScript } = require('./support/launch.js')
const { endAfter, isRunning, pause, status, until, withEnoughTime } = require('./support/kernel.js')

/** Ignores SIGTERM, and so does its child, whose number it prints. */
const STUBBORN = 'trap "" TERM; sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\' & wait'
/** Starts a process in its own session, and prints its number. */
const ESCAPED = 'setsid sleep 60 & echo $!; wait'

/** A child and the number of the grandchild that it printed. */
async function startPair(/** @type {any} */ t, /** @type {string} */ script, options = {}) {
  const child = startScript(makeEnv(t).env, script, options)
  const events = /** @type {string[]} */ ([])
  child.on('error', (/** @type {any} */ error) => events.push(error.code))
  for (const name of ['exit', 'close']) child.on(name, () => events.push(name))
  const grandchild = Number(await firstLine(child))
  endAfter(t, grandchild)
  assert.ok(isRunning(grandchild) && isRunning(child.pid))
  return { child, grandchild, events }
}

const gone = (/** @type {any} */ { child, grandchild }) =>
  until('child and grandchild end', () => !isRunning(child.pid) && !isRunning(grandchild))

test('an abort while it runs: the group ends, and the error has the reason as its cause', { skip: needsLinux }, async (t) => {
  const controller = new AbortController()
  const pair = await startPair(t, 'sleep 60 & echo $!; wait', { signal: controller.signal })
  const told = /** @type {any[]} */ ([])
  pair.child.on('error', (/** @type {any} */ error) => told.push(error))
  const reason = new Error('made-up reason')
  controller.abort(reason)
  controller.abort(new Error('a second one'))
  assert.deepEqual(await pair.child.exited, { code: null, signal: 'SIGTERM' })
  await gone(pair)
  await until('it closes', () => pair.events.includes('close'))
  assert.deepEqual(pair.events, ['ERR_PROVIDER_ABORTED', 'exit', 'close'])
  const [{ name, code, message, cause, provider }] = told
  assert.deepEqual(
    { name, code, message, cause, provider },
    { name: 'AbortError', code: 'ERR_PROVIDER_ABORTED', message: 'The run was aborted.', cause: reason, provider: 'claude' }
  )
})

test('a signal that was aborted before: nothing runs', { skip: needsLinux }, async (t) => {
  const { env, homes } = makeEnv(t)
  for (let turn = 0; turn < 20; turn += 1) {
    const marker = path.join(homes.workspace, `ran-${turn}`)
    const child = startScript(env, `echo > ${marker}; exec sleep 60`, { signal: AbortSignal.abort() })
    const { error, events } = await outcome(child)
    assert.equal(error.code, 'ERR_PROVIDER_ABORTED')
    assert.match(error.message, /aborted/)
    assert.deepEqual(
      events.filter((/** @type {string} */ name) => name !== 'close'),
      ['error']
    )
    assert.equal(fs.existsSync(marker), false, `start ${turn} ran`)
  }
})

test('an abort after the end is nothing', { skip: needsLinux }, async (t) => {
  const controller = new AbortController()
  const child = startScript(makeEnv(t).env, 'exit 0', { signal: controller.signal })
  const { error, events } = await outcome(child)
  controller.abort()
  await pause(20)
  assert.deepEqual([error, events], [null, ['spawn', 'exit', 'close']])
})

test('timeoutMs: an error, then the end', { skip: needsLinux }, async (t) => {
  const child = startScript(makeEnv(t).env, 'exec sleep 60', { timeoutMs: 100 })
  const { error, events, signal } = await outcome(child)
  assert.deepEqual([error.name, error.code, error.provider], ['TimeoutError', 'ERR_PROVIDER_TIMEOUT', 'claude'])
  assert.match(error.message, /longer than options\.timeoutMs and was stopped/)
  assert.deepEqual([events, signal], [['spawn', 'error', 'exit', 'close'], 'SIGTERM'])
  const quick = await outcome(startScript(makeEnv(t).env, 'exit 0', { timeoutMs: 60_000 }))
  assert.deepEqual([quick.error, quick.code], [null, 0])
})

/** What requests the end of a group that will not end by itself. @type {[string, any, (child: any, abort: AbortController) => void][]} */
const ASKS = [
  ['kill()', {}, (child) => child.kill()],
  ['kill(killSignal)', { killSignal: 'SIGINT' }, (child) => child.kill('SIGINT')],
  ['abort', {}, (_, controller) => controller.abort()],
  ['timeoutMs', {}, () => {}],
  ['asyncDispose', {}, (child) => void child[Symbol.asyncDispose]()]
]

/** That the time was over before there was anything to stop. @param {any} error */
function isTimeout(error) {
  if (error.code !== 'ERR_PROVIDER_TIMEOUT') throw error
}

for (const [how, options, ask] of ASKS) {
  test(`${how}: after the grace, child and grandchild that ignore the signal are killed`, { skip: needsLinux }, async (t) => {
    const controller = new AbortController()
    const begin = (/** @type {number} */ timeoutMs) =>
      startPair(t, STUBBORN.replaceAll('TERM', 'TERM INT'), {
        killGraceMs: 150,
        signal: controller.signal,
        ...(timeoutMs && { timeoutMs }),
        ...options
      })
    const pair = await (how === 'timeoutMs' ? withEnoughTime(300, (ms) => begin(ms).catch(isTimeout)) : begin(0))
    ask(pair.child, controller)
    assert.deepEqual(await pair.child.exited, { code: null, signal: 'SIGKILL' })
    await gone(pair)
    await until('it closes', () => pair.events.includes('close'))
  })
}

test('a grandchild in its own session ends too, at once and after the grace', { skip: needsLinux }, async (t) => {
  for (const [script, signal] of [
    [ESCAPED, 'SIGTERM'],
    [`trap "" TERM; ${ESCAPED}; wait`, 'SIGKILL']
  ]) {
    const pair = await startPair(t, script, { killGraceMs: 150 })
    await until('it leaves the session', () => status(pair.grandchild).NSsid !== status(pair.child.pid).NSsid)
    pair.child.kill()
    assert.deepEqual(await pair.child.exited, { code: null, signal })
    await gone(pair)
  }
})

test('`await using`: it is over when the block is left, however it ended', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const running = startScript(env, 'exec sleep 60')
  await running.spawned
  await running[Symbol.asyncDispose]()
  assert.deepEqual([running.signalCode, isRunning(running.pid), running.stdout.destroyed], ['SIGTERM', false, true])
  await running[Symbol.asyncDispose]()
  const starting = startScript(env, 'exec sleep 60')
  await starting[Symbol.asyncDispose]()
  assert.equal(isRunning(starting.pid), false)
  const over = startScript(env, 'exit 3')
  await over.exited
  await over[Symbol.asyncDispose]()
  assert.equal(over.exitCode, 3)
})

test('`await using` of a start that fails ends too', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const failing = startScript(env, '', { command: '/nowhere/claude' })
  failing.on('error', () => {})
  const keep = setInterval(() => {}, 1000)
  t.after(() => clearInterval(keep))
  await failing[Symbol.asyncDispose]()
  await assert.rejects(failing.exited, { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', message: /no executable file/ })
  await failing[Symbol.asyncDispose]()
})

test('promises: requested early or late, of a start that works and of one that fails', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const child = startScript(env, 'exit 4')
  await child.spawned
  assert.deepEqual([await child.exited, await child.exited], Array(2).fill({ code: 4, signal: null }))
  await child.spawned
  const failing = startScript(env, '', { command: '/nowhere/claude' })
  const wanted = { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', message: /no executable file/ }
  await assert.rejects(failing.spawned, wanted)
  await assert.rejects(failing.exited, wanted)
  await assert.rejects(failing.spawned, wanted)
})

/** A daemon: its parent has ended, so nothing ties it to the CLI but the stream that it holds. */
const HOLDER = '( setsid sleep 600 & echo $! ); sleep 0.2; printf last'

test('a stream that a daemon holds does not hold back `close`', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const held = await outcome(startScript(env, HOLDER))
  const daemon = Number.parseInt(held.stdout, 10)
  endAfter(t, daemon)
  assert.ok(isRunning(daemon), 'it waited for the daemon')
  assert.deepEqual([held.code, held.events], [0, ['spawn', 'exit', 'close']])
  assert.match(held.stdout, /^\d+\nlast$/)
})

test('who reads slowly reads all of it, though a daemon holds the stream', { skip: needsLinux }, async (t) => {
  const child = startScript(makeEnv(t).env, `${HOLDER}; head -c 1000000 /dev/zero`)
  let length = 0
  let holder = 0
  for await (const chunk of child.stdout) {
    if (holder === 0) endAfter(t, (holder = Number.parseInt(chunk, 10)))
    length += chunk.length
    // Beyond the exit, and for longer than the silence that ends a stream.
    await pause(child.exitCode === null ? 100 : 1500)
  }
  const before = `${holder}\nlast`.length
  assert.equal(length - before, 1_000_000)
})
