// The doctor and its target: whom a CLI becomes, what cannot be looked at without root, and installs that have no CLI.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const test = require('node:test')
const { diagnose } = require('../index.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { BIN, NATIVE, argumentsFor, lookUp, makeMachine, runDoctor, script, tenantFile } = require('./support/doctor.js')

const PROJECT = path.join(__dirname, '..')
const skip = needsLinux || needsRoot

/** The commands of a machine's administrator: sudo of one who is root already. And an npx that a tenant has put in the way. */
function administrator(/** @type {import('./support/doctor.js').Machine} */ machine) {
  script(machine.at('admin/sudo'), '#!/bin/sh\nexec "$@"\n')
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
  assert.deepEqual([healthy.bad, healthy.status, healthy.find('target.same').details.canSetUid], [[], 0, false])
  assert.deepEqual(healthy.report.target, { uid: UID, gid: UID, groups: [] })
  // Named, it is the same.
  assert.deepEqual(runDoctor(machine, { as: UID }).bad, [])
})

test('without root it cannot become another: named, and the rest is looked at as far as the modes tell', { skip: skip || needsOpenClone() }, (t) => {
  const machine = makeMachine(t)
  tenantFile(path.join(machine.homes.codexHome, 'auth.json'), '{"OPENAI_API_KEY": "k"}')
  const before = runDoctor(machine, { as: UID + 1, start: true })
  assert.deepEqual(before.bad, ['target.cannot-drop'])
  const finding = before.find('target.cannot-drop')
  assert.match(finding.sentence, new RegExp(`^This process is uid ${UID + 1} gid ${UID + 1} and cannot start the CLI as uid ${UID} gid ${UID}: setgroups is not permitted\\.$`))
  for (const unseen of ['what the kernel itself would tell the target', path.join(machine.homes.codexHome, 'auth.json'), path.join(machine.homes.workspace, '.codex/config.toml')]) {
    assert.ok(before.find('target.unseen').sentence.includes(unseen), unseen)
  }
  assert.deepEqual(before.report.findings.filter(({ id }) => id === 'start.skipped').map(({ sentence }) => sentence.replace(/^No dry start of [\w ]+: /, '')), Array(2).fill('this process cannot become the target.'))
  assert.equal(finding.commands.length, 1)
  assert.ok(finding.commands[0].startsWith(`sudo ${process.execPath} ${BIN} doctor --uid ${UID}`), finding.commands[0])
  const after = asks(machine, finding.commands[0].replace(/$/, ' --no-start'))
  assert.deepEqual([after.bad, after.ids.includes('target.drop'), after.ids.includes('login.valid')], [[], true, true])
})

test('what it may not read without root is said', { skip: skip || needsOpenClone() }, (t) => {
  const machine = makeMachine(t)
  const file = tenantFile(path.join(machine.homes.claudeConfigDir, '.credentials.json'), '{}')
  fs.chownSync(file, 0, 0)
  const found = runDoctor(machine, { as: UID, provider: 'claude' })
  assert.deepEqual(found.bad, ['login.empty'])
  assert.ok(found.find('target.unseen').sentence.includes(`${file} (it is not for uid ${UID} to read)`))
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
    [{ provider: 'gemini' }, 'ERR_INVALID_ARG_VALUE'],
    [{ command: '/bin/true' }, 'ERR_INVALID_ARG_VALUE'],
    [{ workspace: '' }, 'ERR_INVALID_ARG_VALUE'],
    [{ home: 'a\0b' }, 'ERR_INVALID_ARG_VALUE'],
    [{ homeDir: '/x' }, 'ERR_INVALID_ARG_VALUE']
  ])) {
    await assert.rejects(diagnose(options), { code }, JSON.stringify(options))
  }
  const { find } = lookUp(await diagnose({ provider: 'codex', uid: UID, gid: UID, start: false }))
  assert.equal(find('target.unseen').sentence.includes('a workspace (name one with --workspace), a home (name one with --home) and CODEX_HOME (name one with --codex-home)'), true)
})

/** This package alone, in a project that has no CLI among its packages. */
function installAlone(/** @type {import('./support/doctor.js').Machine} */ machine, { addon = true } = {}) {
  const home = machine.at('app/node_modules/@webalive/provider-env')
  fs.mkdirSync(home, { recursive: true })
  for (const name of ['bin', 'lib', 'index.js', 'binding.cjs', 'package.json']) fs.cpSync(path.join(PROJECT, name), path.join(home, name), { recursive: true })
  for (const name of fs.readdirSync(PROJECT)) if (addon && name.endsWith('.node')) fs.copyFileSync(path.join(PROJECT, name), path.join(home, name))
  return path.join(home, 'bin', 'provider-env.js')
}

/** A registry with one made-up package, whose one program is native. */
async function startRegistry(/** @type {any} */ t, /** @type {import('./support/doctor.js').Machine} */ machine, /** @type {string} */ name, /** @type {string} */ command) {
  const source = machine.at('source')
  fs.mkdirSync(source)
  fs.copyFileSync(NATIVE, path.join(source, command))
  fs.chmodSync(path.join(source, command), 0o755)
  const manifest = { name, version: '1.2.3', bin: { [command]: command } }
  fs.writeFileSync(path.join(source, 'package.json'), JSON.stringify(manifest))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', machine.dir], { cwd: source })
  const tarball = fs.readFileSync(path.join(machine.dir, fs.readdirSync(machine.dir).find((file) => file.endsWith('.tgz')) ?? ''))
  const server = http.createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) return response.end(tarball)
    if (decodeURIComponent(request.url ?? '') !== `/${name}`) return response.writeHead(404).end('{}')
    const dist = { tarball: `http://${request.headers.host}/package.tgz` }
    response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': { ...manifest, dist } } }))
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
  // npm asks the registry in a process of its own while this one serves it.
  const run = { provider: 'claude', bin, env: { PATH: `${machine.path}:${npm}`, npm_config_registry: registry, npm_config_cache: machine.at('cache'), HOME: machine.at('npm') } }
  const before = runDoctor(machine, run)
  assert.deepEqual(before.bad, ['program.missing'])
  const installed = await inBackground(machine, run, before.find('program.missing').commands)
  assert.deepEqual(installed.bad, ['program.readable'])
  assert.equal(installed.find('program.reachable').path, path.join(machine.prefix, 'lib/node_modules/@anthropic-ai/claude-code/claude'))
  assert.equal(installed.find('program.reachable').details.version, '1.2.3')
  const closed = runDoctor(machine, { ...run, env: { ...run.env, PATH: `${path.join(machine.prefix, 'bin')}:${run.env.PATH}` } }, installed.find('program.readable').commands)
  assert.deepEqual([closed.bad, closed.status], [[], 0])
})

/** As runDoctor(), while this process goes on. */
async function inBackground(/** @type {import('./support/doctor.js').Machine} */ machine, /** @type {any} */ run, /** @type {readonly string[]} */ commands) {
  const { execFile } = require('node:child_process')
  const shell = ['set -e', ...commands.map((command) => `${command} >&2`), 'exec "$@"'].join('\n')
  const options = { cwd: '/', env: { LANG: 'C.UTF-8', ...run.env } }
  /** @type {string} */
  const stdout = await new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', shell, 'sh', process.execPath, run.bin, ...argumentsFor(machine, run)], options, (error, out, complaint) => (out ? resolve(out) : reject(error ?? new Error(complaint))))
  })
  return lookUp(JSON.parse(stdout))
}

test('an install that left out the addon', { skip }, (t) => {
  const machine = makeMachine(t)
  const { report, status, find } = runDoctor(machine, { bin: installAlone(machine, { addon: false }) })
  assert.deepEqual([report.findings.length, status, report.worst], [1, 2, 'error'])
  assert.deepEqual(find('platform.unloadable').commands, ['npm install --include=optional'])
})
