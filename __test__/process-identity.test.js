// A test ends the processes that it remembers by their numbers, and never another one that has the number since.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { needsRoot } = require('./support/launch.js')

/**
 * What a script prints that runs in its own PID namespace, where the next number can be chosen (pid_namespaces(7)).
 * @param {{ skip(message: string): void, diagnostic(message: string): void }} t
 * @param {string} body
 */
function inNamespace(t, body) {
  const script = `
    const { spawn } = require('node:child_process')
    const { once } = require('node:events')
    const fs = require('node:fs')
    const { endAfter, identify, isRunning, until } = require(${JSON.stringify(path.join(__dirname, 'support', 'kernel.js'))})
    const sleep = (options) => spawn('sleep', ['600'], { stdio: 'ignore', ...options })
    /** Another process with that number. It starts later by the clock of starts, which ticks 100 times a second. */
    const inPlaceOf = async (identity, options) => {
      await until('a later start', async () => {
        const probe = sleep()
        const { started } = identify(probe.pid)
        probe.kill('SIGKILL')
        await once(probe, 'exit')
        return started !== identity.started
      })
      fs.writeFileSync('/proc/sys/kernel/ns_last_pid', String(identity.pid - 1))
      return sleep(options)
    }
    void (async () => { ${body} })().then((result) => { console.log(JSON.stringify(result)); process.exit() })`
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, '-e', script],
    { encoding: 'utf8' }
  )
  if (/unshare failed|Operation not permitted/.test(stderr)) return t.skip(`no PID namespace here: ${stderr.trim()}`)
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

test('a process that has the number of a remembered one is spared, and the remembered one is ended', { skip: needsRoot }, (t) => {
  const seen = inNamespace(
    t,
    `
    const [remembered, kept] = [sleep(), sleep()]
    const identity = identify(remembered.pid)
    const hooks = []
    for (const { pid } of [remembered, kept]) endAfter({ after: (hook) => hooks.push(hook) }, pid)
    remembered.kill('SIGKILL')
    await once(remembered, 'exit')
    const bystander = await inPlaceOf(identity)
    for (const hook of hooks) hook()
    const [, signal] = await once(kept, 'exit')
    return { sameNumber: bystander.pid === remembered.pid, spared: isRunning(bystander.pid), signal }`
  )
  if (seen) assert.deepEqual(seen, { sameNumber: true, spared: true, signal: 'SIGKILL' })
})

test('a time limit of the runner kills the group that it started, and no other that has the number since', { skip: needsRoot }, (t) => {
  const seen = inNamespace(
    t,
    `
    const { run } = await import(${JSON.stringify(path.join(__dirname, '..', 'scripts', 'lib', 'run.mjs'))})
    const children = () => fs.readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ').map(Number)
    // One ends, and what has left its group holds the output; in the other group somebody is left.
    const gone = run('sh', ['-c', 'setsid sleep 600 &'], { output: 'keep', timeoutMs: 3000 })
    // The first: whoever loses its parent here becomes a child of this process, which is number 1.
    const identity = identify(children()[0])
    await until('it ends', () => !identify(identity.pid))
    const bystander = await inPlaceOf(identity, { detached: true })
    const held = run('sh', ['-c', 'sleep 600 & echo $!'], { output: 'keep', timeoutMs: 500 })
    const [first, second] = [await gone, await held]
    return {
      sameNumber: bystander.pid === identity.pid,
      spared: isRunning(bystander.pid),
      leftRuns: isRunning(Number(second.text)),
      timedOut: [first.timedOut, second.timedOut]
    }`
  )
  if (seen) assert.deepEqual(seen, { sameNumber: true, spared: true, leftRuns: false, timedOut: [true, true] })
})
