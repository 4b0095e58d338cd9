// A process with a running broker ends as it would without one, unless somebody waits for its audit.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { needsLinux } = require('./support/launch.js')

const PROJECT = path.join(__dirname, '..')
/** Far longer than any of them takes: a process that hangs is killed, and the test fails. */
const HANGS_MS = 60_000

/** @param {string} script @param {string[]} [options] */
async function run(script, options = []) {
  const prelude = `const { startBroker } = require(${JSON.stringify(PROJECT)}); const { Worker } = require('node:worker_threads');`
  const settled = promisify(execFile)(process.execPath, [...options, '-e', prelude + script], { timeout: HANGS_MS })
  return await settled.then(
    ({ stdout, stderr }) => ({ code: 0, signal: null, stdout, stderr }),
    ({ code, signal, stdout, stderr }) => ({ code, signal, stdout, stderr })
  )
}

const THREAD = `new Worker(${JSON.stringify(`require(${JSON.stringify(PROJECT)}).startBroker()`)}, { eval: true })`

/** What the process does, its exit code and what it prints. @type {[string, string, number, string][]} */
const ENDINGS = [
  ['has nothing more to do', `startBroker({ threads: 4 })`, 0, ''],
  ['calls process.exit()', `startBroker({ threads: 4 }); setInterval(() => {}, 1000); process.exit(3)`, 3, ''],
  ['has an uncaught exception', `startBroker(); setInterval(() => {}, 1000); setImmediate(() => { throw new Error('mine') })`, 1, ''],
  ['has an unhandled rejection', `startBroker(); setInterval(() => {}, 1000); Promise.reject(new Error('mine'))`, 1, ''],
  ['started it in a thread', `${THREAD}.on('exit', (code) => console.log(code))`, 0, '0\n'],
  ['exits while a thread uses it', `${THREAD}.on('online', () => process.exit(4))`, 4, ''],
  ['stops it when it exits', `const broker = startBroker(); process.on('exit', () => void broker.stop())`, 0, ''],
  ['starts one when it exits', `process.on('exit', () => void startBroker())`, 0, ''],
  ['has a reader that waits for nothing', `startBroker().audit()`, 0, ''],
  ['has a stream that nobody reads', `startBroker().auditLines()`, 0, ''],
  ['waits for the audit with persistent: false', `startBroker().audit({ persistent: false }).next()`, 0, ''],
  ['pipes the audit with persistent: false', `startBroker().auditLines({ persistent: false }).pipe(process.stdout)`, 0, ''],
  [
    'waits for the audit until the broker stops',
    `const broker = startBroker()
     setTimeout(() => broker.stop(), 300).unref()
     broker.audit().next().then(({ done }) => console.log('end', done))`,
    0,
    'end true\n'
  ],
  [
    'pipes the audit until the broker stops',
    `const broker = startBroker()
     setTimeout(() => broker.stop(), 300).unref()
     broker.auditLines().on('end', () => console.log('end')).resume()`,
    0,
    'end\n'
  ],
  ['exits while it waits for the audit', `startBroker().audit().next(); setImmediate(() => process.exit(5))`, 5, ''],
  [
    'exits while a thread waits for the audit',
    `const thread = new Worker(${JSON.stringify(
      `require(${JSON.stringify(PROJECT)}).startBroker().audit().next(); setImmediate(() => require('node:worker_threads').parentPort.postMessage(1))`
    )}, { eval: true })
     thread.once('message', () => process.exit(6))`,
    6,
    ''
  ]
]

for (const [what, script, code, stdout] of ENDINGS) {
  test(`a process that ${what}`, { skip: needsLinux, timeout: 2 * HANGS_MS }, async () => {
    const seen = await run(script)
    assert.deepEqual([seen.code, seen.signal, seen.stdout], [code, null, stdout], seen.stderr)
  })
}

test('all threads of the broker have ended when stop() resolves', { skip: needsLinux }, async () => {
  const { stdout, stderr } = await run(`
    const fs = require('node:fs')
    const named = (id) => {
      try { return /^pe-broker-\\d/.test(fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8')) } catch { return false }
    }
    const count = () => fs.readdirSync('/proc/self/task').filter(named).length
    const broker = startBroker({ threads: 5 })
    // A thread gives itself its name.
    const whenNamed = () => {
      if (count() < 5) return setTimeout(whenNamed, 10)
      broker.stop().then(() => console.log('left', count()))
    }
    whenNamed()`)
  assert.equal(stdout, 'left 0\n', stderr)
})
