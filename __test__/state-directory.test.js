// Directories that a CLI needs are checked as the target, before any byte of it runs.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const { codexOptions, spawnProvider, takeServerCredentials } = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { UID, ids, knownShell, makeEnv, needsRoot, outcome, startScript, workspaceOf } = require('./support/launch.js')

/** Whom it is about, what is done to the directory, errno, message. @type {any[]} */
const ROWS = [
  [
    'codex',
    'codexHome',
    'CODEX_HOME',
    'missing',
    (dir) => fs.rmdirSync(dir),
    -2,
    () => 'does not exist. Create it, and make the target user its owner'
  ],
  [
    'codex',
    'codexHome',
    'CODEX_HOME',
    'root’s',
    (dir) => (fs.chownSync(dir, 0, 0), fs.chmodSync(dir, 0o755)),
    -13,
    () => 'belongs to root and has mode 0755. Name a directory of the tenant in options.workspace.'
  ],
  [
    'codex',
    'codexHome',
    'CODEX_HOME',
    'read-only',
    (dir) => fs.chmodSync(dir, 0o500),
    -13,
    () => `belongs to ${UID}:${UID} and has mode 0500`
  ],
  [
    'codex',
    'codexHome',
    'CODEX_HOME',
    'a file',
    (dir) => (fs.rmdirSync(dir), fs.writeFileSync(dir, '')),
    -13,
    () => 'is not a directory. Name a directory'
  ],
  ['claude', 'tmpDir', 'TMPDIR', 'missing', (dir) => fs.rmdirSync(dir), -2, () => 'does not exist'],
  [
    'claude',
    'tmpDir',
    'TMPDIR',
    'root’s',
    (dir) => (fs.chownSync(dir, 0, 0), fs.chmodSync(dir, 0o755)),
    -13,
    () => 'belongs to root and has mode 0755'
  ],
  // The CLI would start, and keep nothing of the session.
  [
    'claude',
    'claudeConfigDir',
    'CLAUDE_CONFIG_DIR',
    'root’s',
    (dir) => (fs.chownSync(dir, 0, 0), fs.chmodSync(dir, 0o755)),
    -13,
    () => 'belongs to root and has mode 0755. Name a directory of the tenant in options.workspace.'
  ],
  [
    'claude',
    'claudeConfigDir',
    'CLAUDE_CONFIG_DIR',
    'read-only',
    (dir) => fs.chmodSync(dir, 0o500),
    -13,
    () => `belongs to ${UID}:${UID} and has mode 0500`
  ]
]

for (const [provider, option, variable, what, spoil, errno, message] of ROWS) {
  test(`${provider}: ${variable} that is ${what}`, { skip: needsRoot }, async (t) => {
    const { env, homes } = makeEnvWithState(t, provider)
    const dir = /** @type {any} */ (homes)[option]
    spoil(dir)
    const marker = path.join(homes.workspace, 'ran')
    const { error, events } = await outcome(startScript(env, `echo > ${marker}`))
    const { code, step, syscall, names, path: at } = error
    assert.deepEqual(
      { code, step, syscall, names, at, errno: error.errno, events },
      {
        code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE',
        step: 'state-directory',
        syscall: 'faccessat',
        names: [variable],
        at: dir,
        errno,
        events: ['error', 'close']
      }
    )
    assert.ok(error.message.startsWith(`${variable} (${dir}) is not writable by uid ${UID} gid ${UID}: it `), error.message)
    assert.ok(error.message.includes(message(dir)), error.message)
    assert.equal(fs.existsSync(marker), false, 'nothing ran')
  })
}

/** An environment with its own state directory. @param {any} t @param {string} provider */
function makeEnvWithState(t, provider) {
  const homes = makeHomes({ uid: ids.uid, test: t })
  const workspace = { ...workspaceOf(homes), claudeConfigDir: homes.claudeConfigDir }
  return { homes, env: makeEnv(t, { provider }, { workspace }).env }
}

test('claude makes its state directory, with what is missing above it, where it may', { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnvWithState(t, 'claude')
  const dir = homes.claudeConfigDir
  fs.rmdirSync(dir)
  // In a directory of root's it cannot.
  const { error } = await outcome(startScript(env, 'exit 0'))
  assert.deepEqual([error.code, error.path, error.names, error.errno], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', dir, ['CLAUDE_CONFIG_DIR'], -13])
  assert.ok(
    error.message.includes(`it does not exist and cannot be created: ${homes.root} belongs to root and has mode 0755. Name a directory`),
    error.message
  )
  const deep = path.join(homes.home, 'a', 'b', 'c')
  const other = makeEnv(t, {}, { workspace: { ...workspaceOf(homes), claudeConfigDir: deep } }).env
  assert.equal((await outcome(startScript(other, 'exit 0'))).code, 0)
  // Where sessions lie, and root has made that directory.
  fs.mkdirSync(path.join(deep, 'projects'), { recursive: true })
  fs.chownSync(deep, UID, UID)
  const { error: sessions } = await outcome(startScript(other, 'exit 0'))
  assert.deepEqual([sessions.code, sessions.path], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', path.join(deep, 'projects')])
  assert.match(sessions.message, /belongs to root and has mode 0755/)
})

test('claude without a named state directory starts in a home that it may not write to', { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnv(t)
  fs.chownSync(homes.home, 0, 0)
  fs.chmodSync(homes.home, 0o755)
  assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0)
})

for (const [provider, option, variable] of /** @type {const} */ ([
  ['codex', 'codexHome', 'CODEX_HOME'],
  ['claude', 'claudeConfigDir', 'CLAUDE_CONFIG_DIR']
])) {
  test(`${provider}: a state directory behind a closed one is not said to be missing`, { skip: needsRoot }, async (t) => {
    const homes = makeHomes({ uid: ids.uid, test: t })
    const closed = path.join(homes.root, 'closed')
    const dir = path.join(closed, 'state')
    fs.mkdirSync(dir, { recursive: true })
    fs.chownSync(dir, UID, UID)
    fs.chmodSync(closed, 0o700)
    const workspace = { ...workspaceOf(homes), [option]: dir }
    const expected = { code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE', path: closed, names: [variable], errno: -13 }
    const message = `${variable} (${dir}) is not writable by uid ${UID} gid ${UID}: it cannot be reached: ${closed} belongs to 0:0 and has mode 0700, which keeps the target user out. Let the target user through, or name another directory.`

    const { error } = await outcome(startScript(makeEnv(t, { provider }, { workspace }).env, 'exit 0'))
    assert.deepEqual([{ code: error.code, path: error.path, names: error.names, errno: error.errno }, error.message], [expected, message])

    // In a worker that has dropped already, and cannot look for itself.
    const { stdout } = spawnSync(process.execPath, [path.join(__dirname, 'fixtures', 'starts-dropped.js')], {
      encoding: 'utf8',
      input: JSON.stringify({ uid: UID, provider, workspace })
    })
    const seen = JSON.parse(stdout)
    assert.deepEqual({ code: seen.code, path: seen.path, names: seen.names, errno: seen.errno }, expected)
    assert.ok(seen.message.includes(`${closed} belongs to 0:0 and has mode 0700, which keeps `), seen.message)
    assert.doesNotMatch(seen.message, /does not exist/)
  })
}

test('codex makes its own directory in a home that it may write to, and in no other', { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex' }, { workspace: { codexHome: undefined } })
  assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0)
  fs.chownSync(homes.home, 0, 0)
  fs.chmodSync(homes.home, 0o755)
  const { error } = await outcome(startScript(env, 'exit 0'))
  assert.deepEqual(
    [error.code, error.path, error.names],
    ['ERR_PROVIDER_STATE_DIR_UNUSABLE', path.join(homes.home, '.codex'), ['CODEX_HOME']]
  )
  assert.match(error.message, /\.codex\) is not writable by/)
})

test('what the other provider needs does not matter', { skip: needsRoot }, async (t) => {
  for (const [provider, option] of /** @type {const} */ ([
    ['claude', 'codexHome'],
    ['codex', 'tmpDir']
  ])) {
    const { env, homes } = makeEnv(t, { provider })
    fs.rmdirSync(homes[option])
    assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0, provider)
  }
})

/** A server's key. @param {any} t */
function takeServerKey(t) {
  process.env.OPENAI_API_KEY = 'sk-proj-made-up-key-of-the-server'
  const serverCredentials = takeServerCredentials()
  t.after(() => serverCredentials.dispose())
  return serverCredentials
}

/** What is in the state directory, and what is refused of it. @type {Record<string, [(at: (...parts: string[]) => string) => void, 'file' | 'directory']>} */
const REDIRECTIONS = {
  'a file': [(at) => fs.writeFileSync(at('.env'), ''), 'file'],
  'a link to nowhere': [(at) => fs.symlinkSync('/nowhere/at/all', at('.env')), 'file'],
  'a directory': [(at) => fs.mkdirSync(at('.env')), 'file'],
  'behind a link': [
    (at) => (fs.mkdirSync(at('..', 'other')), fs.writeFileSync(at('..', 'other', '.env'), ''), relink(at(), at('..', 'other'))),
    'file'
  ],
  // Each of these is another directory to the CLI than to the worker.
  'in its working directory': [(at) => relink(at(), '/proc/self/cwd'), 'directory'],
  'in its root': [(at) => relink(at(), '/proc/self/root'), 'directory'],
  'below a process that is yet to come': [(at) => relink(at(), `/proc/4194303/../..${at('..')}`), 'directory']
}

/** @param {string} dir @param {string} target */
function relink(dir, target) {
  fs.rmdirSync(dir)
  fs.symlinkSync(target, dir)
}

for (const [what, [make, refusedAt]] of Object.entries(REDIRECTIONS)) {
  test(`a server's key is not started with beside .env: ${what}`, { skip: needsRoot }, async (t) => {
    const serverCredentials = takeServerKey(t)
    for (const codexHome of [true, false]) {
      const { env, homes } = makeEnv(
        t,
        { provider: 'codex', apiKey: undefined },
        { serverCredentials, ...(codexHome ? {} : { workspace: { codexHome: undefined } }) }
      )
      const dir = codexHome ? homes.codexHome : path.join(homes.home, '.codex')
      // What sh runs when its first argument is the subcommand.
      fs.writeFileSync(path.join(homes.workspace, 'exec'), 'echo ran $1')
      const options = /** @type {const} */ ({ ...ids, command: knownShell('codex'), args: ['exec'], cwd: homes.workspace, delivery: 'env' })
      for (const args of [['exec'], ['exec', '--ignore-user-config']]) {
        assert.equal((await outcome(spawnProvider(env, { ...options, args }))).stdout, 'ran --ignore-user-config\n')
      }
      fs.mkdirSync(dir, { recursive: true })
      fs.chownSync(dir, UID, UID)
      make((...parts) => path.join(dir, ...parts))
      const at = refusedAt === 'file' ? path.join(dir, '.env') : dir
      const { error, events, stdout } = await outcome(spawnProvider(env, options))
      assert.deepEqual(
        [error?.code, error?.path, error?.names, events, stdout],
        ['ERR_PROVIDER_STATE_DIR_UNUSABLE', at, ['CODEX_HOME'], ['error', 'close'], '']
      )
      assert.match(
        error.message,
        /that key elsewhere.* Name another directory in options\.workspace\.codexHome, or pass the tenant's own key\.$/
      )
      const portable = await outcome(spawnPortable(env, options))
      assert.deepEqual(
        [portable.error?.code, portable.error?.path, portable.events, portable.stdout],
        ['ERR_PROVIDER_STATE_DIR_UNUSABLE', at, ['error', 'close'], '']
      )
      // What the file can send elsewhere then is a token that opens nothing there. That there is a directory to write to
      // is looked at in any start.
      const started = await outcome(spawnProvider(env, { ...options, delivery: 'broker' }))
      if (started.error) assert.deepEqual([started.error.step, started.error.path], ['state-directory', dir])
      else assert.equal(started.stdout, 'ran -c\n')
    }
  })
}

/** Arguments, and what they must be instead. @type {[string[], RegExp][]} */
const LOOSE = [
  [[], /must begin with exec or e/],
  [['-c', 'a=1', 'exec', 'hi'], /must begin with exec or e/],
  [['app-server'], /must begin with exec or e/],
  [['--', 'exec'], /must begin with exec or e/],
  [['exec', '-m', '--ignore-user-config', 'hi'], /must not contain --ignore-user-config/],
  [['exec', '--ignore-user-config', '--ignore-user-config', 'hi'], /must not contain --ignore-user-config/]
]

test("arguments that would let config.toml have the server's key are refused", { skip: needsRoot }, (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex', apiKey: undefined }, { serverCredentials: takeServerKey(t) })
  for (const [args, message] of LOOSE) {
    assert.throws(
      () => spawnProvider(env, { ...ids, command: '/bin/sh', args, delivery: 'env', cwd: homes.workspace }),
      { code: 'ERR_INVALID_ARG_VALUE', message },
      args.join(' ')
    )
  }
  // The SDK makes the arguments.
  const launch = { command: '/bin/true', exposeSecrets: true, allowRoot: true, cwd: homes.workspace }
  assert.throws(() => codexOptions(env, { ...launch, delivery: 'env' }), {
    code: 'ERR_PROVIDER_UNSUPPORTED',
    names: ['serverCredentials'],
    message: /Use delivery "auto", spawnProvider\(\), or the workspace's own key/
  })
  const options = codexOptions(env, launch)
  assert.doesNotMatch(JSON.stringify(options), /sk-proj-made-up-key-of-the-server/, 'by the broker the agent has no key')
  options.dispose()
})

test("a tenant's own key goes where the tenant says", { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex' })
  fs.writeFileSync(path.join(homes.codexHome, '.env'), '')
  for (const delivery of ['env', 'broker']) {
    const { stdout } = await outcome(startScript(env, 'echo "$@"', { args: ['sh', 'app-server'], delivery }))
    assert.match(stdout, /app-server/, delivery)
    assert.doesNotMatch(stdout, /--ignore-user-config/, delivery)
  }
})
