// The portable start in Bun itself.
'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const test = require('node:test')
const { promisify } = require('node:util')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { endAfter, isRunning, until } = require('./support/kernel.js')
const { needsLinux, workspaceOf } = require('./support/launch.js')
const { startWorker } = require('./support/worker.js')

/** @param {any} t @returns {Promise<string | undefined>} */
async function bun(t) {
  const { bunBinary } = await import('../scripts/lib/node-versions.mjs')
  const { path: program, reason } = await bunBinary()
  if (program === undefined) t.skip(reason)
  return program
}

// As itself: a drop that nobody can verify is refused there.
const IDS = process.getuid?.() === 0 ? { uid: 0, gid: 0, allowRoot: true } : {}
/** @param {any} t */
const inputOf = (t) => ({ ids: IDS, workspace: workspaceOf(makeHomes({ test: t })) })
const START = `
  const start = (script, options) => main.spawnProvider(main.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: input.workspace }), { ...input.ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', ...options })`
const STAYS = 'trap "" TERM; while :; do sleep 1; done'

test('output of a process outside of the group that goes on writing is not cut', { skip: needsLinux }, async (t) => {
  const program = await bun(t)
  if (!program) return
  const worker = startWorker(
    t,
    `${START}
    const child = start('setsid sh -c "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line; sleep 0.25; done" & sleep 0.1; exit 2')
    let text = ''
    child.stdout.on('data', (bytes) => (text += bytes))
    await new Promise((resolve) => child.on('close', resolve))
    say({ by: child.startPath, code: child.exitCode, lines: text.trim().split('\\n').length })`,
    { input: inputOf(t), runtime: program }
  )
  assert.deepEqual(await worker.next(), { by: 'portable', code: 2, lines: 12 })
})

/** @type {[string, string, number][]} */
const ENDS = [
  ['process.exit()', 'process.exit(5)', 5],
  ['an uncaught error', 'setTimeout(() => { throw new Error("made-up") }, 1); await pause(60_000)', 1],
  ['nothing left to do, after unref()', 'child.unref()', 0]
]
for (const [how, body, code] of ENDS) {
  test(`a worker that ends by ${how} leaves no CLI behind`, { skip: needsLinux }, async (t) => {
    const program = await bun(t)
    if (!program) return
    const worker = startWorker(
      t,
      `${START}
      const child = start(${JSON.stringify(STAYS)}, { stdio: 'ignore' })
      await child.spawned
      say(child.pid)
      ${body}`,
      { input: inputOf(t), runtime: program, spawn: { stdio: ['pipe', 'pipe', 'ignore'] } }
    )
    const pid = await worker.next()
    endAfter(t, pid)
    assert.deepEqual(await worker.ended, { code, signal: null })
    await until('the CLI ends', () => !isRunning(pid))
  })
}

test('a thread that is ended leaves no CLI behind', { skip: needsLinux }, async (t) => {
  const program = await bun(t)
  if (!program) return
  const worker = startWorker(
    t,
    `
    const { Worker } = require('node:worker_threads')
    const thread = new Worker(input.body, { eval: true, workerData: input })
    const pid = await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
    say(pid)
    await thread.terminate()
    say('terminated')
    await pause(60_000)`,
    {
      input: {
        ...inputOf(t),
        main: path.join(__dirname, '..', 'index.js'),
        body: `
      const { parentPort, workerData: input } = require('node:worker_threads')
      const main = require(input.main)
      ${START}
      const child = start(${JSON.stringify(STAYS)}, { stdio: 'ignore' })
      child.on('spawn', () => parentPort.postMessage(child.pid))`
      },
      runtime: program
    }
  )
  const pid = await worker.next()
  endAfter(t, pid)
  assert.equal(await worker.next(), 'terminated')
  await until('the CLI ends', () => !isRunning(pid))
})

test('what the system reports about a start is emitted', { skip: needsLinux }, async (t) => {
  const program = await bun(t)
  if (!program) return
  const worker = startWorker(
    t,
    `${START}
    for (const options of [{ command: '/nowhere' }, { cwd: '/nowhere' }]) {
      const child = start('exit 0', options)
      const events = []
      for (const name of ['spawn', 'exit', 'close']) child.on(name, () => events.push(name))
      child.on('error', ({ code }) => events.push(code))
      await new Promise((resolve) => child.on('close', resolve))
      say(events)
    }`,
    { input: inputOf(t), runtime: program }
  )
  assert.deepEqual(await worker.next(), ['ERR_PROVIDER_PROGRAM_NOT_FOUND', 'close'])
  assert.deepEqual(await worker.next(), ['ERR_PROVIDER_SPAWN_FAILED', 'close'])
})

test('`close` comes also after a write that nobody reads and whose error nobody hears', { skip: needsLinux }, async (t) => {
  const program = await bun(t)
  if (!program) return
  const worker = startWorker(
    t,
    `${START}
    const uncaught = []
    process.on('uncaughtException', ({ code }) => {
      uncaught.push(code)
      child.kill('SIGKILL')
    })
    const child = start('exec 0<&-; echo closed; read line <&1; exit 3')
    child.stdout.once('data', () => child.stdin.write('x'.repeat(3_000_000)))
    const events = []
    for (const name of ['exit', 'close']) child.on(name, (code) => events.push([name, code]))
    child.once('close', () => say({ uncaught, events }))`,
    { input: inputOf(t), runtime: program }
  )
  assert.deepEqual(await worker.next(), {
    uncaught: ['EPIPE'],
    events: [
      ['exit', null],
      ['close', null]
    ]
  })
})

test('the broker adds the key for a child of Bun’s, and forgets the token with it', { skip: needsLinux }, async (t) => {
  const program = await bun(t)
  if (!program) return
  /** @type {(string | undefined)[]} */
  const seen = []
  const api = http.createServer((request, response) => {
    seen.push(request.headers.authorization)
    request.resume().once('end', () => response.end('{}'))
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
  t.after(() => void api.close())
  const { port } = /** @type {import('node:net').AddressInfo} */ (api.address())
  const dir = makeOpenDir('provider-env-bun-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const command = path.join(dir, 'asks')
  fs.writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${path.join(__dirname, 'fixtures', 'asks-the-broker.js')}' "$@"\n`, {
    mode: 0o755
  })
  const worker = startWorker(
    t,
    `
    const payload = { provider: 'codex', apiKey: 'sk-proj-made-up-9f2e' }
    const env = main.buildProviderEnv(payload, { workspace: input.workspace, baseUrl: input.baseUrl, set: { ASKS: 'itself' } })
    const child = main.spawnProvider(env, { ...input.ids, command: input.command, workspaceTrust: 'trusted' })
    let text = ''
    child.stdout.on('data', (bytes) => (text += bytes))
    child.stdin.end()
    await new Promise((resolve) => child.on('close', resolve))
    const { answer, env: variables, argv } = JSON.parse(text)
    say({ by: child.startPath, delivery: child.delivery, answer, variables, argv })
    await pause(60_000)`,
    { input: { ...inputOf(t), command, baseUrl: `http://127.0.0.1:${port}/v1` }, runtime: program }
  )
  const { by, delivery, answer, variables, argv } = await worker.next()
  assert.deepEqual([by, delivery, answer.status, seen], ['portable', 'broker', 200, ['Bearer sk-proj-made-up-9f2e']])
  assert.doesNotMatch(JSON.stringify([variables, argv]), /made-up/)
  const asking = promisify(execFile)(command, argv.slice(2), { env: variables })
  asking.child.stdin?.end()
  const later = JSON.parse((await asking).stdout).answer
  assert.match(`${later.status} ${later.text}`, /^400 .*(?:does not know this token|has ended)/)
  assert.equal(seen.length, 1)
})
