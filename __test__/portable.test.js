// The portable start, here on Linux by its own door: what it gives, what it refuses, what it reports as missing.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { once } = require('node:events')
const { test } = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const { buildProviderEnv } = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { until, withEnoughTime } = require('./support/kernel.js')
const { UID, ids, isRoot } = require('./support/launch.js')

const KEY = 'made-up-key-for-the-portable-start'
const skip = process.platform === 'win32' ? 'no POSIX shell' : false

/** @param {any} t @param {string} [provider] */
function makeEnv(t, provider = 'claude') {
  const { workspace: dir, home, tmpDir, codexHome } = makeHomes({ uid: isRoot ? UID : process.getuid?.(), test: t })
  const payload = { provider: /** @type {any} */ (provider), apiKey: KEY, userEnvKeys: { MARK: 'yes' } }
  return buildProviderEnv(payload, { workspace: { dir, home, tmpDir, codexHome } })
}

/** @param {any} env @param {string} script @param {object} [options] */
function start(env, script, options = {}) {
  const extra = [{ name: 'SDK_SAID', value: 'this' }]
  return spawnPortable(env, { command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', ...ids, ...options }, extra)
}

/** @param {any} child */
async function output(child) {
  let text = ''
  child.stdout.on('data', (/** @type {Buffer} */ bytes) => (text += bytes))
  await once(child, 'close')
  return text
}

/** Waits for the end of a group: what is killed stays for a moment, until its new parent has waited for it. @param {number} pid its leader's */
function gone(pid) {
  return until(`group ${pid} ends`, () => {
    try {
      process.kill(-pid, 0)
      return false
    } catch {
      return true
    }
  })
}

test('the key comes on the pipe, the environment is the plan, the ids are the target’s', { skip }, async (t) => {
  const child = start(makeEnv(t), 'env; echo; cat <&3; echo; id -u')
  const [env, key, uid] = (await output(child)).split(/\n\n|\n(?=\d+\n$)/)
  assert.match(env, /^USER_MARK=yes$/m)
  assert.match(env, /^SDK_SAID=this$/m)
  assert.doesNotMatch(env, new RegExp(KEY))
  assert.equal(key, KEY)
  if (isRoot) assert.equal(uid.trim(), String(UID))
  assert.equal(child.startPath, 'portable')
  assert.ok(child.missingProtections.includes('no-new-privileges'))
  assert.deepEqual(await child.exited, { code: 0, signal: null })
})

test('a key by environment is there, and its pipe is not', { skip }, async (t) => {
  const text = await output(
    start(makeEnv(t, 'codex'), 'echo $CODEX_API_KEY; [ -e /proc/self/fd/3 ] && readlink /proc/self/fd/3 | grep -c pipe; true', {
      delivery: 'env'
    })
  )
  assert.equal(text, `${KEY}\n`)
})

test('what it cannot honour is refused by name', { skip }, (t) => {
  const env = makeEnv(t)
  for (const [options, name] of /** @type {[object, string][]} */ ([
    [{ priority: 0 }, 'priority'],
    [{ oomScoreAdj: 0 }, 'oomScoreAdj'],
    [{ umask: 0o77 }, 'umask'],
    [{ limits: {} }, 'limits'],
    [{ uid: UID, gid: UID, groups: [7] }, 'groups']
  ])) {
    for (const signal of [undefined, AbortSignal.abort()]) {
      assert.throws(() => start(env, 'true', { signal, ...options }), { code: 'ERR_PROVIDER_UNSUPPORTED', names: [name] })
    }
  }
})

test('a failed start is an error and a close, once, also with a timeout', { skip }, async (t) => {
  const env = makeEnv(t)
  const cwd = makeHomes({ uid: isRoot ? UID : process.getuid?.(), test: t }).workspace
  fs.rmSync(cwd, { recursive: true })
  const child = start(env, 'true', { cwd, timeoutMs: 50 })
  /** @type {string[]} */
  const events = []
  for (const name of ['spawn', 'error', 'exit', 'close'])
    child.on(/** @type {any} */ (name), (/** @type {any} */ value) => events.push(value?.code ? `${value.code} ${value.step}` : name))
  await once(child, 'close').catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 150))
  assert.deepEqual(events, ['ERR_PROVIDER_SPAWN_FAILED working-directory', 'close'])
})

test('abort, timeout and kill reach the whole group', { skip }, async (t) => {
  const env = makeEnv(t)
  const stubborn = "trap '' TERM; sh -c \"trap '' TERM; while :; do sleep 1; done\" & echo ready; while :; do sleep 1; done"
  const aborter = new AbortController()
  /** A child once it ignores the signal; undefined if it ended before. @param {object} options */
  const ready = async (options) => {
    const child = start(env, stubborn, { killGraceMs: 50, ...options })
    child.on('error', () => {})
    const isReady = await new Promise((resolve) => child.once('close', () => resolve(false)).stdout?.once('data', () => resolve(true)))
    return isReady ? child : undefined
  }
  const children = [
    await withEnoughTime(1000, (timeoutMs) => ready({ timeoutMs })),
    await ready({ signal: aborter.signal }),
    await ready({})
  ]
  t.after(() => children.forEach((child) => child?.kill('SIGKILL')))
  // Whoever starts a child listens to its signal: here that is this test.
  aborter.signal.addEventListener('abort', () => children[1]?.kill())
  const exits = children.map((child) => child?.exited)
  aborter.abort()
  children[2]?.kill()
  const ends = await Promise.all(exits)
  assert.deepEqual(
    ends.map((end) => [end?.signal, end?.error?.code]),
    [
      ['SIGKILL', 'ERR_PROVIDER_TIMEOUT'],
      ['SIGKILL', undefined],
      ['SIGKILL', undefined]
    ]
  )
  for (const child of children) await gone(Number(child?.pid))
})

test('the CLI works in the directory that the native start would enter, by its real path', { skip }, async (t) => {
  const { workspace } = makeHomes({ uid: isRoot ? UID : process.getuid?.(), test: t })
  const real = path.join(workspace, 'real')
  fs.mkdirSync(real)
  fs.chmodSync(real, 0o755)
  fs.symlinkSync(real, path.join(workspace, 'link'))
  assert.equal(await output(start(makeEnv(t), 'pwd', { cwd: path.join(workspace, 'link') })), `${fs.realpathSync(real)}\n`)
})

test('an aborted signal starts nothing', { skip }, async (t) => {
  const reason = new Error('not wanted')
  const child = start(makeEnv(t), 'true', { signal: AbortSignal.abort(reason) })
  await assert.rejects(child.spawned, { code: 'ERR_PROVIDER_ABORTED', cause: reason })
  assert.equal(child.pid, undefined)
})
