// The child's ids, privileges, limits and descriptors as the kernel reports them to its parent.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const test = require('node:test')
const { UID, firstLine, isRoot, makeEnv, needsLinux, needsRoot, run, startScript } = require('./support/launch.js')
const { makeOpenDir } = require('./support/homes.js')
const { descriptors, status } = require('./support/kernel.js')
const { startWorker } = require('./support/worker.js')

/** It executes nothing else: a program that is being loaded has the loader's files open. */
const STAYS = 'echo ready; read line'
const four = (/** @type {number} */ id) => Array(4).fill(id).join('\t')

/** A child that stays, looked at from outside. */
async function look(/** @type {any} */ t, options = {}, payload = {}) {
  const child = startScript(makeEnv(t, payload).env, STAYS, options)
  t.after(() => child.kill('SIGKILL'))
  await firstLine(child)
  const limits = Object.fromEntries(
    fs
      .readFileSync(`/proc/${child.pid}/limits`, 'utf8')
      .split('\n')
      .slice(1, -1)
      .map((line) => [line.slice(0, 26).trim(), line.slice(26, 68).trim().split(/\s+/)])
  )
  return { child, status: status(child.pid), descriptors: descriptors(child.pid), limits, cwd: fs.readlinkSync(`/proc/${child.pid}/cwd`) }
}

test('ids, groups and capabilities of the target, for good', { skip: needsRoot }, async (t) => {
  const { status: seen } = await look(t)
  assert.deepEqual([seen.Uid, seen.Gid, seen.Groups.trim()], [four(UID), four(UID), ''])
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(seen[set], /^0+$/, set)
  assert.equal(seen.NoNewPrivs, '1')
})

test('groups are exactly those requested', { skip: needsRoot }, async (t) => {
  const { status: seen } = await look(t, { groups: [54322, 54321] })
  assert.deepEqual(seen.Groups.trim().split(/\s+/), ['54321', '54322'])
})

test('without ids, the child is who this process is, and has no new privileges', { skip: needsLinux }, async (t) => {
  const { status: seen } = await look(t, { uid: undefined, gid: undefined, allowRoot: true })
  const own = status('self')
  assert.deepEqual([seen.Uid, seen.Gid, seen.Groups.trim(), seen.NoNewPrivs], [own.Uid, own.Gid, own.Groups.trim(), '1'])
})

test('only the standard streams and the credential’s pipe are open', { skip: needsLinux }, async (t) => {
  for (const [delivery, numbers] of /** @type {const} */ ([
    ['fd', [0, 1, 2, 3]],
    ['env', [0, 1, 2]]
  ])) {
    const { descriptors: seen } = await look(t, { delivery })
    assert.deepEqual([...seen.keys()].sort(), numbers, delivery)
    if (delivery === 'fd') assert.match(String(seen.get(3)), /^pipe:/)
  }
})

test('a descriptor that this process would leak does not pass', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const leak = fs.openSync('/etc/passwd', 'r')
  t.after(() => fs.closeSync(leak))
  // Node closes on exec what it finds open at its own start up to a gap: hence a high number.
  const gap = Array(60).fill('ignore')
  const input = {
    workspace: { home: '/', tmpDir: env.get('TMPDIR') },
    options: { ...(isRoot && { uid: UID, gid: UID }), command: '/bin/sh', workspaceTrust: 'trusted' }
  }
  const worker = startWorker(
    t,
    `
    const { spawnSync } = require('node:child_process')
    const script = 'for n in /proc/$$/fd/*; do readlink $n; done'
    const child = main.spawnProvider(main.buildProviderEnv({ apiKey: 'sk-x' }, { workspace: input.workspace }), { ...input.options, args: ['-c', script] })
    let text = ''
    child.stdout.on('data', (more) => (text += more))
    child.on('close', () => say([spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stdout, text]))
    await child.spawned`,
    { input, spawn: { stdio: ['pipe', 'pipe', 'inherit', ...gap, leak] } }
  )
  const [control, ours] = await worker.next()
  assert.match(control, /^\/etc\/passwd$/m, 'child_process passes it on: the detector works')
  assert.doesNotMatch(ours, /passwd/)
  assert.match(ours, /^pipe:/m)
})

test('the child cannot become root again', { skip: needsRoot }, async (t) => {
  const { env } = makeEnv(t)
  const script =
    'for (const call of ["setuid", "setgid", "seteuid", "setegid"]) try { process[call](0); console.log(call, "worked") } catch ({ code }) { console.log(call, code) }; try { process.setgroups([0]); console.log("worked") } catch ({ code }) { console.log("setgroups", code) }'
  const child = await run(env, `exec ${JSON.stringify(process.execPath)} -e '${script}'`)
  assert.deepEqual(
    child.stdout.trim().split('\n'),
    ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups'].map((call) => `${call} EPERM`)
  )
})

test('a setuid program gives it nothing', { skip: needsRoot }, async (t) => {
  const { env } = makeEnv(t)
  const dir = makeOpenDir('provider-env-setuid-')
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const program = path.join(dir, 'id')
  fs.copyFileSync(fs.realpathSync('/usr/bin/id'), program)
  fs.chmodSync(program, 0o4755)
  const control = spawnSync(program, ['-u'], { uid: UID, gid: UID, encoding: 'utf8' }).stdout.trim()
  if (control !== '0') return t.skip(`setuid has no effect in ${dir}: nothing to show`)
  assert.equal((await run(env, `${program} -u`)).stdout.trim(), String(UID))
})

test('limits: no core dump by default, and those requested', { skip: needsLinux }, async (t) => {
  const { limits } = await look(t)
  // Less than any core file, and unlike 0 also none into a pipe (core(5)).
  assert.deepEqual(limits['Max core file size'], ['1', '1'])
  const asked = { coreBytes: 4096, openFiles: 77, processes: 5000, memoryBytes: 8e9, cpuSeconds: 60 }
  const { limits: seen } = await look(t, { limits: asked })
  const rows = { 'Max core file size': 4096, 'Max open files': 77, 'Max processes': 5000, 'Max address space': 8e9, 'Max cpu time': 60 }
  if (!isRoot) return t.skip('needs root to be sure that no hard limit is in the way')
  for (const [row, value] of Object.entries(rows)) assert.deepEqual(seen[row], [String(value), String(value)], row)
})

test('umask and working directory', { skip: needsRoot }, async (t) => {
  const own = status('self').Umask
  assert.equal((await look(t)).status.Umask, own)
  assert.equal((await look(t, { umask: 0o137 })).status.Umask, '0137')
  const closed = fs.mkdtempSync(path.join(makeOpenDir('provider-env-closed-'), 'root-'))
  t.after(() => fs.rmSync(path.dirname(closed), { recursive: true }))
  assert.equal(fs.statSync(closed).mode & 0o777, 0o700)
  // Entered as the target: as root a tenant's symlink would lead into another tenant's closed directory.
  const failed = { code: 'ERR_PROVIDER_SPAWN_FAILED', step: 'working-directory', errno: -13, path: closed }
  await assert.rejects(look(t, { cwd: closed }), failed)
  const link = path.join(path.dirname(closed), 'link')
  fs.symlinkSync(closed, link)
  await assert.rejects(look(t, { cwd: link }), failed)
})

test('nothing of this process changes: ids, privileges, directory, mask, on every thread', { skip: needsRoot }, async (t) => {
  const fields = ['Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Umask', 'SigBlk', 'SigIgn']
  const own = () => ({
    env: { ...process.env },
    cwd: process.cwd(),
    ...Object.fromEntries(fields.map((name) => [name, status('self')[name]]))
  })
  const before = own()
  await Promise.all(
    Array.from({ length: 20 }, () => run(makeEnv(t).env, 'umask 0; cd /; exit 0', { umask: 0o077, cwd: '/tmp', groups: [54321] }))
  )
  assert.deepEqual(own(), before)
  for (const thread of fs.readdirSync('/proc/self/task')) {
    const seen = status(/** @type {any} */ (`self/task/${thread}`))
    assert.deepEqual([seen.Uid, seen.Gid, seen.CapEff], [before.Uid, before.Gid, before.CapEff], `${thread} ${seen.Name}`)
  }
})
