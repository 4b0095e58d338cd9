// Runtimes that restrict this process: what the error says if the addon may not load, and what a start may
// do where it may.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { UID, knownShell, makeEnv, needsLinux, needsRoot, workspaceOf } = require('./support/launch.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const MAIN = path.join(__dirname, '..', 'index.js')
const DOCTOR = path.join(__dirname, '..', 'bin', 'provider-env.js')

/** @typedef {[string, (t: any) => Promise<string | undefined>, string]} Runtime */

/** @param {any} t @param {'nodeBinary' | 'bunBinary' | 'denoBinary'} which @param {string} [version] */
async function fetched(t, which, version) {
  const runtimes = await import('../scripts/lib/node-versions.mjs')
  const { path: program, reason } = await runtimes[which](/** @type {any} */ (version))
  if (program === undefined) t.skip(reason)
  return program
}

const [major, minor] = process.versions.node.split('.').map(Number)
/** It lost its "experimental" in 22.13 and 23.5. */
const flag = major < 22 || (major === 22 && minor < 13) || (major === 23 && minor < 5) ? '--experimental-permission' : '--permission'
/** @type {Runtime[]} */
const NODES = [
  ['this Node', async () => process.execPath, flag],
  ['Node 22', (t) => fetched(t, 'nodeBinary', '22'), '--permission'],
  ['Node 24', (t) => fetched(t, 'nodeBinary', '24'), '--permission']
]

/** What a runtime says when it loads the package. @param {string} runtime @param {string[]} flags @param {any} [env] */
function load(runtime, flags, env = {}) {
  const { stderr } = spawnSync(runtime, [...flags, MAIN], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', ...env } })
  return /^.*Error: (The addon of .*)$/m.exec(stderr)?.[1] ?? stderr
}

for (const [name, find, permission] of NODES) {
  test(`an addon that may not load says which flag allows it: ${name}`, async (t) => {
    const node = await find(t)
    if (!node) return
    const said = load(node, [permission, '--allow-fs-read=*'])
    assert.match(
      said,
      /does not load on \S+: Cannot load native addon because loading addons is disabled\. Start Node with --allow-addons in addition to --permission\. /
    )
    assert.match(load(node, ['--no-addons']), /Start Node without --no-addons, including in NODE_OPTIONS/)
    for (const text of [said, load(node, ['--no-addons'])]) assert.doesNotMatch(text, /Build it|--permission\.$/)
    assert.doesNotMatch(load(node, [permission, '--allow-fs-read=*', '--allow-addons']), /does not load/)
    const { stdout } = spawnSync(node, [permission, '--allow-fs-read=*', DOCTOR, 'doctor', '--json'], { encoding: 'utf8' })
    const [finding] = JSON.parse(stdout).findings
    assert.deepEqual([finding.id, /--allow-addons/.test(finding.remedy)], ['platform.unloadable', true])
  })

  // What docs/hardening.md says about the permission model.
  test(`a start needs no --allow-child-process, and its child no leave to read or write: ${name}`, {
    skip: needsLinux || needsRoot
  }, async (t) => {
    const node = await find(t)
    if (!node) return
    const { homes } = makeEnv(t)
    const written = path.join(homes.workspace, 'written')
    const worker = startWorker(
      t,
      `
      const refused = []
      try { require('node:child_process').spawnSync('/bin/true') } catch (error) { refused.push(error.code, error.permission) }
      try { require('node:fs').writeFileSync(input.written, '') } catch (error) { refused.push(error.code, error.permission) }
      const env = main.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up' }, { workspace: input.workspace })
      const child = main.spawnProvider(env, { uid: input.uid, gid: input.uid, command: '/bin/sh', args: ['-c', 'id -u; echo text > ' + input.written], workspaceTrust: 'trusted' })
      let text = ''
      child.stdout.on('data', (bytes) => (text += bytes))
      child.once('close', (code) => say({ refused, text, code, by: child.startPath }))`,
      {
        input: { uid: UID, workspace: workspaceOf(homes), written },
        runtime: node,
        flags: [permission, '--allow-addons', '--allow-fs-read=*']
      }
    )
    assert.deepEqual(await worker.next(), {
      refused: ['ERR_ACCESS_DENIED', 'ChildProcess', 'ERR_ACCESS_DENIED', 'FileSystemWrite'],
      text: `${UID}\n`,
      code: 0,
      by: 'native'
    })
    assert.equal(fs.readFileSync(written, 'utf8'), 'text\n')
  })
}

test('Deno says which flags it needs', async (t) => {
  const deno = await fetched(t, 'denoBinary')
  if (!deno) return
  const run = (/** @type {string[]} */ ...flags) => load(deno, ['run', '--no-prompt', ...flags], { DENO_DIR: makeEnv(t).homes.tmpDir })
  const advice =
    /does not load on \S+: Requires \S+ access to .*\. The addon is native code, which Deno must allow: start Deno with --allow-ffi, --allow-read, --allow-env and --allow-sys\.$/
  assert.match(run('--allow-read', '--allow-env', '--allow-sys'), advice)
  assert.match(run('--allow-read'), advice)
  assert.equal(run('--allow-ffi', '--allow-read', '--allow-env', '--allow-sys'), '')
})

test('under Deno a start needs no --allow-run', { skip: needsLinux || needsRoot }, async (t) => {
  const deno = await fetched(t, 'denoBinary')
  if (!deno) return
  const { homes } = makeEnv(t)
  const script = path.join(homes.root, 'start.cjs')
  fs.writeFileSync(
    script,
    `
    const { buildProviderEnv, spawnProvider } = require(${JSON.stringify(MAIN)})
    const env = buildProviderEnv({ apiKey: 'sk-ant-api03-made-up' }, { workspace: ${JSON.stringify(workspaceOf(homes))} })
    const child = spawnProvider(env, { uid: ${UID}, gid: ${UID}, command: ${JSON.stringify(knownShell())}, args: ['-c', 'id -u; cat'], workspaceTrust: 'trusted' })
    child.stdin.end('through')
    child.stdout.pipe(process.stdout)
    child.on('close', (code) => console.log([child.startPath, code]))`
  )
  const { stdout, stderr, signal } = spawnSync(
    deno,
    ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-env', '--allow-sys', script],
    {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', DENO_DIR: homes.tmpDir }
    }
  )
  assert.deepEqual([stdout, stderr, signal], [`${UID}\nthrough[ "native", 0 ]\n`, '', null])
})

test('an addon that this process may not read says whom to let', { skip: needsRoot || needsLinux }, async (t) => {
  const main = copyPackage(t)
  const dir = path.dirname(main)
  for (const name of fs.readdirSync(dir)) if (name.endsWith('.node')) fs.chmodSync(path.join(dir, name), 0o600)
  const { stderr } = spawnSync(process.execPath, [main], { encoding: 'utf8', uid: UID, gid: UID, cwd: '/' })
  assert.match(
    stderr,
    new RegExp(`\\.node: cannot open shared object file: Permission denied\\. Allow this process, which is uid ${UID}, to read that file: `)
  )
})

test('an addon of another version is not used', (t) => {
  const main = copyPackage(t)
  const bundle = path.join(path.dirname(main), 'dist', 'provider-env.cjs')
  const { version } = require('../package.json')
  const load = () =>
    spawnSync(process.execPath, ['-e', 'require(process.argv[1]); console.log("loaded")', main], { encoding: 'utf8', cwd: '/' })
  assert.equal(load().stdout, 'loaded\n')
  fs.writeFileSync(bundle, fs.readFileSync(bundle, 'utf8').replace(`VERSION = "${version}"`, 'VERSION = "9.9.9"'))
  const { stdout, stderr } = load()
  assert.equal(stdout, '')
  assert.match(
    stderr,
    new RegExp(
      `The addon has version ${version.replaceAll('.', '\\.')}, but this package has version 9\\.9\\.9\\. The two must have the same version: remove both`
    )
  )
})
