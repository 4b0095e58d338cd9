// The doctor and its target: whom a CLI becomes, what cannot be looked at without root, and installs that have no CLI.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const test = require('node:test')
const { leaveOutNpm, whyNotLoaded } = require('./support/internals.js')
const { diagnose } = require('../index.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { BIN, NATIVE, argumentsFor, lookUp, makeMachine, program, runDoctor, script, tenantFile } = require('./support/doctor.js')

const PROJECT = path.join(__dirname, '..')
const skip = needsLinux || needsRoot

/**
 * The commands of a machine's administrator: sudo of one who is root already, which keeps what sudoers(5) says by default.
 * And an npx that a tenant has put in the way.
 */
function administrator(/** @type {import('./support/doctor.js').Machine} */ machine) {
  script(
    machine.at('admin/sudo'),
    '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nif [ "$1" = -E ]; then shift; exec "$@"; fi\nexec env -i PATH=$PATH "$@"\n'
  )
  script(machine.at('admin/npx'), '#!/bin/sh\nexit 7\n')
  return `${machine.at('admin')}:${machine.path}`
}

/** The report of a command that asks the doctor again. */
function asks(/** @type {import('./support/doctor.js').Machine} */ machine, /** @type {string} */ command) {
  const PATH = administrator(machine)
  return lookUp(JSON.parse(execFileSync('/bin/sh', ['-c', `${command} --json`], { env: { PATH, LANG: 'C.UTF-8' }, encoding: 'utf8' })))
}

const canRead = (/** @type {string} */ file) => {
  try {
    execFileSync('/bin/cat', [file], { uid: UID, gid: UID, stdio: ['ignore', 'ignore', 'ignore'] })
    return true
  } catch {
    return false
  }
}
const needsOpenClone = () => !canRead(BIN) && 'another uid cannot read this clone'

test('a worker that is the tenant already', { skip: skip || needsOpenClone() }, (t) => {
  const machine = makeMachine(t)
  const run = { as: UID, target: false }
  const healthy = runDoctor(machine, run)
  assert.deepEqual([healthy.bad, healthy.status, healthy.find('target.same').details.canSetUid], [['broker.own-uid'], 1, false])
  assert.deepEqual(healthy.report.target, { uid: UID, gid: UID, groups: [] })
  // Named, it is the same.
  assert.deepEqual(runDoctor(machine, { as: UID }).bad, ['broker.own-uid'])
})

test('without root it cannot become another user: it says so, and checks the rest by the modes', {
  skip: skip || needsOpenClone()
}, (t) => {
  const machine = makeMachine(t)
  tenantFile(path.join(machine.homes.codexHome, 'auth.json'), '{"OPENAI_API_KEY": "k"}')
  const before = runDoctor(machine, { as: UID + 1, start: true })
  assert.deepEqual(before.bad, ['target.cannot-drop'])
  const finding = before.find('target.cannot-drop')
  assert.match(
    finding.sentence,
    new RegExp(
      `^This process is uid ${UID + 1} gid ${UID + 1} and cannot start the CLI as uid ${UID} gid ${UID}: setgroups is not permitted\\.$`
    )
  )
  for (const unseen of [
    'what the kernel would allow the target user',
    path.join(machine.homes.codexHome, 'auth.json'),
    path.join(machine.homes.workspace, '.codex/config.toml')
  ]) {
    assert.ok(before.find('target.unseen').sentence.includes(unseen), unseen)
  }
  assert.deepEqual(
    before.report.findings
      .filter(({ id }) => id === 'start.skipped')
      .map(({ sentence }) => sentence.replace(/^The dry start of [\w ]+ was skipped: /, '')),
    Array(2).fill('this process cannot become the target user.')
  )
  const { homes } = machine
  assert.deepEqual(finding.commands, [
    `sudo -E env PATH="$PATH" ${process.execPath} ${BIN} doctor --uid ${UID} --gid ${UID} --workspace ${homes.workspace} --home ${homes.home} --claude-config-dir ${homes.claudeConfigDir} --codex-home ${homes.codexHome} --tmp-dir ${homes.tmpDir} --prefix ${machine.prefix}`
  ])
  const after = asks(machine, finding.commands[0].replace(/$/, ' --no-start'))
  assert.deepEqual([after.bad, after.ids.includes('target.drop'), after.ids.includes('login.valid')], [[], true, true])
})

test('the command that asks again asks the same', { skip: skip || needsOpenClone() }, (t) => {
  const machine = makeMachine(t)
  const args = ['--groups', `${UID + 5},${UID + 6}`, '--command', path.join(machine.bin, 'claude')]
  const [command] = runDoctor(machine, { as: UID + 1, provider: 'claude', args }).find('target.cannot-drop').commands
  for (const words of [
    `--provider claude --uid ${UID} --gid ${UID} --groups ${UID + 5},${UID + 6} `,
    ` --command ${path.join(machine.bin, 'claude')} `,
    ` --tmp-dir ${machine.homes.tmpDir} `,
    ' --no-start'
  ]) {
    assert.ok(`${command} `.includes(words), `${words}: ${command}`)
  }
  assert.deepEqual(asks(machine, command).report.target, { uid: UID, gid: UID, groups: [UID + 5, UID + 6] })
})

test('what it may not read without root is said', { skip: skip || needsOpenClone() }, (t) => {
  const machine = makeMachine(t)
  const file = tenantFile(path.join(machine.homes.claudeConfigDir, '.credentials.json'), '{}')
  fs.chownSync(file, 0, 0)
  const found = runDoctor(machine, { as: UID, provider: 'claude' })
  assert.deepEqual(found.bad, ['broker.own-uid', 'login.empty'])
  assert.ok(found.find('target.unseen').sentence.includes(`${file} (uid ${UID} may not read it)`))
})

test('root that names nobody is asked to, with the owner of the workspace as a guess', { skip }, (t) => {
  const machine = makeMachine(t)
  const before = runDoctor(machine, { target: false })
  assert.ok(before.bad.includes('target.unnamed'))
  const after = asks(machine, before.find('target.unnamed').commands[0])
  assert.deepEqual([after.bad, after.ids.includes('target.drop')], [[], true])
  const root = runDoctor(machine, { target: false, args: ['--uid', '0', '--gid', '0'] })
  assert.equal(root.find('target.root').severity, 'error')
  assert.deepEqual(asks(machine, root.find('target.root').commands[0]).bad, [])
})

test('a directory of root, or of its group, is no tenant to guess', { skip }, (t) => {
  const machine = makeMachine(t)
  const { homes } = machine
  const guess = () => runDoctor(machine, { target: false, provider: 'codex' }).find('target.unnamed')
  fs.chownSync(homes.workspace, UID, 0)
  fs.chownSync(homes.codexHome, 0, UID)
  assert.ok(guess().remedy?.includes(`${homes.home} belongs to ${UID}:${UID}:`))
  fs.chownSync(homes.home, UID, 0)
  assert.deepEqual(guess().commands, [])
})

test('root that may not change its ids', { skip }, (t) => {
  const machine = makeMachine(t)
  const bound = ['set -- setpriv --bounding-set=-setuid,-setgid "$@"']
  fs.chmodSync(machine.homes.codexHome, 0o755)
  const named = runDoctor(machine, {}, bound)
  assert.deepEqual(named.bad, ['target.cannot-drop', 'state.open'], 'by the modes')
  assert.deepEqual([named.find('target.cannot-drop').details.canSetUid, named.find('target.cannot-drop').details.step], [false, 'groups'])
  assert.deepEqual(runDoctor(machine, { target: false, args: ['--provider', 'codex'] }, bound).bad.includes('target.unnamed'), true)
})

test('options that are wrong are thrown, and what was not named is said', { skip: needsLinux }, async () => {
  for (const [options, code] of /** @type {[any, string][]} */ ([
    [{ uid: 7 }, 'ERR_PROVIDER_PRIVILEGE_REFUSED'],
    [{ uid: -1, gid: 7 }, 'ERR_PROVIDER_PRIVILEGE_REFUSED'],
    [{ uid: '7', gid: 7 }, 'ERR_INVALID_ARG_TYPE'],
    [{ provider: 'nobody' }, 'ERR_INVALID_ARG_VALUE'],
    [{ command: '/bin/true' }, 'ERR_INVALID_ARG_VALUE'],
    [{ workspace: '' }, 'ERR_INVALID_ARG_VALUE'],
    [{ home: 'a\0b' }, 'ERR_INVALID_ARG_VALUE'],
    [{ homeDir: '/x' }, 'ERR_INVALID_ARG_VALUE']
  ])) {
    await assert.rejects(diagnose(options), { code }, JSON.stringify(options))
  }
  const { find } = lookUp(await diagnose({ provider: 'codex', uid: UID, gid: UID, start: false }))
  assert.equal(
    find('target.unseen').sentence.includes(
      'a workspace (name one with --workspace), a home directory (name one with --home) and CODEX_HOME (name one with --codex-home)'
    ),
    true
  )
})

/** This package alone, in a project that has no CLI among its packages. */
function installAlone(/** @type {import('./support/doctor.js').Machine} */ machine, { addon = true } = {}) {
  const home = machine.at('app/node_modules/@webalive/provider-env')
  fs.mkdirSync(home, { recursive: true })
  for (const name of ['bin', 'dist', 'index.js', 'package.json'])
    fs.cpSync(path.join(PROJECT, name), path.join(home, name), { recursive: true })
  for (const name of fs.readdirSync(PROJECT))
    if (addon && name.endsWith('.node')) fs.copyFileSync(path.join(PROJECT, name), path.join(home, name))
  return path.join(home, 'bin', 'provider-env.js')
}

/** A registry with one made-up package, whose one program is native. */
async function startRegistry(
  /** @type {any} */ t,
  /** @type {import('./support/doctor.js').Machine} */ machine,
  /** @type {string} */ name,
  /** @type {string} */ command
) {
  const source = machine.at('source')
  fs.mkdirSync(source)
  fs.copyFileSync(NATIVE, path.join(source, command))
  fs.chmodSync(path.join(source, command), 0o755)
  const manifest = { name, version: '2.1.332', bin: { [command]: command } }
  fs.writeFileSync(path.join(source, 'package.json'), JSON.stringify(manifest))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', machine.dir], { cwd: source })
  const tarball = fs.readFileSync(path.join(machine.dir, fs.readdirSync(machine.dir).find((file) => file.endsWith('.tgz')) ?? ''))
  const server = http.createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) return response.end(tarball)
    if (decodeURIComponent(request.url ?? '') !== `/${name}`) return response.writeHead(404).end('{}')
    const dist = { tarball: `http://${request.headers.host}/package.tgz` }
    response.end(JSON.stringify({ name, 'dist-tags': { latest: '2.1.332' }, versions: { '2.1.332': { ...manifest, dist } } }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  t.after(() => server.close())
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/`
}

test('a CLI that is not installed', { skip }, async (t) => {
  const machine = makeMachine(t)
  const bin = installAlone(machine)
  const registry = await startRegistry(t, machine, '@anthropic-ai/claude-code', 'claude')
  fs.rmSync(path.join(machine.bin, 'claude'))
  const npm = path.join(path.dirname(process.execPath))
  // npm asks the registry in its own process while this one serves it.
  const run = {
    provider: 'claude',
    bin,
    env: { PATH: `${machine.path}:${npm}`, npm_config_registry: registry, npm_config_cache: machine.at('cache'), HOME: machine.at('npm') }
  }
  const before = runDoctor(machine, run)
  assert.deepEqual(before.bad, ['program.missing'])
  const installed = await inBackground(machine, run, before.find('program.missing').commands)
  assert.deepEqual(installed.bad, ['program.readable'])
  assert.equal(installed.find('program.reachable').path, path.join(machine.prefix, 'lib/node_modules/@anthropic-ai/claude-code/claude'))
  assert.equal(installed.find('program.reachable').details.version, '2.1.332')
  const closed = runDoctor(
    machine,
    { ...run, env: { ...run.env, PATH: `${path.join(machine.prefix, 'bin')}:${run.env.PATH}` } },
    installed.find('program.readable').commands
  )
  assert.deepEqual([closed.bad, closed.status], [[], 0])
})

test('a CLI that the target can change is installed anew, and what it may have become is not touched', { skip }, async (t) => {
  const machine = makeMachine(t)
  const bin = installAlone(machine)
  const registry = await startRegistry(t, machine, '@anthropic-ai/claude-code', 'claude')
  const replaced = script(path.join(machine.bin, 'claude'), `#!/bin/sh\nid -u > ${machine.at('ran')}\n`)
  fs.chownSync(replaced, UID, UID)
  const run = {
    provider: 'claude',
    bin,
    env: {
      PATH: `${machine.path}:${path.dirname(process.execPath)}`,
      npm_config_registry: registry,
      npm_config_cache: machine.at('cache'),
      HOME: machine.at('npm')
    }
  }
  const { commands, remedy } = runDoctor(machine, run).find('program.writable')
  assert.match(remedy ?? '', /root must neither run them nor take them over/)
  const installed = await inBackground(machine, run, commands)
  assert.deepEqual(
    [installed.bad, installed.find('program.reachable').path],
    [['program.readable'], path.join(machine.prefix, 'lib/node_modules/@anthropic-ai/claude-code/claude')]
  )
  assert.deepEqual(fs.readFileSync(/** @type {string} */ (installed.find('program.reachable').path)), fs.readFileSync(NATIVE))
  assert.deepEqual([fs.statSync(replaced).uid, fs.existsSync(machine.at('ran'))], [UID, false])
})

/** As runDoctor(), while this process goes on. */
async function inBackground(
  /** @type {import('./support/doctor.js').Machine} */ machine,
  /** @type {any} */ run,
  /** @type {readonly string[]} */ commands
) {
  const { execFile } = require('node:child_process')
  const shell = ['set -e', ...commands.map((command) => `${command} >&2`), 'exec "$@"'].join('\n')
  const options = { cwd: '/', env: { LANG: 'C.UTF-8', ...run.env } }
  /** @type {string} */
  const stdout = await new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', shell, 'sh', process.execPath, run.bin, ...argumentsFor(machine, run)], options, (error, out, complaint) =>
      out ? resolve(out) : reject(error ?? new Error(complaint))
    )
  })
  return lookUp(JSON.parse(stdout))
}

test('what npm adds to the environment is no part of the worker', { skip }, (t) => {
  const machine = makeMachine(t)
  const bin = installAlone(machine)
  const project = machine.at('app')
  fs.rmSync(path.join(machine.bin, 'claude'))
  // The project's own programs, as npm links them: one that only npm's PATH leads to.
  const linked = path.join(project, 'node_modules/.bin')
  program(path.join(linked, 'claude'))
  fs.symlinkSync(bin, path.join(linked, 'provider-env'))
  fs.chmodSync(bin, 0o755)
  fs.writeFileSync(path.join(project, 'package.json'), '{"name": "app", "version": "1.0.0"}')
  const env = {
    PATH: `${machine.path}:${path.dirname(process.execPath)}`,
    LANG: 'C.UTF-8',
    HOME: machine.at('npm'),
    npm_config_cache: machine.at('cache'),
    npm_config_update_notifier: 'false'
  }
  const run = { provider: 'claude' }
  const report = (/** @type {string[]} */ words) =>
    lookUp(
      JSON.parse(
        spawnSync(words[0], [...words.slice(1), ...argumentsFor(machine, run)], { cwd: project, env, encoding: 'utf8', timeout: 240_000 })
          .stdout
      )
    )
  const plain = runDoctor(machine, { ...run, bin })
  assert.deepEqual([plain.bad, plain.ids.includes('environment.npm')], [['program.missing'], false])
  for (const words of [
    ['npx', '--no', '--offline', 'provider-env'],
    ['npm', 'exec', '--no', '--offline', '--', 'provider-env']
  ]) {
    const found = report(words)
    assert.deepEqual([found.bad, found.ids.includes('environment.other-credential')], [['program.missing'], false], words.join(' '))
    const { directories, names } = /** @type {any} */ (found.find('environment.npm').details)
    assert.ok(directories.includes(linked) && directories.at(-1).endsWith('/node-gyp-bin'), directories.join(' '))
    assert.ok(names.includes('npm_execpath') && names.every((/** @type {string} */ name) => name.startsWith('npm_')), names.join(' '))
  }
})

test('in a linked install, the command examines the program that a worker of the project would start', { skip }, (t) => {
  const machine = makeMachine(t)
  const bin = installAlone(machine)
  const [home, clone] = [path.join(path.dirname(bin), '..'), machine.at('clone')]
  fs.renameSync(home, clone)
  fs.symlinkSync(clone, home)
  const linked = machine.at('app/node_modules/.bin/provider-env')
  fs.mkdirSync(path.dirname(linked))
  fs.symlinkSync('../@webalive/provider-env/bin/provider-env.js', linked)
  fs.rmSync(path.join(machine.bin, 'claude'))
  /** @type {Record<string, string>} */
  const programs = {}
  for (const [dir, version] of [
    [clone, '2.1.300'],
    [machine.at('app'), '2.1.330']
  ]) {
    const scope = path.join(dir, 'node_modules/@anthropic-ai')
    programs[version] = program(path.join(scope, `claude-code-${process.platform}-${process.arch}/claude`))
    fs.mkdirSync(path.join(scope, 'claude-code'), { recursive: true })
    fs.writeFileSync(path.join(scope, 'claude-code/package.json'), JSON.stringify({ name: '@anthropic-ai/claude-code', version }))
  }
  fs.copyFileSync('/bin/false', programs['2.1.300'])
  // A worker of the project, whose path does not lead there by the name of this package.
  fs.writeFileSync(
    machine.at('app/worker.js'),
    "console.log(require('@webalive/provider-env').resolveProgram('claude', JSON.parse(process.argv[2])).path)"
  )
  const env = { PATH: '/usr/bin:/bin' }
  const worker = spawnSync(process.execPath, [machine.at('app/worker.js'), JSON.stringify({ uid: UID, gid: UID })], {
    cwd: '/',
    env,
    encoding: 'utf8'
  })
  assert.equal(worker.stdout.trim(), programs['2.1.330'], worker.stderr)
  for (const called of [linked, bin]) {
    const { find } = runDoctor(machine, { provider: 'claude', bin: called, env })
    assert.deepEqual([find('program.reachable').path, find('program.reachable').details.version], [programs['2.1.330'], '2.1.330'], called)
    // So does the dry start: the clone's would end with 1.
    runDoctor(machine, { provider: 'claude', bin: called, env, start: true }).find('start.unasked')
    const [again] = runDoctor(machine, { provider: 'claude', bin: called, env, target: false }).find('target.unnamed').commands
    assert.ok(again.startsWith(`${process.execPath} ${called} doctor `), again)
  }
  const own = runDoctor(machine, { provider: 'claude', bin: path.join(clone, 'bin/provider-env.js'), env })
  assert.equal(own.find('program.reachable').path, programs['2.1.300'], 'called by its own path, it knows of no project')
  // Where the tenant can put another in the place of that path, no command for root names it.
  fs.chownSync(machine.at('app'), UID, UID)
  const [safe] = runDoctor(machine, { provider: 'claude', bin: linked, env, target: false, args: ['--uid', '0', '--gid', '0'] }).find(
    'target.root'
  ).commands
  assert.ok(safe.startsWith(`${process.execPath} ${path.join(clone, 'bin/provider-env.js')} doctor `), safe)
})

test('only what npm put first on PATH is taken off, and only where npm started the process', () => {
  const left = (/** @type {Record<string, string>} */ env) => [leaveOutNpm(env), env]
  const PATH = '/p/node_modules/.bin:/node_modules/.bin:/n/lib/node-gyp-bin:/usr/bin:/later/node_modules/.bin'
  assert.deepEqual(left({ PATH, npm_config_x: '1' }), [null, { PATH, npm_config_x: '1' }])
  for (const mark of ['npm_execpath', 'npm_lifecycle_event', 'npm_command']) {
    assert.deepEqual(left({ PATH, [mark]: 'x', NPM_CONFIG_Y: '1', NPM: '2' }), [
      { directories: ['/p/node_modules/.bin', '/node_modules/.bin', '/n/lib/node-gyp-bin'], names: [mark, 'NPM_CONFIG_Y'] },
      { PATH: '/usr/bin:/later/node_modules/.bin', NPM: '2' }
    ])
  }
  assert.deepEqual(left({ PATH: '/p/node_modules/.bin', npm_command: 'exec' })[1], { PATH: '' })
})

test('an install that left out the addon', { skip }, (t) => {
  const machine = makeMachine(t)
  const bin = installAlone(machine, { addon: false })
  const home = path.join(path.dirname(bin), '..')
  // Without the addon nobody knows the options of every provider: none is refused, and the finding is reported.
  const before = runDoctor(machine, { bin })
  assert.deepEqual([before.report.findings.length, before.status, before.report.worst], [1, 2, 'error'])
  const { sentence, remedy, commands } = before.find('platform.unloadable')
  assert.match(sentence, /: its package for this system, @webalive\/provider-env-[a-z0-9-]+, is not installed\.$/)
  assert.match(remedy ?? '', /^This copy is not a release, .*see "Try the tarballs" in CONTRIBUTING\.md of https:\S+\.$/)
  assert.deepEqual(commands, [])
  const loaded = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', home], { encoding: 'utf8' }).stderr
  assert.match(loaded, /Error: The addon of @webalive\/provider-env does not load on \S+: its package for this system, .*CONTRIBUTING\.md/)
  assert.ok(!loaded.includes('npm has a bug'), loaded)

  // The package that the finding names, as npm would put it there.
  const name = /(@webalive\/\S+), is not/.exec(sentence)?.[1] ?? ''
  const native = path.join(home, '../..', name)
  fs.mkdirSync(native)
  for (const file of fs.readdirSync(PROJECT)) if (file.endsWith('.node')) fs.copyFileSync(path.join(PROJECT, file), path.join(native, file))
  fs.copyFileSync(path.join(PROJECT, 'npm', name.replace('@webalive/provider-env-', ''), 'package.json'), path.join(native, 'package.json'))
  assert.deepEqual(runDoctor(machine, { bin }).bad, [])

  // As it is once it is released.
  fs.rmSync(native, { recursive: true })
  const manifest = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'))
  fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ ...manifest, optionalDependencies: { [name]: manifest.version } }))
  assert.deepEqual(runDoctor(machine, { bin }).find('platform.unloadable').commands, [
    `npm install --prefix ${machine.at('app')} --include=optional`
  ])
})

test('an addon that is there and does not load says why', () => {
  const chain = (/** @type {string[]} */ texts) => texts.reduceRight((/** @type {any} */ cause, text) => new Error(text, { cause }), null)
  const missing = [
    "Cannot find module '@webalive/provider-env-linux-x64-gnu'\nRequire stack:",
    "Cannot find module './provider-env.linux-x64-gnu.node'"
  ]
  for (const [texts, reason, advice] of /** @type {[string[], RegExp, RegExp][]} */ ([
    [missing, /^its package for this system, @webalive\/provider-env-linux-x64-gnu, is/, /Try the tarballs/],
    [
      [missing[0], "version `GLIBC_2.39' not found\nx"],
      /^version `GLIBC_2.39' not found$/,
      /^Build it for this system: see "Commands" in CONTRIBUTING/
    ],
    [['Unsupported OS: plan9'], /^Unsupported OS: plan9$/, /^Build/],
    [['Failed to load native binding'], /^Failed to load native binding$/, /^Build/]
  ])) {
    const found = whyNotLoaded(chain(texts), {})
    assert.match(found.reason, reason)
    assert.match(found.advice, advice)
  }
  assert.equal(whyNotLoaded(undefined).reason, 'the loader gave no reason')
})
