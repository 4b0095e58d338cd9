// What Object.prototype, a patched module of Node's or a variable can change of a start, of the loader and of secrets: nothing.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { text } = require('node:stream/consumers')
const test = require('node:test')
const types = require('node:util/types')
// First: it makes one copy of the package for both kinds of start.
const { spawnPortable } = require('./support/portable.js')
const { Redactor, Secret, buildProviderEnv, runningProcesses, spawnProvider } = require('../index.js')
const { ids, knownShell, makeEnv, needsLinux, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { copyPackage } = require('./support/worker.js')

const MAIN = path.join(__dirname, '..', 'index.js')
const VARIABLE = 'NAPI_RS_NATIVE_LIBRARY_PATH'
const KEY = 'sk-ant-api03-made-up-7c1b'
const REPLACED = /** @type {const} */ (['isUint8Array', 'isAnyArrayBuffer', 'isMap', 'isSharedArrayBuffer'])

/** @template T @param {Record<string, any>} polluted @param {() => T} body @returns {T} */
function withPrototype(polluted, body) {
  const proto = /** @type {any} */ (Object.prototype)
  try {
    Object.assign(proto, polluted)
    return body()
  } finally {
    for (const name of Object.keys(polluted)) delete proto[name]
  }
}

for (const [kind, spawn] of /** @type {[string, typeof spawnProvider][]} */ ([
  ['native', spawnProvider],
  ['portable', spawnPortable]
])) {
  test(`the ${kind} start makes no variable of what Object.prototype has`, { skip: needsLinux }, async (t) => {
    const { env } = makeEnv(t)
    const child = withPrototype({ LD_PRELOAD: '/made/up.so', ANTHROPIC_BASE_URL: 'https://made.up', lower: 'x' }, () =>
      spawn(env, {
        ...ids,
        command: knownShell(),
        workspaceTrust: 'trusted',
        args: ['-c', 'tr "\\0" "\\n" </proc/self/environ'],
        stdio: ['ignore', 'pipe', 'inherit']
      })
    )
    const [said, { code }] = await Promise.all([text(/** @type {any} */ (child.stdout)), child.exited])
    assert.equal(code, 0)
    assert.match(said, /^PATH=/m)
    assert.doesNotMatch(said, /LD_PRELOAD|made\.up|lower/)
  })
}

test('no property of Object.prototype that a stream of Node would read leaves a child without a handle', {
  skip: needsLinux
}, async (t) => {
  const options = [
    'construct',
    'decodeStrings',
    'defaultEncoding',
    'destroy',
    'encoding',
    'final',
    'read',
    'readableHighWaterMark',
    'readableObjectMode',
    'writableHighWaterMark',
    'writableObjectMode',
    'write',
    'writev'
  ]
  for (const name of options) {
    const { env } = makeEnv(t)
    const child = withPrototype({ [name]: 'made-up' }, () =>
      spawnProvider(env, { ...ids, command: knownShell(), args: ['-c', 'echo said'], workspaceTrust: 'trusted' })
    )
    assert.ok(runningProcesses().length > 0, name)
    const [said, { code }] = await Promise.all([text(/** @type {any} */ (child.stdout)), child.exited])
    assert.equal(code, 0, name)
    assert.equal(said, 'said\n', name)
  }
})

test('whoever replaces a function of node:util after the load sees no secret', (t) => {
  const homes = makeHomes({ test: t })
  const seen = /** @type {unknown[]} */ ([])
  const before = { ...types }
  try {
    for (const name of REPLACED) {
      /** @type {any} */
      types[name] = (/** @type {unknown} */ value) => {
        seen.push(value)
        return before[name](value)
      }
    }
    Secret.from(Buffer.from(KEY)).dispose()
    buildProviderEnv(Buffer.from(JSON.stringify({ provider: 'claude', apiKey: KEY })), { workspace: workspaceOf(homes) }).dispose()
    buildProviderEnv({ provider: 'claude', apiKey: KEY }, { workspace: workspaceOf(homes) }).dispose()
  } finally {
    for (const name of REPLACED) /** @type {any} */ (types)[name] = before[name]
  }
  assert.deepEqual(seen, [])
})

test('what an iterator gave a redactor before it threw is wiped', () => {
  const given = Buffer.from('made-up-secret')
  assert.throws(
    () =>
      new Redactor(
        (function* () {
          yield given
          throw new Error('made up')
        })()
      ),
    /made up/
  )
  assert.ok(given.every((byte) => byte === 0))
})

/** @param {string} main @param {object} [env] @param {string} [before] */
function load(main, env = {}, before = '') {
  const script = `${before}; require(process.argv[1]); console.log('loaded')`
  return spawnSync(process.execPath, ['-e', script, main], { encoding: 'utf8', cwd: path.dirname(main), env: { ...process.env, ...env } })
}

test('an addon that the variable names is loaded, or none', { skip: needsLinux }, (t) => {
  const main = copyPackage(t)
  const dir = path.dirname(main)
  const addon = fs.readdirSync(dir).find((name) => name.endsWith('.node')) ?? ''
  assert.equal(load(main, { [VARIABLE]: path.join(dir, addon) }).stdout, 'loaded\n')
  const absent = load(main, { [VARIABLE]: '/absent/addon.node' })
  assert.equal(absent.stdout, '')
  assert.match(absent.stderr, /does not load .*\/absent\/addon\.node/)
  for (const name of [addon, `./${addon}`]) {
    const relative = load(main, { [VARIABLE]: name })
    assert.equal(relative.stdout, '')
    assert.match(relative.stderr, /NAPI_RS_NATIVE_LIBRARY_PATH must be an absolute path/)
  }
  assert.equal(load(main, { [VARIABLE]: '' }).stdout, 'loaded\n')
})

test('Object.prototype names no addon', { skip: needsLinux }, (t) => {
  const dir = path.dirname(copyPackage(t))
  const addon = path.join(dir, fs.readdirSync(dir).find((name) => name.endsWith('.node')) ?? '')
  const before = `Object.prototype.${VARIABLE} = ${JSON.stringify(addon)}; process.on('exit', () => console.log(require('node:fs').readFileSync('/proc/self/maps', 'utf8').includes(${JSON.stringify(addon)})))`
  assert.equal(load(MAIN, {}, before).stdout, 'loaded\nfalse\n')
})
