// A tenant's maze of symlinks, which holds realpath(3) for tens of seconds, on the way to what the package looks at.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { buildProviderEnv, codexOptions, diagnose } = require('../index.js')
const { UID, KEYS, needsLinux, needsRoot } = require('./support/launch.js')
const { lookUp, makeMachine, withTemporary } = require('./support/doctor.js')

const skip = needsLinux || needsRoot
/** As deep as a path can name, and as many links as the kernel follows. */
const LEVELS = 1700
const LINKS = 38

/** Makes it below `home`, which leads there by a link of the returned name. @param {string} home */
function makeMaze(home) {
  const start = process.cwd()
  try {
    process.chdir(home)
    for (let level = 0; level < LEVELS; level++) {
      fs.mkdirSync('d')
      process.chdir('d')
    }
    fs.mkdirSync('e')
    const fill = 'e/../'.repeat(810)
    for (let link = 0; link < LINKS; link++) fs.symlinkSync(fill + (link + 1 < LINKS ? `l${link + 1}` : 'e'), `l${link}`)
  } finally {
    process.chdir(start)
  }
  const maze = path.join(home, 'maze')
  fs.symlinkSync(`${'d/'.repeat(LEVELS)}l0`, maze)
  fs.lchownSync(maze, UID, UID)
  return maze
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
  const maze = makeMaze(machine.homes.home)
  const options = { uid: UID, gid: UID, path: machine.path, prefix: machine.prefix, start: false }
  const plain = await secondsOf(() => withTemporary(machine, () => diagnose(options)))
  /** @type {any} */
  let report
  const seconds = await secondsOf(async () => (report = await withTemporary(machine, () => diagnose({ ...options, workspace: maze, home: machine.homes.home, codexHome: maze, claudeConfigDir: path.join(maze, 'x') }))))
  assert.ok(seconds - plain < 3, `${seconds.toFixed(2)} s, and without it ${plain.toFixed(2)} s`)
  const found = lookUp(report)
  assert.equal(found.report.findings.filter(({ id, path: at }) => id.startsWith('state.') && at?.startsWith(maze)).length, 3)
  // Whatever it says of the maze, it has no command of root's for it.
  for (const { id, commands } of found.report.findings.filter(({ path: at }) => at?.startsWith(maze))) assert.deepEqual(commands, [], id)
})

test('codexOptions() is not held up, and names the directory that the kernel finds', { skip, timeout: 120_000 }, async (t) => {
  const machine = makeMachine(t)
  const { home, workspace, codexHome } = machine.homes
  const env = buildProviderEnv({ provider: 'codex', apiKey: KEYS.codex }, { workspace: { dir: workspace, home, codexHome } })
  t.after(() => env.dispose())
  const optionsFor = (/** @type {string} */ cwd) => codexOptions(env, { cwd, command: path.join(machine.bin, 'codex'), exposeSecrets: true, allowRoot: true })
  const maze = makeMaze(home)
  /** @type {any} */
  let options
  const seconds = await secondsOf(() => (options = optionsFor(maze)))
  assert.ok(seconds < 2, `${seconds.toFixed(2)} s`)
  for (const name of [maze, path.join(home, 'd/'.repeat(LEVELS), 'e')]) assert.ok(JSON.stringify(options.configOverrides).includes(name))

  // Node's own realpathSync() goes by the names alone: to it, this link leads to workspace/x. Codex would trust the other.
  fs.mkdirSync(machine.at('elsewhere/inner'), { recursive: true })
  for (const dir of [machine.at('elsewhere/x'), path.join(workspace, 'x')]) fs.mkdirSync(dir)
  fs.symlinkSync(machine.at('elsewhere/inner'), path.join(workspace, 'inner'))
  fs.symlinkSync('inner/../x', path.join(workspace, 'link'))
  const text = JSON.stringify(optionsFor(path.join(workspace, 'link')).configOverrides)
  assert.ok(text.includes(machine.at('elsewhere/x')), text)
})
