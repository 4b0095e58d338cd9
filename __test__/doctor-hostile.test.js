// The doctor, run by root, on a machine whose tenant is hostile while it looks.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { diagnose } = require('../index.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { AS_TARGET, lookUp, makeMachine, program, runDoctor, script, tenantFile, withTemporary } = require('./support/doctor.js')

const skip = needsLinux || needsRoot

/** A dry start of `text` in the place of Claude Code. @param {import('./support/doctor.js').Machine} machine @param {string} text */
async function dryStart(machine, text) {
  const command = script(machine.at('claude'), `#!/bin/sh\n${text}\n`)
  const before = fs.readdirSync(machine.scratch)
  const found = await withTemporary(machine, () =>
    diagnose({ provider: 'claude', uid: UID, gid: UID, command, path: machine.path, prefix: machine.prefix })
  )
  return { ...lookUp(found), left: fs.readdirSync(machine.scratch).filter((name) => !before.includes(name)) }
}

test("the place of a dry start stays root's, and only what is in it is the target's", { skip }, async (t) => {
  const machine = makeMachine(t)
  fs.mkdirSync(machine.at('out'))
  fs.chownSync(machine.at('out'), UID, UID)
  const { find, left } = await dryStart(
    machine,
    `stat -c '%u %a' "$HOME/.." "$HOME" "$TMPDIR" . > ${machine.at('out/stat')}; mv "$HOME" "$HOME.old" 2> /dev/null && touch ${machine.at('out/moved')}; exit 3`
  )
  assert.equal(find('start.failed').details.exitCode, 3)
  assert.deepEqual(fs.readFileSync(machine.at('out/stat'), 'utf8').trim().split('\n'), ['0 711', ...Array(3).fill(`${UID} 700`)])
  assert.deepEqual([fs.readdirSync(machine.at('out')), left], [['stat'], []])
})

test('what the target cannot remove itself is left, and said', { skip }, async (t) => {
  const machine = makeMachine(t)
  const { find, left } = await dryStart(machine, 'mkdir -p "$HOME/a/b"; touch x; chmod 0 "$HOME/a"')
  assert.equal(left.length, 1)
  const root = path.join(machine.scratch, left[0])
  assert.deepEqual([find('start.left-behind').path, fs.readdirSync(root), fs.readdirSync(path.join(root, 'home'))], [root, ['home'], ['a']])
})

/** Swaps its own directories with links, as fast as it can, in every place of a dry start that it sees. */
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
  const tenant = spawn(process.execPath, ['-e', SWAPPER, machine.scratch, machine.at('victim')], {
    uid: UID,
    gid: UID,
    cwd: '/',
    env: {},
    stdio: 'ignore'
  })
  try {
    await new Promise((resolve, reject) => tenant.once('spawn', () => setTimeout(resolve, 500)).once('error', reject))
    for (let run = 0; run < 3; run++) {
      const { find } = await dryStart(machine, 'touch ready; while test ! -e go; do sleep 0.02; done')
      find('start.unasked')
      assert.equal(fs.readdirSync(machine.at('victim')).length, victims.length, `run ${run}`)
    }
  } finally {
    // Before the machine is removed: it still makes things there, and a hook that fails would leave it running.
    const ended = once(tenant, 'exit')
    tenant.kill('SIGKILL')
    await ended
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
const LED =
  /** @type {[string, string, (machine: import('./support/doctor.js').Machine) => { link: string, to: string, args?: string[] }][]} */ ([
    [
      'state.missing',
      'codex',
      (machine) => ({
        link: path.join(machine.homes.home, 'state'),
        to: machine.at('etc'),
        args: ['--codex-home', path.join(machine.homes.home, 'state/codex')]
      })
    ],
    ['state.missing', 'codex', (machine) => ({ link: machine.homes.codexHome, to: machine.at('etc/none') })],
    [
      'state.unreachable',
      'codex',
      (machine) => {
        fs.mkdirSync(machine.at('rootonly/priv'), { recursive: true })
        fs.chmodSync(machine.at('rootonly'), 0o700)
        return { link: machine.homes.codexHome, to: machine.at('rootonly/priv') }
      }
    ],
    [
      'login.loose',
      'codex',
      (machine) => (
        fs.writeFileSync(machine.at('etc/passwd'), '{}'),
        fs.chmodSync(machine.at('etc/passwd'), 0o644),
        { link: path.join(machine.homes.codexHome, 'auth.json'), to: machine.at('etc/passwd') }
      )
    ],
    ['state.wrong-owner', 'codex', (machine) => ({ link: machine.homes.codexHome, to: machine.at('etc') })],
    [
      'state.no-directory',
      'codex',
      (machine) => (fs.writeFileSync(machine.at('etc/file'), ''), { link: machine.homes.codexHome, to: machine.at('etc/file') })
    ],
    [
      'files.claude-project-settings',
      'claude',
      (machine) => {
        fs.mkdirSync(machine.at('victim'))
        fs.writeFileSync(machine.at('victim/settings.json'), '{"hooks": {"Stop": [1]}}')
        return { link: path.join(machine.homes.workspace, '.claude'), to: machine.at('victim') }
      }
    ]
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
    assert.ok(finding.remedy?.includes(`whoever can change ${link} decides`), finding.remedy ?? '')
  })
}

test("a link of root's out of the workspace is no tenant's, and leads elsewhere all the same", { skip }, (t) => {
  const machine = makeMachine(t)
  fs.mkdirSync(machine.at('shared'))
  fs.writeFileSync(machine.at('shared/settings.json'), '{"hooks": {"Stop": [1]}}')
  fs.chownSync(machine.homes.workspace, 0, 0)
  fs.chmodSync(machine.homes.workspace, 0o755)
  fs.symlinkSync(machine.at('shared'), path.join(machine.homes.workspace, '.claude'))
  assert.deepEqual(runDoctor(machine, { provider: 'claude' }).find('files.claude-project-settings').commands, [])
})

test("what lies in a directory of the target's is moved and made by the target", { skip }, (t) => {
  const machine = makeMachine(t)
  const { home, workspace } = machine.homes
  const file = tenantFile(path.join(workspace, '.mcp.json'), '{"mcpServers": {"x": {}}}')
  fs.mkdirSync(machine.at('elsewhere'))
  fs.chmodSync(machine.at('elsewhere'), 0o777)
  // Moved into where the link leads, it would configure somebody else's CLI.
  tenantLink(machine.at('elsewhere'), `${file}.disabled`)
  const planted = runDoctor(machine, { provider: 'claude' }).find('files.claude-project-mcp')
  assert.deepEqual(planted.commands, [`${AS_TARGET} mv -nT -- ${file} ${file}.disabled`])
  runDoctor(
    machine,
    { provider: 'claude' },
    planted.commands.map((command) => `${command} || true`)
  )
  assert.deepEqual([fs.readdirSync(machine.at('elsewhere')), fs.existsSync(file)], [[], true])

  const state = path.join(home, 'codex')
  const run = { provider: 'codex', args: ['--codex-home', state] }
  assert.deepEqual(runDoctor(machine, run).find('state.missing').commands, [`${AS_TARGET} mkdir -p -m 0700 -- ${state}`])
  tenantFile(state, '')
  const { commands } = runDoctor(machine, run).find('state.no-directory')
  assert.deepEqual(commands, [`${AS_TARGET} mv -nT -- ${state} ${state}.disabled`, `${AS_TARGET} mkdir -p -m 0700 -- ${state}`])
  assert.deepEqual(runDoctor(machine, run, commands).bad, [])
})

test("a login's file is closed by the target, whoever has left it there", { skip }, (t) => {
  const machine = makeMachine(t)
  const file = tenantFile(path.join(machine.homes.codexHome, 'auth.json'), '{"OPENAI_API_KEY": "k"}', 0o644)
  // In its directory it can put another file in the place of one that root gives it.
  const copy = `${AS_TARGET} sh -c 'umask 077; cp -- "$1" "$1.new" && mv -fT -- "$1.new" "$1"' sh ${file}`
  const chmod = `${AS_TARGET} chmod 0600 ${file}`
  for (const [uid, commands] of /** @type {[number, string[]][]} */ ([
    [UID, [chmod]],
    [0, [copy]]
  ])) {
    fs.chownSync(file, uid, uid)
    fs.chmodSync(file, 0o644)
    assert.deepEqual(runDoctor(machine, { provider: 'codex' }).find('login.loose').commands, commands)
    assert.deepEqual(runDoctor(machine, { provider: 'codex' }, commands).bad, [])
  }
})

test('root gives nothing away where the tenant can put something else in its place', { skip }, (t) => {
  const machine = makeMachine(t)
  const { home } = machine.homes
  fs.mkdirSync(machine.at('shadow'))
  fs.writeFileSync(machine.at('shadow/file'), '')
  // In the tenant's own directory, in a shared one, and in one that its group can write to.
  fs.mkdirSync(machine.at('shared'))
  fs.chmodSync(machine.at('shared'), 0o777)
  fs.mkdirSync(machine.at('group'))
  fs.chownSync(machine.at('group'), 0, UID)
  fs.chmodSync(machine.at('group'), 0o775)
  for (const state of [path.join(home, 'codex'), machine.at('shared/codex'), machine.at('group/codex')]) {
    fs.mkdirSync(state)
    const run = { provider: 'codex', args: ['--codex-home', state] }
    const { commands } = runDoctor(machine, run).find('state.wrong-owner')
    assert.deepEqual(commands, [`${AS_TARGET} mv -nT -- ${state} ${state}.disabled`, `${AS_TARGET} mkdir -p -m 0700 -- ${state}`])
    // Swapped between the report and the commands, it is not even looked into.
    fs.renameSync(state, `${state}.old`)
    fs.symlinkSync(machine.at('shadow'), state)
    runDoctor(
      machine,
      run,
      commands.map((command) => `${command} || true`)
    )
    assert.deepEqual(
      [machine.at('shadow'), machine.at('shadow/file')].map((file) => fs.statSync(file).uid),
      [0, 0]
    )
    fs.rmSync(state, { recursive: true })
    fs.rmSync(`${state}.disabled`)
    fs.renameSync(`${state}.old`, state)
    assert.deepEqual(runDoctor(machine, run, commands).bad, [], state)
  }
  // Else deep could be a link to /root by the time that root makes something in it.
  const deep = path.join(home, 'deep/codex')
  fs.mkdirSync(deep, { recursive: true })
  fs.chownSync(path.dirname(deep), UID, UID)
  const finding = runDoctor(machine, { provider: 'codex', args: ['--codex-home', deep] }).find('state.wrong-owner')
  assert.deepEqual(finding.commands, [])
  assert.ok(finding.remedy?.includes(`can replace ${path.join(home, 'deep')} with a link`), finding.remedy ?? '')
})

test("what a directory is renamed under is the tenant's where it is open to all, or to its group, or its own in a sticky one", {
  skip
}, (t) => {
  const machine = makeMachine(t)
  for (const [mode, uid, gid] of [
    [0o777, 0, 0],
    [0o775, 0, UID],
    [0o1777, UID, 0]
  ]) {
    const top = machine.at(`top-${mode.toString(8)}`)
    const state = path.join(top, 'middle/codex')
    fs.mkdirSync(state, { recursive: true })
    fs.chownSync(top, 0, gid)
    fs.chmodSync(top, mode)
    fs.chownSync(path.dirname(state), uid, 0)
    const { remedy, commands } = runDoctor(machine, { provider: 'codex', args: ['--codex-home', state] }).find('state.wrong-owner')
    assert.deepEqual(commands, [], top)
    assert.ok(remedy?.includes(`can replace ${path.join(top, 'middle')} with a link`), remedy ?? '')
  }
})

test('root creates and moves nothing below a directory that the tenant can replace with a link', { skip }, (t) => {
  const machine = makeMachine(t)
  // The directory is root's, but it lies in one of the tenant's.
  const deep = path.join(machine.homes.home, 'deep')
  fs.mkdirSync(deep)
  const run = { provider: 'codex', args: ['--codex-home', path.join(deep, 'codex')] }
  for (const [id, prepare] of /** @type {[string, () => void][]} */ ([
    ['state.missing', () => {}],
    ['state.no-directory', () => fs.writeFileSync(path.join(deep, 'codex'), '')]
  ])) {
    prepare()
    const { commands, remedy } = runDoctor(machine, run).find(id)
    assert.deepEqual(commands, [], id)
    assert.ok(remedy?.includes(`can replace ${deep} with a link`), remedy ?? '')
  }
})

test('the kernel goes up from where a link has led, and the doctor with it', { skip }, (t) => {
  const machine = makeMachine(t)
  const { workspace } = machine.homes
  fs.mkdirSync(machine.at('etc/inner'), { recursive: true })
  fs.mkdirSync(machine.at('etc/victim'))
  tenantLink(machine.at('etc/inner'), path.join(workspace, 'inner'))
  // By the names alone it leads to workspace/victim.
  tenantLink('inner/../victim', path.join(workspace, 'state'))
  const { sentence } = runDoctor(machine, { provider: 'codex', args: ['--codex-home', path.join(workspace, 'state')] }).find(
    'state.wrong-owner'
  )
  assert.ok(sentence.includes(`, a link to ${machine.at('etc/victim')}`), sentence)
})

/** Directories of another tenant's: finding, owner and mode of the one above, of the directory itself. */
const ANOTHERS = /** @type {[string, [number, number], [number, number]][]} */ ([
  ['state.unreachable', [UID + 1, 0o700], [UID, 0o700]],
  ['state.wrong-owner', [0, 0o755], [UID + 1, 0o700]],
  ['state.wrong-owner', [UID + 1, 0o755], [0, 0o755]],
  ['state.foreign', [UID + 1, 0o755], [UID + 1, 0o777]]
])

for (const [id, above, own] of ANOTHERS) {
  test(`root opens, gives away and moves nothing of another user's: ${id}, in ${above.join(' ')}`, { skip }, (t) => {
    const machine = makeMachine(t)
    const state = machine.at('bob/state')
    fs.mkdirSync(state, { recursive: true })
    for (const [dir, [uid, mode]] of /** @type {const} */ ([
      [state, own],
      [path.dirname(state), above]
    ])) {
      fs.chownSync(dir, uid, uid)
      fs.chmodSync(dir, mode)
    }
    const anothers = own[0] === UID + 1 ? state : path.dirname(state)
    const { remedy, commands } = runDoctor(machine, { provider: 'codex', args: ['--codex-home', state] }).find(id)
    assert.deepEqual(commands, [])
    assert.equal(remedy, `Choose another directory: ${anothers} belongs to another user, uid ${UID + 1}.`)
  })
}

test("one closed directory above all of a tenant's has one command, the same for each", { skip }, (t) => {
  const machine = makeMachine(t)
  const { root, home } = machine.homes
  fs.chownSync(root, 0, 0)
  fs.chmodSync(root, 0o700)
  // The tenant can put a link in the place of `made`, which is not what the command changes.
  const state = path.join(home, 'made/codex')
  fs.mkdirSync(state, { recursive: true, mode: 0o700 })
  for (const dir of [path.dirname(state), state]) fs.chownSync(dir, UID, UID)
  const run = { args: ['--codex-home', state] }
  const found = runDoctor(machine, run)
  const unreachable = found.report.findings.filter(({ id }) => id === 'state.unreachable')
  assert.equal(unreachable.length, 5)
  assert.deepEqual([...new Set(unreachable.map(({ commands }) => commands.join('\n')))], [`chmod a+x ${root}`])
  assert.deepEqual(runDoctor(machine, run, unreachable[0].commands).bad, [])
})

/** A program in a CLI's place that somebody else can have replaced: how, and what the doctor says of it. */
const REPLACED = /** @type {[string, (file: string) => void, string][]} */ ([
  ["it is the tenant's", (file) => (fs.chmodSync(file, 0o755), fs.chownSync(file, UID, UID)), 'program.writable'],
  [
    "it lies in a directory of the tenant's",
    (file) => (fs.chmodSync(file, 0o755), fs.chownSync(path.dirname(file), UID, UID)),
    'program.writable'
  ],
  ["it is another user's, and readable", (file) => (fs.chmodSync(file, 0o755), fs.chownSync(file, UID + 1, UID + 1)), 'program.readable'],
  [
    "it lies behind a closed directory of another user's",
    (file) => (fs.chownSync(path.dirname(file), UID + 1, UID + 1), fs.chmodSync(path.dirname(file), 0o700)),
    'program.unreachable'
  ],
  [
    "what is beside it is another user's",
    (file) => (fs.chmodSync(file, 0o755), fs.chownSync(program(path.join(file, '../codex-code-mode-host'), 0o755), UID + 1, 0)),
    'program.readable'
  ]
])

for (const [how, replace, id] of REPLACED) {
  test(`root installs no program that somebody else may have replaced: ${how}`, { skip }, (t) => {
    const machine = makeMachine(t)
    const file = program(machine.at('own/bin/codex'))
    replace(file)
    // By its name, so that the one among this project's packages is no other candidate.
    const run = { provider: 'codex', args: ['--command', 'codex'], env: { PATH: `${path.dirname(file)}:/usr/bin:/bin` } }
    const { commands } = runDoctor(machine, run).find(id)
    assert.deepEqual(commands, [
      `npm install --global --prefix ${machine.prefix} @openai/codex`,
      `export PATH=${machine.prefix}/bin:"$PATH"`
    ])
  })
}

test('root installs nothing below a directory that others can change', { skip }, (t) => {
  const machine = makeMachine(t)
  fs.mkdirSync(machine.prefix)
  const missing = () => runDoctor(machine, { provider: 'codex', args: ['--command', 'none'] }).find('program.missing')
  assert.equal(missing().commands.length, 2)
  fs.chownSync(machine.prefix, UID, UID)
  assert.deepEqual(missing().commands, [])
  assert.match(
    missing().remedy ?? '',
    /\(or name it in `command`\)\. The doctor shows no command, because users other than root can change files below \S+, at \S+\. Name another directory with --prefix, and run the doctor again\.$/
  )
  // A copy there, which the tenant may have replaced, is not made root's.
  const copy = program(path.join(machine.prefix, 'codex/bin/codex'), 0o755)
  const found = runDoctor(machine, { provider: 'codex', args: ['--command', copy] })
  for (const id of ['program.writable', 'program.readable']) assert.deepEqual(found.find(id).commands, [], id)
})

test('a login is brought from the home of whoever runs the command, not from where the shell is', { skip }, (t) => {
  const machine = makeMachine(t)
  const file = tenantFile(path.join(machine.homes.codexHome, 'auth.json'), '{}')
  const { commands } = runDoctor(machine, { provider: 'codex' }).find('login.empty')
  // Root's shell is in the tenant's workspace, where the name leads to what is root's.
  fs.writeFileSync(machine.at('secret'), 'of root', { mode: 0o600 })
  tenantLink(machine.at('secret'), path.join(machine.homes.workspace, 'auth.json'))
  fs.mkdirSync(machine.at('root'))
  fs.writeFileSync(machine.at('root/auth.json'), '{"OPENAI_API_KEY": "k"}')
  runDoctor(machine, { provider: 'codex', cwd: machine.homes.workspace, env: { HOME: machine.at('root') } }, commands)
  assert.equal(fs.readFileSync(file, 'utf8'), '{"OPENAI_API_KEY": "k"}')
})
