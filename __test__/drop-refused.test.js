// Ids that are refused before anything is started, and workers that are not root: dropped already, or with CAP_SETUID alone.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { spawnSync } = require('node:child_process')
const test = require('node:test')
const { spawnProvider, resolveProgram } = require('../index.js')
const { UID, isRoot, makeEnv, needsLinux, needsRoot, outcome, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const program = { command: '/bin/sh', args: ['-c', 'id -u'] }
const REFUSED = 'ERR_PROVIDER_PRIVILEGE_REFUSED'

/** Ids, code, names, message. */
const TABLE = /** @type {any[]} */ ([
  [{ uid: 0, gid: UID }, REFUSED, ['uid'], /options\.uid is root\. Pass the workspace's own uid and gid, or allowRoot: true\./],
  [{ uid: UID, gid: 0 }, REFUSED, ['uid'], /options\.gid is the group of root/],
  [{ uid: UID, gid: UID, groups: [5, 0] }, REFUSED, ['uid'], /options\.groups contains the group of root/],
  [{ uid: UID }, REFUSED, ['gid'], /options\.uid requires options\.gid/],
  [{ gid: UID }, REFUSED, ['uid'], /options\.gid requires options\.uid/],
  [{ uid: UID, allowRoot: true }, REFUSED, ['gid'], /options\.uid requires options\.gid/],
  [{ groups: [UID], allowRoot: true }, REFUSED, ['groups'], /options\.groups requires options\.uid and options\.gid/],
  ...[-1, 1.5, NaN, Infinity, 2 ** 32 - 1, 2 ** 32].flatMap((bad) => [
    [{ uid: bad, gid: UID }, REFUSED, ['uid'], /options\.uid must be a whole number from 0 to 4294967294/],
    [{ uid: UID, gid: bad }, REFUSED, ['gid'], /options\.gid must be a whole number/],
    [{ uid: UID, gid: UID, groups: [bad] }, REFUSED, ['groups'], /options\.groups must be a whole number/]
  ]),
  [{ uid: '0', gid: UID }, 'ERR_INVALID_ARG_TYPE', undefined, /options\.uid must be a number, but is of type string/],
  [{ uid: UID, gid: null }, 'ERR_INVALID_ARG_TYPE', undefined, /options\.gid must be a number, but is null/],
  [{ uid: UID, gid: UID, groups: 5 }, 'ERR_INVALID_ARG_TYPE', undefined, /options\.groups must be an array of numbers/],
  [{ uid: UID, gid: UID, groups: ['5'] }, 'ERR_INVALID_ARG_TYPE', undefined, /options\.groups\[0\] must be a number/],
  [{ uid: 0, gid: 0, allowRoot: 1 }, 'ERR_INVALID_ARG_TYPE', undefined, /options\.allowRoot must be a boolean/]
])

test('ids that are refused, by spawnProvider() and by resolveProgram()', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t)
  for (const [ids, code, names, message] of TABLE) {
    for (const call of [() => spawnProvider(env, { ...program, ...ids }), () => resolveProgram('claude', { command: '/bin/sh', ...ids })]) {
      assert.throws(
        call,
        (/** @type {any} */ error) => {
          assert.deepEqual([error.code, error.names], [code, names])
          assert.match(error.message, message)
          return true
        },
        JSON.stringify(ids)
      )
    }
  }
})

test('a worker that is root must say whom to become, or that root is meant', { skip: needsRoot }, async (t) => {
  const { env } = makeEnv(t)
  assert.throws(() => spawnProvider(env, program), {
    code: REFUSED,
    message: /This process is root, and options\.uid and options\.gid are missing/
  })
  for (const ids of [{}, { uid: 0, gid: 0 }]) {
    const { stdout } = await outcome(spawnProvider(env, { ...program, ...ids, allowRoot: true, workspaceTrust: 'trusted' }))
    assert.equal(stdout, '0\n')
  }
})

const START = `
  const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: input.workspace })
  for (const ids of input.ids) {
    const child = main.spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', 'id -u; id -g; cat <&3'], workspaceTrust: 'trusted' })
    let text = ''
    child.stdout.on('data', (more) => (text += more))
    let failed
    child.on('error', ({ code, step, errno, syscall, message }) => (failed = { code, step, errno, syscall, message }))
    await new Promise((resolve) => child.on('close', resolve))
    say(failed ?? text)
  }`

test('a worker that has dropped already starts as itself, and as nobody else', { skip: needsRoot }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: UID, test: t }))
  const input = { workspace, ids: [{}, { uid: UID, gid: UID }, { uid: UID + 1, gid: UID }, { uid: UID, gid: UID, groups: [UID + 1] }] }
  const worker = startWorker(t, START, { main: copyPackage(t), input, spawn: { uid: UID, gid: UID, cwd: '/' } })
  assert.equal(await worker.next(), `${UID}\n${UID}\nsk-made-up`)
  assert.equal(await worker.next(), `${UID}\n${UID}\nsk-made-up`)
  for (const ids of ['another uid', 'groups']) {
    const { message, ...error } = await worker.next()
    assert.deepEqual(error, { code: 'ERR_PROVIDER_PRIVILEGE_FAILED', step: 'groups', errno: -1, syscall: 'setgroups' }, ids)
    assert.match(message, /step groups: Operation not permitted.*Only root, or a process with CAP_SETGID/)
  }
})

test('a worker with CAP_SETUID and no more: the child keeps no capability, the worker stays dumpable', { skip: needsRoot }, async (t) => {
  const caps = ['--inh-caps', '+setuid,+setgid', '--ambient-caps', '+setuid,+setgid']
  const before = ['setpriv', '--reuid', String(UID), '--regid', String(UID), '--clear-groups', ...caps]
  if (spawnSync(before[0], [...before.slice(1), '/bin/true']).status !== 0) return t.skip('setpriv cannot make such a worker here')
  const other = UID + 1
  const workspace = workspaceOf(makeHomes({ uid: other, test: t }))
  fs.chmodSync(workspace.home, 0o755)
  const input = { workspace: { ...workspace, dir: workspace.home }, ids: { uid: other, gid: other } }
  const worker = startWorker(
    t,
    `
    // The kernel gives /proc/PID to root when the process is not dumpable.
    const owner = () => require('node:fs').statSync('/proc/self/environ').uid
    const before = owner()
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: input.workspace })
    const one = () => new Promise((resolve, reject) => {
      const child = main.spawnProvider(env, { ...input.ids, command: '/bin/sh', args: ['-c', 'cat /proc/self/status'], workspaceTrust: 'trusted' })
      let text = ''
      child.stdout.on('data', (more) => (text += more))
      child.on('error', reject).on('close', () => resolve(text))
    })
    const texts = await Promise.all(Array.from({ length: 20 }, one))
    say({ before, after: owner(), text: texts[0], same: texts.every((text) => text.includes('Uid:')) })`,
    { main: copyPackage(t), input, before, spawn: { cwd: '/' } }
  )
  const { before: first, after, text, same, failed } = await worker.next()
  assert.equal(failed, undefined)
  assert.deepEqual([first, after, same], [UID, UID, true])
  assert.match(text, new RegExp(`^Uid:\\s${other}\\s${other}\\s${other}\\s${other}$`, 'm'))
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(text, new RegExp(`^${set}:\\s0+$`, 'm'))
})

test('without root, the ids of this process itself are no change', {
  skip: isRoot ? 'this process is root: the dropped worker above shows it' : needsLinux
}, async (t) => {
  const own = { uid: process.getuid?.(), gid: process.getgid?.() }
  const { stdout } = await outcome(spawnProvider(makeEnv(t).env, { ...program, ...own, workspaceTrust: 'trusted' }))
  assert.equal(stdout.trim(), String(own.uid))
})
