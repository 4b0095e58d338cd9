// The doctor, run by root, on a machine whose tenant is hostile while it looks.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const test = require('node:test')
const { diagnose } = require('../index.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { lookUp, makeMachine, runDoctor, script, tenantFile } = require('./support/doctor.js')

const skip = needsLinux || needsRoot
const scratches = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('provider-env-doctor-') && !name.startsWith('provider-env-doctor-test-'))

/** A dry start of `text` in the place of Claude Code. @param {import('./support/doctor.js').Machine} machine @param {string} text */
async function dryStart(machine, text) {
  const command = script(machine.at('claude'), `#!/bin/sh\n${text}\n`)
  const before = scratches()
  const found = lookUp(await diagnose({ provider: 'claude', uid: UID, gid: UID, command, path: machine.path, prefix: machine.prefix }))
  return { ...found, left: scratches().filter((name) => !before.includes(name)) }
}

test('the place of a dry start stays root\'s, and only what is in it is the target\'s', { skip }, async (t) => {
  const machine = makeMachine(t)
  fs.mkdirSync(machine.at('out'))
  fs.chownSync(machine.at('out'), UID, UID)
  const { find, left } = await dryStart(machine, `stat -c '%u %a' "$HOME/.." "$HOME" "$TMPDIR" . > ${machine.at('out/stat')}; mv "$HOME" "$HOME.old" 2> /dev/null && touch ${machine.at('out/moved')}; exit 3`)
  assert.equal(find('start.failed').details.exitCode, 3)
  assert.deepEqual(fs.readFileSync(machine.at('out/stat'), 'utf8').trim().split('\n'), ['0 711', ...Array(3).fill(`${UID} 700`)])
  assert.deepEqual([fs.readdirSync(machine.at('out')), left], [['stat'], []])
})

test('what the target cannot remove itself is left, and said', { skip }, async (t) => {
  const machine = makeMachine(t)
  const { find, left } = await dryStart(machine, 'mkdir -p "$HOME/a/b"; touch x; chmod 0 "$HOME/a"')
  t.after(() => left.forEach((name) => fs.rmSync(path.join(os.tmpdir(), name), { recursive: true })))
  assert.equal(left.length, 1)
  const root = path.join(os.tmpdir(), left[0])
  assert.deepEqual([find('start.left-behind').path, fs.readdirSync(root), fs.readdirSync(path.join(root, 'home'))], [root, ['home'], ['a']])
})

/** Swaps directories of its own with links, as fast as it can, in every place of a dry start that it sees. */
const SWAPPER = `
const fs = require('node:fs')
const attempt = (f, ...args) => { try { f(...args); return true } catch { return false } }
const seen = new Set(fs.readdirSync(process.argv[1]))
for (;;) for (const name of fs.readdirSync(process.argv[1])) {
  if (seen.has(name) || !name.startsWith('provider-env-doctor-')) continue
  const at = (n) => process.argv[1] + '/' + name + '/workspace/' + n
  if (!fs.existsSync(at('ready'))) continue
  seen.add(name)
  for (let i = 0; i < 40; i++) { attempt(fs.mkdirSync, at('d' + i)); for (let j = 0; j < 40; j++) attempt(fs.writeFileSync, at('d' + i + '/' + j), ''); attempt(fs.symlinkSync, process.argv[2], at('z' + i)) }
  attempt(fs.writeFileSync, at('go'), '')
  const until = Date.now() + 2500
  while (Date.now() < until && fs.existsSync(at('..'))) for (let i = 0; i < 40; i++) { attempt(fs.renameSync, at('d' + i), at('c' + i)); attempt(fs.renameSync, at('z' + i), at('d' + i)); attempt(fs.renameSync, at('c' + i), at('z' + i)) }
}`

test('a tenant that swaps directories for links has nothing removed elsewhere', { skip, timeout: 120_000 }, async (t) => {
  const machine = makeMachine(t)
  const victims = Array.from({ length: 40 }, (_, index) => machine.at(`victim/${index}`))
  fs.mkdirSync(machine.at('victim'))
  for (const file of victims) fs.writeFileSync(file, '')
  const tenant = spawn(process.execPath, ['-e', SWAPPER, os.tmpdir(), machine.at('victim')], { uid: UID, gid: UID, cwd: '/', env: {}, stdio: 'ignore' })
  /** @type {string[]} */
  const all = []
  t.after(async () => {
    const ended = once(tenant, 'exit')
    tenant.kill('SIGKILL')
    await ended
    for (const name of all) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true })
  })
  await new Promise((resolve, reject) => tenant.once('spawn', () => setTimeout(resolve, 500)).once('error', reject))
  for (let run = 0; run < 3; run++) {
    const { find, left } = await dryStart(machine, 'touch ready; while test ! -e go; do sleep 0.02; done')
    find('start.unasked')
    all.push(...left)
    assert.equal(fs.readdirSync(machine.at('victim')).length, victims.length, `run ${run}`)
  }
})

/** A link that the tenant has made. */
function tenantLink(/** @type {string} */ to, /** @type {string} */ file) {
  fs.rmSync(file, { recursive: true, force: true })
  fs.symlinkSync(to, file)
  fs.lchownSync(file, UID, UID)
  return file
}

/** What a remedy for root would change by a tenant's link: finding, link, where it leads, what is asked about. */
const LED = /** @type {[string, string, (machine: import('./support/doctor.js').Machine) => { link: string, to: string, args?: string[] }][]} */ ([
  ['state.missing', 'codex', (machine) => ({ link: path.join(machine.homes.home, 'state'), to: machine.at('etc'), args: ['--codex-home', path.join(machine.homes.home, 'state/codex')] })],
  ['state.missing', 'codex', (machine) => ({ link: machine.homes.codexHome, to: machine.at('etc/none') })],
  ['state.unreachable', 'codex', (machine) => {
    fs.mkdirSync(machine.at('rootonly/priv'), { recursive: true })
    fs.chmodSync(machine.at('rootonly'), 0o700)
    return { link: machine.homes.codexHome, to: machine.at('rootonly/priv') }
  }],
  ['state.wrong-owner', 'codex', (machine) => ({ link: machine.homes.codexHome, to: machine.at('etc') })],
  ['state.no-directory', 'codex', (machine) => (fs.writeFileSync(machine.at('etc/file'), ''), { link: machine.homes.codexHome, to: machine.at('etc/file') })],
  ['files.claude-project-settings', 'claude', (machine) => {
    fs.mkdirSync(machine.at('victim'))
    fs.writeFileSync(machine.at('victim/settings.json'), '{"hooks": {"Stop": [1]}}')
    return { link: path.join(machine.homes.workspace, '.claude'), to: machine.at('victim') }
  }]
])

for (const [id, provider, lead] of LED) {
  test(`no command for root where a link of the tenant's leads: ${id}`, { skip }, (t) => {
    const machine = makeMachine(t)
    fs.mkdirSync(machine.at('etc'))
    const { link, to, args = [] } = lead(machine)
    tenantLink(to, link)
    const finding = runDoctor(machine, { provider, args }).find(id)
    assert.deepEqual(finding.commands, [])
    assert.ok(finding.sentence.includes(`, a link to ${to}`), finding.sentence)
    assert.ok(finding.remedy?.includes(`who can change ${link} chooses`), finding.remedy ?? '')
  })
}

test('a link of root\'s out of the workspace is no tenant\'s, and leads elsewhere all the same', { skip }, (t) => {
  const machine = makeMachine(t)
  fs.mkdirSync(machine.at('shared'))
  fs.writeFileSync(machine.at('shared/settings.json'), '{"hooks": {"Stop": [1]}}')
  fs.chownSync(machine.homes.workspace, 0, 0)
  fs.chmodSync(machine.homes.workspace, 0o755)
  fs.symlinkSync(machine.at('shared'), path.join(machine.homes.workspace, '.claude'))
  assert.deepEqual(runDoctor(machine, { provider: 'claude' }).find('files.claude-project-settings').commands, [])
})

test('what lies in a directory of the target\'s is moved and made by the target', { skip }, (t) => {
  const machine = makeMachine(t)
  const { home, workspace } = machine.homes
  const as = `setpriv --reuid=${UID} --regid=${UID} --clear-groups --no-new-privs`
  const file = tenantFile(path.join(workspace, '.mcp.json'), '{"mcpServers": {"x": {}}}')
  fs.mkdirSync(machine.at('elsewhere'))
  fs.chmodSync(machine.at('elsewhere'), 0o777)
  // Moved into where the link leads, it would configure somebody else's CLI.
  tenantLink(machine.at('elsewhere'), `${file}.disabled`)
  const planted = runDoctor(machine, { provider: 'claude' }).find('files.claude-project-mcp')
  assert.deepEqual(planted.commands, [`${as} mv -nT -- ${file} ${file}.disabled`])
  runDoctor(machine, { provider: 'claude' }, planted.commands.map((command) => `${command} || true`))
  assert.deepEqual([fs.readdirSync(machine.at('elsewhere')), fs.existsSync(file)], [[], true])

  const state = path.join(home, 'codex')
  const run = { provider: 'codex', args: ['--codex-home', state] }
  assert.deepEqual(runDoctor(machine, run).find('state.missing').commands, [`${as} mkdir -p -m 0700 -- ${state}`])
  tenantFile(state, '')
  const { commands } = runDoctor(machine, run).find('state.no-directory')
  assert.deepEqual(commands, [`${as} mv -nT -- ${state} ${state}.disabled`, `${as} mkdir -p -m 0700 -- ${state}`])
  assert.deepEqual(runDoctor(machine, run, commands).bad, [])
})
