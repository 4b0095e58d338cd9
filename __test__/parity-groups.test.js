// Where we differ from child_process on purpose: signals reach the whole process group, and so does the CLI's end.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const test = require('node:test')
const { ids, makeEnv, needsLinux, startScript } = require('./support/launch.js')
const { endAfter, isRunning, pause, status, until } = require('./support/kernel.js')

/** A child that ends at once and leaves a process with its streams behind. */
const LEAVES = 'sleep 60 & echo $!'

/** The number on the first line, then whatever happens. */
async function watch(/** @type {any} */ child) {
  /** @type {any} */
  const seen = { closed: false, exited: false }
  child.once('close', () => (seen.closed = true))
  child.once('exit', () => (seen.exited = true))
  const left = await new Promise((resolve) => child.stdout.once('data', (/** @type {Buffer} */ text) => resolve(Number(text))))
  await until('the child ends', () => seen.exited)
  return { seen, left }
}

/** @type {[string, (t: any) => any, boolean][]} */
const STARTS = [
  ['child_process', () => spawn('/bin/sh', ['-c', LEAVES], ids), true],
  ['killGroupOnExit: false', (t) => startScript(makeEnv(t).env, LEAVES, { killGroupOnExit: false }), true],
  ['killGroupOnExit: true', (t) => startScript(makeEnv(t).env, LEAVES, { killGroupOnExit: true }), false],
  ['the default', (t) => startScript(makeEnv(t).env, LEAVES), false]
]

for (const [what, start, stays] of STARTS) {
  test(`what a child leaves behind ${stays ? 'stays, and holds its streams open' : 'ends with it'}: ${what}`, {
    skip: needsLinux
  }, async (t) => {
    const { seen, left } = await watch(start(t))
    const end = endAfter(t, left)
    if (stays) {
      await pause(150)
      assert.deepEqual([isRunning(left), seen.closed], [true, false])
      end()
    }
    await until('the streams close', () => seen.closed)
    // A process that ends closes its descriptors before it is a zombie.
    await until('the process ends', () => !isRunning(left))
  })
}

test('a signal reaches the whole group, which is the child’s own', { skip: needsLinux }, async (t) => {
  const child = startScript(makeEnv(t).env, 'sleep 60 & echo $!; wait')
  const grandchild = await new Promise((resolve) => child.stdout.once('data', (/** @type {Buffer} */ text) => resolve(Number(text))))
  endAfter(t, grandchild)
  await child.spawned
  const { NSpgid, NSsid } = status(grandchild)
  assert.deepEqual([Number(NSpgid), Number(NSsid)], [child.pid, child.pid], 'its own session and group')
  assert.equal(child.kill('SIGTERM'), true)
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGTERM' })
  await until('the grandchild ends', () => !isRunning(grandchild))
})

test('kill() with killSignal is followed by SIGKILL; another signal is not', { skip: needsLinux }, async (t) => {
  const stubborn = 'trap "" TERM; trap "echo one" USR1; echo ready; while :; do read line; done <&1'
  const child = startScript(makeEnv(t).env, stubborn, { killGraceMs: 100, stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ more) => (text += more))
  await until('the trap is set', () => text.includes('ready'))
  child.kill('SIGUSR1')
  await until('it handles the first signal', () => text.includes('one'))
  await pause(250)
  assert.equal(child.exitCode === null && child.signalCode === null && isRunning(child.pid), true, 'no SIGKILL after SIGUSR1')
  child.kill()
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' })
})
