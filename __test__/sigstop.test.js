// A tenant's process that stops every process of its uid again and again cannot hang the starts of that uid, or others'.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const test = require('node:test')
const { buildProviderEnv } = require('../index.js')
const { KEYS, UID, isRoot, makeEnv, needsRoot, run, startScript, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { status, until } = require('./support/kernel.js')

/** A separate uid: the attack hits whatever else of that uid runs at the time. */
const VICTIM = UID + 3
const ids = isRoot ? { uid: VICTIM, gid: VICTIM } : {}

test('starts under a storm of SIGSTOP: each ends in time, and says at which step', { skip: needsRoot }, async (t) => {
  const env = buildProviderEnv({ apiKey: KEYS.claude }, { workspace: workspaceOf(makeHomes({ uid: VICTIM, test: t })) })
  t.after(() => env.dispose())
  // First: child_process itself hangs for good when its child is stopped between its drop and its exec.
  const victim = spawn('/bin/sleep', ['60'], { ...ids, stdio: 'ignore' })
  const attacker = spawn('/bin/sh', ['-c', 'while :; do kill -STOP -1; done'], { ...ids, stdio: 'ignore' })
  t.after(() => attacker.kill('SIGKILL'))
  t.after(() => victim.kill('SIGKILL'))
  await until('the attack works', () => status(victim.pid).State.startsWith('T'))

  const steps = /** @type {string[]} */ ([])
  let longest = 0
  for (let turn = 0; turn < 50; turn += 1) {
    const from = Date.now()
    // Other groups each time: else the proof of the program is remembered, and its child not started.
    const child = startScript(env, 'exec sleep 60', { ...ids, groups: [50_000 + turn] })
    t.after(() => child.kill('SIGKILL'))
    const failed = await child.spawned.then(
      () => null,
      (/** @type {any} */ error) => error
    )
    longest = Math.max(longest, Date.now() - from)
    if (failed) {
      assert.ok(['ERR_PROVIDER_SPAWN_FAILED', 'ERR_PROVIDER_PRIVILEGE_FAILED'].includes(failed.code), `${failed.code}: ${failed.message}`)
      assert.match(failed.message, /step [a-z-]+.*: a signal ended the child before the program ran/)
      steps.push(failed.step)
    } else {
      child.kill('SIGKILL')
      assert.equal((await child.exited).signal, 'SIGKILL', 'also a stopped process can be killed')
    }
  }
  t.diagnostic(`${steps.length} of 50 starts were hit (${[...new Set(steps)].join(', ') || 'none'}); the longest took ${longest} ms`)
  // The watchdog sees that a child was stopped, and does not wait for what bounds a child that is only slow: 20 s. Here the time
  // is the promise; it took 120 ms at the most on two idle cores.
  assert.ok(longest < 15_000, `${longest} ms`)
  assert.ok(
    steps.every((step) => typeof step === 'string'),
    String(steps)
  )

  assert.equal((await run(makeEnv(t).env, 'echo fine')).stdout, 'fine\n', 'another uid is not concerned')
  attacker.kill('SIGKILL')
  await until('the attacker ends', () => attacker.signalCode !== null)
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await run(env, 'echo fine', ids)).stdout, 'fine\n')
})
