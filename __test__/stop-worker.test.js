// What a worker's own end does to its CLIs, and which of them keep it alive.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const test = require('node:test')
const { Worker } = require('node:worker_threads')
const { ids, makeEnv, needsLinux } = require('./support/launch.js')
const { endAfter, isRunning, until, zombies } = require('./support/kernel.js')
const { startWorker } = require('./support/worker.js')

const SUPPORT = path.join(__dirname, 'support')

/** Before the package, as internals.js has to be. */
const PRELOAD = ['--require', path.join(SUPPORT, 'internals.js')]

/** How a worker makes a start of each kind. */
const STARTS = {
  native: 'const start = main.spawnProvider',
  portable: `
    const start = require(input.support + '/portable.js').spawnPortable`
}

/** Starts a script in a worker; the variable is `child`. */
const start = (/** @type {string} */ script, options = '', by = STARTS.native) => `
  ${by}
  const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: input.workspace })
  const child = start(env, { ...input.ids, command: '/bin/sh', args: ['-c', ${JSON.stringify(script)}], workspaceTrust: 'trusted', stdio: 'ignore', ${options} })
  await child.spawned`

/** Whether a worker's child is still there when the worker has ended. */
function inputOf(/** @type {any} */ t) {
  const { env } = makeEnv(t)
  return { ids, support: SUPPORT, workspace: { home: '/', tmpDir: env.get('TMPDIR') } }
}

test('a worker that is killed takes its CLI along', { skip: needsLinux }, async (t) => {
  const input = inputOf(t)
  for (let turn = 0; turn < 5; turn += 1) {
    const worker = startWorker(t, `${start('trap "" TERM HUP INT; while :; do sleep 1; done')}; say(child.pid); await pause(60_000)`, {
      input
    })
    const pid = await worker.next()
    endAfter(t, pid)
    assert.equal(isRunning(pid), true)
    worker.kill('SIGKILL')
    await until('the CLI ends with its worker', () => !isRunning(pid))
    await worker.ended
  }
})

/** It does not listen to a request. */
const STAYS = 'trap "" TERM; while :; do sleep 1; done'

/** How a worker ends by itself, and with which code. @type {[string, string, number | null, string | null][]} */
const ENDS = [
  ['process.exit()', 'process.exit(5)', 5, null],
  [
    'an uncaught error',
    'process.stderr.write = () => true; setImmediate(() => { throw new Error("made-up") }); await pause(60_000)',
    1,
    null
  ],
  ['a signal', 'process.kill(process.pid, "SIGTERM"); await pause(60_000)', null, 'SIGTERM'],
  ['nothing left to do, after unref()', 'child.unref()', 0, null]
]

for (const [how, body, code, signal] of ENDS) {
  for (const [name, by] of Object.entries(STARTS)) {
    // That takes a parent-death signal, which `missingProtections` says is missing.
    if (name === 'portable' && how === 'a signal') continue
    test(`a worker that ends by ${how} leaves no CLI behind: ${name} start`, { skip: needsLinux }, async (t) => {
      const worker = startWorker(t, `${start(STAYS, '', by)}; say(child.pid); ${body}`, {
        input: inputOf(t),
        flags: PRELOAD,
        spawn: { stdio: ['pipe', 'pipe', 'ignore'] }
      })
      const pid = await worker.next()
      endAfter(t, pid)
      assert.deepEqual(await worker.ended, { code, signal })
      await until('the CLI ends', () => !isRunning(pid))
    })
  }
}

test('a thread that is ended leaves no CLI behind: portable start', { skip: needsLinux }, async (t) => {
  const before = zombies()
  const body = `const { workerData: input, parentPort } = require('node:worker_threads')
    const main = require(input.support + '/../../index.js')
    ;(async () => { ${start(STAYS, '', STARTS.portable)}; parentPort.postMessage(child.pid) })()`
  const worker = new Worker(body, { eval: true, execArgv: PRELOAD, workerData: inputOf(t) })
  t.after(() => worker.terminate())
  const pid = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  endAfter(t, pid)
  assert.equal(isRunning(pid), true)
  await worker.terminate()
  await until('the CLI ends', () => !isRunning(pid))
  await until('and is waited for', () => zombies().length <= before.length)
})

test('a portable start that has ended is not killed again with its worker', { skip: needsLinux }, async (t) => {
  const leaves = start('sleep 60 > /dev/null & echo $!', "stdio: ['ignore', 'pipe', 'ignore'], killGroupOnExit: false", STARTS.portable)
  const worker = startWorker(
    t,
    `${leaves}
    const [left] = await require('node:events').once(child.stdout, 'data')
    await child.exited
    say(Number(left))
    process.exit(5)`,
    { input: inputOf(t), flags: PRELOAD }
  )
  const pid = await worker.next()
  endAfter(t, pid)
  assert.deepEqual(await worker.ended, { code: 5, signal: null })
  assert.equal(isRunning(pid), true)
})

/** What is done to a child that ends after a while, and whether its worker sees the end. */
const HOLDS = /** @type {[string, string, boolean][]} */ ([
  ['nothing', '', true],
  ['ref() twice', 'child.ref(); child.ref()', true],
  ['unref()', 'child.unref()', false],
  ['unref() twice, ref()', 'child.unref(); child.unref(); child.ref()', true],
  ['ref(), unref()', 'child.ref(); child.unref()', false]
])

test('a running CLI keeps its worker alive, unless it was unref()ed', { skip: needsLinux }, async (t) => {
  const input = inputOf(t)
  for (const [what, call, sees] of HOLDS) {
    // One that nobody is to wait for stays until its worker is gone.
    const worker = startWorker(
      t,
      `${start(sees ? 'sleep 0.4; exit 7' : 'exec sleep 600')}
      let seen = null
      child.on('exit', (code) => (seen = code))
      process.on('exit', () => require('node:fs').writeSync(1, JSON.stringify({ seen }) + '\\n'))
      ${call}`,
      { input }
    )
    assert.deepEqual(await worker.next(), { seen: sees ? 7 : null }, what)
    assert.deepEqual(await worker.ended, { code: 0, signal: null }, what)
  }
})

test('when all CLIs have ended, nothing keeps the worker alive', { skip: needsLinux }, async (t) => {
  const worker = startWorker(
    t,
    `${start('exit 0')}
    await child.exited
    const failing = main.spawnProvider(env, { ...input.ids, command: '/nowhere/claude' })
    await failing.exited.catch(({ code }) => say(code))`,
    { input: inputOf(t) }
  )
  assert.equal(await worker.next(), 'ERR_PROVIDER_PROGRAM_NOT_FOUND')
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
})
