// What a tenant can put in the way of a look at its paths: a maze of symlinks, which holds realpath(3) for tens of seconds, and
// a file system that does not answer.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { buildProviderEnv, codexOptions, diagnose } = require('../index.js')
const { makeOpenDir } = require('./support/homes.js')
const { UID, KEYS, needsLinux, needsRoot } = require('./support/launch.js')
const { makeMaze } = require('./support/maze.js')
const { BIN, argumentsFor, lookUp, makeMachine, withTemporary } = require('./support/doctor.js')

const skip = needsLinux || needsRoot
/** About as deep as a path can name. */
const LEVELS = 1200

/**
 * A home with a maze in it, and the link that leads there. It is removed by rm(1): Node's own removal takes ten seconds.
 * @param {any} t
 */
function makeMazedHome(t) {
  const home = makeOpenDir('provider-env-maze-')
  t.after(() => execFileSync('rm', ['-rf', home]))
  fs.chownSync(home, UID, UID)
  const { link, real } = makeMaze(home, LEVELS)
  fs.lchownSync(link, UID, UID)
  return { home, maze: link, real }
}

/** What this process, with all its threads, computes meanwhile: that does not grow when others are busy, too. @param {() => any} act */
async function secondsOf(act) {
  const before = process.cpuUsage()
  await act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

test('the doctor is not held up', { skip, timeout: 120_000 }, async (t) => {
  const machine = makeMachine(t)
  const { home, maze } = makeMazedHome(t)
  const options = { uid: UID, gid: UID, path: machine.path, prefix: machine.prefix, start: false }
  const plain = await secondsOf(() => withTemporary(machine, () => diagnose(options)))
  /** @type {any} */
  let report
  const seconds = await secondsOf(
    async () =>
      (report = await withTemporary(machine, () =>
        diagnose({ ...options, workspace: maze, home, codexHome: maze, claudeConfigDir: path.join(maze, 'x') })
      ))
  )
  assert.ok(seconds - plain < 3, `${seconds.toFixed(2)} s, and without it ${plain.toFixed(2)} s`)
  const found = lookUp(report)
  assert.equal(found.report.findings.filter(({ id, path: at }) => id.startsWith('state.') && at?.startsWith(maze)).length, 3)
  // Whatever it says of the maze, it has no command of root's for it.
  for (const { id, commands } of found.report.findings.filter(({ path: at }) => at?.startsWith(maze))) assert.deepEqual(commands, [], id)
})

test('codexOptions() is not held up, and names the directory that the kernel finds', { skip, timeout: 120_000 }, async (t) => {
  const machine = makeMachine(t)
  const { workspace, codexHome } = machine.homes
  const { home, maze, real } = makeMazedHome(t)
  const env = buildProviderEnv({ provider: 'codex', apiKey: KEYS.codex }, { workspace: { dir: workspace, home, codexHome } })
  t.after(() => env.dispose())
  const optionsFor = (/** @type {string} */ cwd) =>
    codexOptions(env, { cwd, command: path.join(machine.bin, 'codex'), exposeSecrets: true, allowRoot: true })
  /** @type {any} */
  let options
  const seconds = await secondsOf(() => (options = optionsFor(maze)))
  assert.ok(seconds < 2, `${seconds.toFixed(2)} s`)
  for (const name of [maze, real]) assert.ok(JSON.stringify(options.configOverrides).includes(name))

  // Node's own realpathSync() uses only the names: to it, this link leads to workspace/x. Codex would trust the other.
  fs.mkdirSync(machine.at('elsewhere/inner'), { recursive: true })
  for (const dir of [machine.at('elsewhere/x'), path.join(workspace, 'x')]) fs.mkdirSync(dir)
  fs.symlinkSync(machine.at('elsewhere/inner'), path.join(workspace, 'inner'))
  fs.symlinkSync('inner/../x', path.join(workspace, 'link'))
  const text = JSON.stringify(optionsFor(path.join(workspace, 'link')).configOverrides)
  assert.ok(text.includes(machine.at('elsewhere/x')), text)
})

/** In its own mount namespace: a file system at $1 whose server answers nothing. */
const HANGING =
  'exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0,allow_other none "$1" && shift && exec "$@"'
const inHanging = (/** @type {string} */ dir, /** @type {string[]} */ words, PATH = '') =>
  spawnSync('unshare', ['-m', 'sh', '-c', HANGING, 'sh', dir, ...words], {
    encoding: 'utf8',
    timeout: 100_000,
    env: { PATH: `${PATH}:/usr/sbin:/usr/bin:/sbin:/bin`, LANG: 'C.UTF-8' }
  })

test('a file system that does not answer delays only the looks at it', { skip, timeout: 120_000 }, (t) => {
  const machine = makeMachine(t)
  const dir = machine.at('hangs')
  fs.mkdirSync(dir)
  if (inHanging(dir, ['true']).status !== 0) return t.skip('this machine lets nobody mount a FUSE file system')
  const { status, stdout, stderr } = inHanging(
    dir,
    [process.execPath, BIN, ...argumentsFor(machine, { provider: 'codex' }), '--codex-home', path.join(dir, 'codex')],
    machine.bin
  )
  assert.equal(stderr, '')
  const { report, find, ids } = lookUp(JSON.parse(stdout))
  assert.deepEqual([status, report.worst], [0, 'info'])
  for (const what of ['the directories', 'the stored login', 'the configuration files'])
    assert.ok(
      find('target.unseen').sentence.includes(`${what} of OpenAI Codex (a file system does not answer)`),
      find('target.unseen').sentence
    )
  assert.ok(ids.includes('program.reachable') && ids.filter((id) => id === 'state.usable').length === 2, 'the rest is reported')
})
