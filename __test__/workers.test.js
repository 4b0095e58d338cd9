// Two worker threads with the addon at once: each has its own environments and children, and only its own end with it.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const test = require('node:test')
const { ids, makeEnv, needsLinux, run, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { endAfter, isRunning, pause, until } = require('./support/kernel.js')

/** What a thread does: builds, starts one that stays, then builds and starts without a pause, and counts. */
const BODY = `
  const { parentPort, workerData } = require('node:worker_threads')
  const main = require(workerData.main)
  const build = (key) => main.buildProviderEnv({ apiKey: key, userEnvKeys: { WHO: workerData.name } }, { workspace: workerData.workspace })
  const start = (env, script) => main.spawnProvider(env, { ...workerData.ids, command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted' })
  ;(async () => {
    const stays = start(build('sk-stays'), 'trap "" TERM; while :; do sleep 1; done')
    await stays.spawned
    let turn = 0
    parentPort.on('message', () => parentPort.postMessage({ turn }))
    parentPort.postMessage({ pid: stays.pid })
    while (workerData.busy) {
      const key = 'sk-' + workerData.name + '-' + (turn += 1)
      const env = build(key)
      const child = start(env, 'cat <&3; printf " $USER_WHO"')
      let text = ''
      child.stdout.on('data', (more) => (text += more))
      await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject))
      if (text !== key + ' ' + workerData.name) throw new Error('another thread’s: ' + text)
      if (turn % 3) env.dispose()
    }
  })()`

/** @param {any} t @param {string} name @param {boolean} busy  whether it goes on starting */
async function startThread(t, name, busy) {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const worker = new Worker(BODY, { eval: true, workerData: { main: path.join(__dirname, '..', 'index.js'), name, workspace, ids, busy } })
  t.after(() => worker.terminate())
  const error = new Promise((_, reject) => worker.once('error', reject))
  const hear = () => Promise.race([error, new Promise((resolve) => worker.once('message', resolve))])
  const { pid } = /** @type {any} */ (await hear())
  endAfter(t, pid)
  /** How many starts it has done. @returns {Promise<number>} */
  const turns = async () => {
    const answer = hear()
    worker.postMessage('how far')
    return /** @type {any} */ (await answer).turn
  }
  return { worker, pid, turns }
}

test('one of two threads is ended in the middle of it: its children end, the other goes on', { skip: needsLinux }, async (t) => {
  const [one, two] = await Promise.all([startThread(t, 'one', true), startThread(t, 'two', true)])
  const main = makeEnv(t)
  await until('both have come far', async () => (await one.turns()) > 20 && (await two.turns()) > 20)
  await one.worker.terminate()
  await until('its child ends', () => !isRunning(one.pid))
  assert.equal(isRunning(two.pid), true)
  const far = await two.turns()
  await until('the other goes on', async () => (await two.turns()) > far + 20)
  assert.equal((await run(main.env, 'echo main')).stdout, 'main\n')
})

const TURNS = 20

/** Threads come, start something and are ended; then all that they opened must be closed, but for `lost` descriptors. */
async function comeAndGo(/** @type {any} */ t, /** @type {boolean} */ busy, lost = 0) {
  const count = () => ['fd', 'task'].map((name) => fs.readdirSync(`/proc/self/${name}`).length)
  const pids = /** @type {number[]} */ ([])
  const turn = async () => {
    const { worker, pid } = await startThread(t, 'passing', busy)
    pids.push(pid)
    await pause(busy ? pids.length : 10)
    await worker.terminate()
  }
  await turn()
  const before = count()
  for (let times = 0; times < TURNS; times += 1) await turn()
  await until('all children end', () => !pids.some(isRunning))
  const allowed = [before[0] + lost, before[1]]
  const back = () => count().every((value, index) => value <= allowed[index])
  await until('descriptors and threads are back', back).catch(() => assert.deepEqual(count(), allowed, 'descriptors, threads'))
}

test('threads that come and go leave nothing behind', { skip: needsLinux }, (t) => comeAndGo(t, false))

// V8 can end a thread between a stream being handed to it and the socket that would close it: one at a time, so one
// for each thread at the most. Streams that were not handed out yet are closed with the thread.
test('threads that are ended in the middle of a start lose one descriptor each at the most', { skip: needsLinux }, (t) =>
  comeAndGo(t, true, TURNS)
)
