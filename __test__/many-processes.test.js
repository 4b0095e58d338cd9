// A tenant with many processes, each in its own session: all of them end, and neither descriptors nor time are taken
// from other tenants.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { test } = require('node:test')
const { UID, firstLine, makeEnv, needsLinux, needsRoot, startScript } = require('./support/launch.js')
const { until } = require('./support/kernel.js')
const { withArgument } = require('./support/proc.js')
const { startWorker } = require('./support/worker.js')

/** An argument of `sleep` that is on no other command line. @param {string | number} name */
const markOf = (name) => `600.${process.pid}${name}`

/** Ignores SIGTERM, and so does what it starts. @param {number} count @param {string} mark */
const crowd = (count, mark) =>
  `trap "" TERM; for i in $(seq ${count}); do setsid sleep ${mark} & done; echo ready; while :; do sleep 1; done`

const OTHER = UID + 1

for (const [count, limit, ask] of /** @type {const} */ ([
  [1500, 4096, 'kill()'],
  [600, 256, 'kill()'],
  [600, 256, 'kill("SIGKILL")']
])) {
  test(`${count} processes and ${limit} descriptors: ${ask} ends them all, and costs others nothing`, {
    skip: needsRoot,
    timeout: 120_000
  }, async (t) => {
    const mark = markOf(`${count}${ask.length}`)
    const [one, two] = [UID, OTHER].map((uid) => {
      const { homes } = makeEnv(t)
      fs.chmodSync(homes.tmpDir, 0o777)
      return { ids: { uid, gid: uid }, tmpDir: homes.tmpDir }
    })
    const worker = startWorker(
      t,
      `
      const fs = require('node:fs')
      const open = () => fs.readdirSync('/proc/self/fd').length
      const start = ({ ids, tmpDir }, script, options) => main.spawnProvider(main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/', dir: '/', tmpDir } }), { ...ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', ...options })
      const child = start(input.one, input.script, { killGraceMs: 3000 })
      await new Promise((resolve, reject) => child.on('error', reject).stdout.once('data', resolve))
      say('ready')
      await new Promise((resolve) => process.stdin.once('data', resolve))
      const before = open()
      child.${ask}
      let most = 0, longest = 0, fine = 0
      let over = false
      child.exited.then(() => (over = true))
      while (!over) {
        const from = performance.now()
        // The streams of one start, and what it needs for a moment.
        fine += (await start(input.two, 'exit 0', { stdio: 'ignore' }).exited).code === 0 ? 1 : 0
        longest = Math.max(longest, performance.now() - from)
        most = Math.max(most, open() - before)
        await pause(5)
      }
      say({ most, longest, fine, signal: child.signalCode })
      await pause(60_000)`,
      {
        input: { one, two, script: crowd(count, mark) },
        before: ['/bin/sh', '-c', `ulimit -n ${limit} && ulimit -Hn ${limit} && exec "$@"`, 'sh']
      }
    )
    assert.equal(await worker.next(), 'ready')
    await until('they are there', () => withArgument(mark).length === count)
    worker.stdin.write('go')
    const { most, longest, fine, signal, failed } = await worker.next()
    assert.equal(failed, undefined, failed?.message)
    assert.equal(signal, 'SIGKILL')
    t.diagnostic(`${fine} starts of another tenant's meanwhile; the longest took ${Math.round(longest)} ms; ${most} descriptors more`)
    await until('none is left', () => withArgument(mark).length === 0)
    assert.ok(most < 30, `${most} descriptors`)
    assert.ok(fine > 0)
  })
}

test('processes that start others while they are being killed end too', { skip: needsRoot, timeout: 120_000 }, async (t) => {
  const mark = markOf('0000')
  const script = `trap "" TERM; breed() { while :; do setsid sh -c 'trap "" TERM; setsid sleep ${mark} & wait' & sleep 0.01; done; }; breed & breed & echo ready; wait`
  const child = startScript(makeEnv(t).env, script, { killGraceMs: 500, stdio: ['ignore', 'pipe', 'ignore'] })
  await firstLine(child)
  await until('there are some', () => withArgument(mark).length > 20)
  child.kill()
  assert.equal((await child.exited).signal, 'SIGKILL')
  await until('none is left', () => withArgument(mark).length === 0)
})

test('a start that finds no descriptor says which limit that is', { skip: needsLinux }, async (t) => {
  const { homes } = makeEnv(t)
  const own = homes.tmpDir
  fs.chmodSync(homes.tmpDir, 0o777)
  const worker = startWorker(
    t,
    `
    const fs = require('node:fs')
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/', dir: '/', tmpDir: input.own } })
    const start = () => new Promise((resolve) => {
      const told = ({ code, step, errno, message }) => resolve({ code, step, errno, message })
      try {
        main.spawnProvider(env, { command: '/bin/true', stdio: 'ignore', workspaceTrust: 'trusted', allowRoot: true }).on('error', told).on('exit', (code) => resolve({ exit: code }))
      } catch (error) {
        told(error)
      }
    })
    // The program is proved now, which takes descriptors too.
    const seen = [await start()]
    const held = []
    try { for (;;) held.push(fs.openSync('/dev/null')) } catch {}
    for (let free = 0; free < 8; free += 1) {
      seen.push(await start())
      fs.closeSync(held.pop())
    }
    held.forEach((fd) => fs.closeSync(fd))
    seen.push(await start())
    say(seen)`,
    { input: { own }, before: ['/bin/sh', '-c', 'ulimit -n 100 && exec "$@"', 'sh'] }
  )
  const seen = await worker.next()
  assert.deepEqual([seen[0], seen.at(-1)], [{ exit: 0 }, { exit: 0 }], JSON.stringify(seen))
  const failed = seen.filter((/** @type {any} */ result) => result.exit === undefined)
  assert.ok(failed.length > 0)
  for (const { code, step, errno, message } of failed) {
    assert.deepEqual([code, errno], ['ERR_PROVIDER_SPAWN_FAILED', -24], message)
    assert.match(message, /no file descriptor left: raise its limit \(ulimit -n/, step)
  }
})
