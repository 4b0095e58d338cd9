// What a tenant's own processes, files and payloads may try against the worker and its other tenants.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { buildProviderEnv, spawnProvider } = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { status, until } = require('./support/kernel.js')
const { UID } = require('./support/launch.js')

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const skip = isRoot ? false : 'needs root on Linux'

/** @param {any} t @param {string} [provider] */
function place(t, provider = 'claude') {
  const homes = makeHomes({ uid: UID, test: t })
  const { workspace: dir, home, tmpDir, codexHome } = homes
  const env = buildProviderEnv(
    { provider: /** @type {any} */ (provider), apiKey: Buffer.from('made-up-key') },
    { workspace: { dir, home, tmpDir, codexHome } }
  )
  return { env, homes }
}

/** @param {any} env @param {string} script @param {object} [options] */
function shell(env, script, options = {}) {
  return spawnProvider(env, { command: '/bin/sh', args: ['-c', script], uid: UID, gid: UID, workspaceTrust: 'trusted', ...options })
}

test('a tracer that keeps the status of a dead CLI holds nobody up', { skip }, async (t) => {
  if (spawnSync('strace', ['-V']).status !== 0) return t.skip('strace is not installed')
  const { env, homes } = place(t)
  const child = shell(env, 'exec sleep 1000')
  await child.spawned
  // Attached, then stopped: it never takes the status that it is owed.
  const tracer = shell(env, `exec strace -o /dev/null -p ${child.pid}`)
  const isTraced = () => status(child.pid).TracerPid !== '0'
  await until('it is traced, or refused', () => isTraced() || tracer.exitCode !== null)
  if (!isTraced()) return t.skip('the system forbids tracing')
  assert.equal(tracer.kill('SIGSTOP'), true)
  await until('the tracer is stopped', () => status(tracer.pid).State.startsWith('T'))
  child.kill('SIGKILL')
  const other = await shell(env, 'exit 7').exited
  assert.equal(other.code, 7)
  await child.exited
  tracer.kill('SIGKILL')
  await tracer.exited
  assert.ok(fs.existsSync(homes.workspace))
})

test('a working directory that becomes a symlink leads nowhere the tenant could not go', { skip }, async (t) => {
  const { env, homes } = place(t)
  const closed = fs.mkdtempSync(path.join(homes.home, 'closed-'))
  fs.chownSync(closed, 0, 0)
  fs.mkdirSync(path.join(closed, 'inner'), { mode: 0o755 })
  const link = path.join(homes.home, 'link')
  fs.symlinkSync(path.join(closed, 'inner'), link)
  await assert.rejects(shell(env, 'pwd', { cwd: link }).exited, {
    code: 'ERR_PROVIDER_SPAWN_FAILED',
    step: 'working-directory',
    errno: -13
  })
  fs.unlinkSync(link)
  fs.symlinkSync(homes.workspace, link)
  const child = shell(env, 'pwd -P', { cwd: link })
  let seen = ''
  child.stdout.on('data', (bytes) => (seen += bytes))
  await once(child, 'close')
  assert.equal(seen.trim(), fs.realpathSync(homes.workspace))
})

test('a FIFO where a manifest is expected holds nobody up', { skip }, async (t) => {
  const { env, homes } = place(t, 'codex')
  const dir = path.join(homes.home, 'node_modules', '@openai', 'codex')
  fs.mkdirSync(path.join(dir, 'bin'), { recursive: true })
  fs.writeFileSync(path.join(dir, 'bin', 'codex.js'), '#!/bin/sh\nexit 5\n', { mode: 0o755 })
  assert.equal(spawnSync('mkfifo', [path.join(dir, 'package.json')]).status, 0)
  const child = spawnProvider(env, { command: path.join(dir, 'bin', 'codex.js'), uid: UID, gid: UID })
  assert.equal((await child.exited).code, 5)
})

test('a hundred starts that are stopped at once are all stopped', { skip }, async (t) => {
  const { env } = place(t)
  const children = Array.from({ length: 100 }, () => shell(env, "trap '' TERM; sleep 1000", { killGraceMs: 0 }))
  for (const child of children) child.kill()
  const results = await Promise.all(children.map((child) => child.exited))
  assert.ok(results.every(({ signal }) => signal === 'SIGKILL' || signal === 'SIGTERM'))
})

test('only absolute entries of PATH reach the child, and a polluted prototype sees no secret', { skip }, async (t) => {
  const { homes } = place(t)
  /** @type {unknown[]} */
  const seen = []
  Object.defineProperty(Object.prototype, 'ANTHROPIC_API_KEY', { configurable: true, set: (value) => seen.push(value) })
  t.after(() => Reflect.deleteProperty(Object.prototype, 'ANTHROPIC_API_KEY'))
  const env = buildProviderEnv({ apiKey: 'made-up-key' }, { workspace: { home: homes.home }, set: { PATH: '.:/usr/bin::bin:/bin' } })
  assert.equal(env.get('PATH'), '/usr/bin:/bin')
  assert.equal(env.exposeSecrets().ANTHROPIC_API_KEY, 'made-up-key')
  assert.deepEqual(seen, [])
})

test('an option that is none is refused, with what was meant', (t) => {
  const env = buildProviderEnv({ apiKey: 'made-up-key' }, { workspace: { home: '/tmp' } })
  t.after(() => env.dispose())
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [{ timeout: 5 }, /options\.timeout is not a known option\. Use timeoutMs/],
    [{ env: {} }, /buildProviderEnv\(\)/],
    [{ limits: { cores: 1 } }, /options\.limits\.cores is not a known option/]
  ])) {
    assert.throws(() => spawnProvider(env, options), { code: 'ERR_INVALID_ARG_VALUE', message })
  }
  assert.throws(() => buildProviderEnv({ apiKey: 'k' }, { workspace: /** @type {any} */ ({ homeDir: '/tmp' }) }), { message: /Use home/ })
})
