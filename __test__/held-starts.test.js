// What a tenant's directories do to a start of the tenant's, they do to nobody else's: mazes of symlinks, file systems that
// never answer.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { buildProviderEnv, codexOptions, diagnose, resolveProgram } = require('../index.js')
const { KEYS, UID, needsRoot, outcome, startScript, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { descriptors, status, until } = require('./support/kernel.js')
const { mountSilent } = require('./support/fuse.js')
const { makeMaze } = require('./support/maze.js')

/** Another tenant. */
const OTHER = UID + 1

/** @param {any} t @param {number} uid @param {object} [workspace]  beside that of fresh homes */
function tenant(t, uid, workspace = {}) {
  const homes = makeHomes({ uid, test: t })
  const env = buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { ...workspaceOf(homes), ...workspace } })
  t.after(() => env.dispose())
  return {
    env,
    homes,
    start: (/** @type {string} */ script, options = {}) => outcome(startScript(env, script, { uid, gid: uid, ...options }))
  }
}

test('a maze of symlinks as the working directory holds nobody up', { skip: needsRoot, timeout: 120_000 }, async (t) => {
  const one = tenant(t, UID)
  const { link, real } = makeMaze(one.homes.home)
  const other = tenant(t, OTHER)
  await other.start('exit 0')
  const begun = performance.now()
  const mazed = one.start('/bin/pwd -P', { cwd: link })
  assert.equal((await other.start('echo fine')).stdout, 'fine\n')
  // With realpath(3) it takes more than ten seconds.
  assert.ok(performance.now() - begun < 5000, `${performance.now() - begun} ms`)
  assert.equal((await mazed).stdout, `${real}\n`)
  assert.ok(performance.now() - begun < 5000, `${performance.now() - begun} ms`)
})

test('nor as a workspace of Codex, whose arguments contain real paths, in a start and for its SDK', {
  skip: needsRoot,
  timeout: 120_000
}, async (t) => {
  const homes = makeHomes({ uid: UID, test: t })
  const { link, real } = makeMaze(homes.home)
  const workspace = { ...workspaceOf(homes), dir: link }
  const env = buildProviderEnv({ provider: 'codex', apiKey: KEYS.codex }, { workspace })
  t.after(() => env.dispose())
  const begun = performance.now()
  const echo = path.join(homes.root, 'echo.sh')
  fs.writeFileSync(echo, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 })
  const { stdout } = await outcome(
    startScript(env, '', { command: echo, args: ['exec', 'hi'], workspaceTrust: 'untrusted', cwd: homes.home })
  )
  assert.ok(stdout.includes(`"${real}"={trust_level="untrusted"}`), stdout.slice(0, 300))
  const { configOverrides } = codexOptions(env, { command: '/bin/true', exposeSecrets: true, cwd: homes.home, allowRoot: true })
  assert.ok(JSON.stringify(configOverrides).includes(real))
  assert.ok(performance.now() - begun < 5000, `${performance.now() - begun} ms`)
})

/** The child in flight of a start as this uid: it still shares the memory of the worker. @param {number} uid */
function inFlight(uid) {
  const own = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return own.map(Number).find((pid) => {
    try {
      const { Name, PPid, Uid } = status(pid)
      return Number(PPid) === process.pid && Name === 'pe-spawner' && Uid.startsWith(`${uid}\t`)
    } catch {
      return false
    }
  })
}

/** @param {any} t @param {string} [more] */
async function silent(t, more) {
  try {
    return await mountSilent(t, UID, more)
  } catch (error) {
    t.skip(String(error))
    return undefined
  }
}

test('a file system that never answers the tenant’s child holds only that tenant, which gets an error', {
  skip: needsRoot,
  timeout: 120_000
}, async (t) => {
  const fuse = await silent(t)
  if (!fuse) return
  const one = tenant(t, UID, { tmpDir: fuse.place })
  const other = tenant(t, OTHER)
  const held = one.start('echo ran')
  await fuse.asked(2)
  const second = one.start('echo ran')
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await other.start('echo fine')).stdout, 'fine\n')
  assert.equal(
    resolveProgram('claude', { command: '/bin/sh', uid: UID, gid: UID }).foundBy,
    'command',
    'who waits on the JS thread does not wait for it'
  )
  const child = await until('its child', () => inFlight(UID))
  // Whoever runs as the tenant can take the descriptors of such a child as soon as it ends: it has none of the worker's.
  assert.deepEqual(
    [...descriptors(child).keys()].filter((number) => number > 3),
    []
  )
  // It shares the worker's memory, also after another start has come and gone.
  const peeked = spawnSync('/bin/cat', [`/proc/${child}/environ`], { uid: UID, gid: UID, encoding: 'utf8' })
  assert.match(peeked.stderr, /Permission denied/)
  for (const { error, stdout } of await Promise.all([held, second])) {
    assert.deepEqual([error?.code, stdout], ['ERR_PROVIDER_SPAWN_FAILED', ''])
    assert.match(error.message, new RegExp(`does not answer.*uid ${UID} .*FUSE`))
  }
  assert.match((await one.start('echo ran')).error.message, /does not answer/, 'later ones too')
  assert.equal((await other.start('echo fine')).stdout, 'fine\n')
  await fuse.stop()
  await until('its child ends', () => inFlight(UID) === undefined)
  const again = tenant(t, UID)
  await until('the uid can start again', async () => (await again.start('echo fine')).stdout === 'fine\n')
})

test('nor does one that lets root in and holds the worker’s own look', { skip: needsRoot, timeout: 120_000 }, async (t) => {
  const fuse = await silent(t, ',allow_other')
  if (!fuse) return
  const one = tenant(t, UID)
  const other = tenant(t, OTHER)
  const held = one.start('echo ran', { cwd: path.join(fuse.place, 'x') })
  await fuse.asked(2)
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await other.start('echo fine')).stdout, 'fine\n')
  await fuse.stop()
  const { error } = await held
  assert.deepEqual([error.code, error.step], ['ERR_PROVIDER_SPAWN_FAILED', 'working-directory'])
})

test('what holds resolveProgram(), and with it everybody, is given up soon, and at once the next time', {
  skip: needsRoot,
  timeout: 120_000
}, async (t) => {
  const fuse = await silent(t, ',allow_other')
  if (!fuse) return
  const look = () => {
    const from = performance.now()
    const command = path.join(fuse.place, 'claude')
    assert.throws(() => resolveProgram('claude', { command, uid: UID, gid: UID }), {
      code: 'ERR_PROVIDER_SPAWN_FAILED',
      message: /does not answer/
    })
    return performance.now() - from
  }
  const [first, second] = [look(), look()]
  assert.ok(first < 8_000 && second < 1_000, `${first} ms, then ${second} ms`)
  assert.equal((await tenant(t, OTHER).start('echo fine')).stdout, 'fine\n')
})

test('looks of diagnose() that a tenant’s file system holds leave threads for those as others', {
  skip: needsRoot,
  timeout: 120_000
}, async (t) => {
  const fuse = await silent(t, ',allow_other')
  if (!fuse) return
  const other = makeHomes({ uid: OTHER, test: t })
  const about = (/** @type {number} */ uid, /** @type {string} */ home) =>
    diagnose({ provider: 'claude', uid, gid: uid, home, start: false })
  const held = Array.from({ length: 40 }, () => about(UID, path.join(fuse.place, 'home')).catch((error) => error))
  await fuse.asked(2)
  await Promise.all(held)
  const from = performance.now()
  const report = await about(OTHER, other.home)
  assert.ok(report.findings.length > 3 && performance.now() - from < 4_000, `${performance.now() - from} ms`)
})
