// What an error message says: what is in the way, by its name, and a remedy that works for it.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const test = require('node:test')
const { runCommand } = require('./support/internals.js')
const { CredentialStore, buildProviderEnv, checkKey, claudeAgentOptions, spawnProvider } = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { KEYS, UID, ids, makeEnv, needsLinux, needsRoot, outcome, startScript } = require('./support/launch.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const BASE_URL = 'http://127.0.0.1:9'

/** How a start of a shell script fails. @param {any} env @param {any} [options] */
const failureOf = async (env, options) => (await outcome(startScript(env, ':', options))).error

/** What is thrown. @param {() => unknown} call @returns {any} */
function thrown(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  assert.fail('nothing was thrown')
}

test('a file with variables: the one in the way, the variable that leads there, and where a copy is named by its version', {
  skip: needsLinux
}, async (t) => {
  for (const [name, names] of /** @type {[string, string[]][]} */ ([
    ['.claude.json', ['HOME']],
    ['.claude/.config.json', ['CLAUDE_CONFIG_DIR']]
  ])) {
    const { env, homes } = makeEnv(t)
    const file = path.join(homes.home, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, JSON.stringify({ env: { FOO: 'x', ANTHROPIC_BASE_URL: 'http://value-not-shown' } }))
    const error = await failureOf(env)
    assert.deepEqual([error.code, error.path, error.names], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', file, names])
    assert.match(error.message, /sets ANTHROPIC_BASE_URL in its env member, which can redirect/)
    assert.match(
      error.message,
      /Remove that variable from the env member, or remove the file, or .* versions\/<version> \(docs\/hardening\.md\)/
    )
    assert.doesNotMatch(error.message, /parsed|value-not-shown|FOO/)
    // A tenant chose the name: only one that is safe anywhere is shown.
    fs.writeFileSync(file, JSON.stringify({ env: { 'LD_\u001b[2J': 'x' } }))
    const strange = await failureOf(env)
    assert.match(strange.message, /sets … in its env member/)
    assert.doesNotMatch(strange.message, /\u001b|LD_/)
  }
})

test('a file that cannot be understood is said to be that', { skip: needsLinux }, async (t) => {
  const { env, homes } = makeEnv(t)
  const file = path.join(homes.home, '.claude.json')
  for (const text of ['{"env": ', '"env"', '']) {
    fs.writeFileSync(file, text)
    const error = await failureOf(env)
    assert.match(error.message, /cannot be parsed.*Correct the file so that it is one JSON object, or remove it, or start/, text)
    assert.doesNotMatch(error.message, /env member/)
  }
  fs.rmSync(file)
  fs.mkdirSync(file)
  assert.match((await failureOf(env)).message, /cannot be read as a regular file/)
})

test('a variable of ours with another value: whose it is, why, and which value passes', () => {
  const name = 'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC'
  const build = (/** @type {any} */ options) => buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { home: '/home/w' }, ...options })
  const beside = thrown(() => build({ baseUrl: BASE_URL, set: { [name]: '0' } }))
  assert.deepEqual([beside.code, beside.names], ['ERR_PROVIDER_ENV_FORBIDDEN', [name]])
  assert.match(beside.message, /must be "1" with options\.baseUrl.*credential.*Omit it, or pass "1"/)
  build({ baseUrl: BASE_URL, set: { [name]: '1' } })
  assert.match(thrown(() => build({ set: { ALIVE_WORKSPACE_ID: 'x' } })).message, /is set by this package's own options/)
})

test('a secret in an option: advice that fits the option', { skip: needsLinux }, (t) => {
  const secret = 'value-of-the-tenant'
  const { env } = makeEnv(t, { userEnvKeys: { TOKEN: secret } })
  const refusal = (/** @type {any} */ options) => thrown(() => spawnProvider(env, { ...ids, command: '/bin/true', ...options })).message
  assert.match(
    refusal({ args: [`--x=${secret}`] }),
    /options\.args\[0\] contains the value of USER_TOKEN.*name the variable instead, or pass the text on stdin/
  )
  const key = refusal({ args: [`--x=${KEYS.claude}`] })
  assert.match(key, /contains this launch's credential.*Omit it: this package passes it to Claude Code/)
  assert.doesNotMatch(key, /variable/, 'Claude’s key is on a pipe')
  assert.match(refusal({ cwd: `/srv/${secret}` }), /options\.cwd contains.*Pass a path without it/)
  assert.match(refusal({ command: `/opt/${KEYS.claude}/claude` }), /options\.command contains.*Pass a path without it/)
  const codex = makeEnv(t, { provider: 'codex' }, { baseUrl: `${BASE_URL}/${KEYS.codex}` }).env
  const baseUrl = thrown(() => spawnProvider(codex, { ...ids, command: '/bin/true', args: ['exec'] })).message
  assert.match(baseUrl, /options\.baseUrl contains.*Pass a URL without it/)
  for (const text of [refusal({ cwd: `/srv/${secret}` }), baseUrl]) assert.doesNotMatch(text, /stdin|name the variable/)
})

test('a working directory that is closed: which directory closes it', { skip: needsRoot || needsLinux }, async (t) => {
  const { env, homes } = makeEnv(t)
  const closed = path.join(homes.workspace, 'closed')
  fs.mkdirSync(path.join(closed, 'below', 'deep'), { recursive: true })
  fs.chmodSync(closed, 0o700)
  const error = await failureOf(env, { cwd: path.join(closed, 'below', 'deep') })
  assert.deepEqual([error.code, error.step, error.errno, error.path], ['ERR_PROVIDER_SPAWN_FAILED', 'working-directory', -13, closed])
  assert.ok(error.message.includes(`${closed} belongs to 0:0 and has mode 0700`), error.message)
})

test('a relative working directory is refused at once', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t)
  for (const cwd of ['site', './site', '.']) {
    const { code, message } = thrown(() => startScript(env, ':', { cwd }))
    assert.deepEqual([code, message], ['ERR_INVALID_ARG_VALUE', 'options.cwd must be an absolute path.'])
  }
})

test('a limit that is refused: which option, and which bound', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const most = Number(fs.readFileSync('/proc/sys/fs/nr_open', 'utf8'))
  const error = await failureOf(env, { limits: { cpuSeconds: 60, openFiles: most + 1 } })
  assert.deepEqual([error.code, error.step, error.errno, error.names], ['ERR_PROVIDER_SPAWN_FAILED', 'limits', -1, ['limits.openFiles']])
  assert.match(
    error.message,
    new RegExp(`options\\.limits\\.openFiles is above fs\\.nr_open, which is ${most} on this machine and applies to every user`)
  )
  assert.doesNotMatch(error.message, /needs root/)
})

test('the error for a worker that is not root and has a core limit of 0 says what to do', { skip: needsRoot || needsLinux }, async (t) => {
  const { homes } = makeEnv(t)
  fs.chmodSync(homes.tmpDir, 0o777)
  const main = copyPackage(t)
  const start = async (/** @type {string} */ limit) => {
    const worker = startWorker(
      t,
      `
      const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: input })
      const child = main.spawnProvider(env, { command: '/bin/true', args: [], workspaceTrust: 'trusted' })
      child.on('error', ({ message }) => say(message)).on('exit', (code) => say(code))`,
      {
        main,
        input: { home: '/', dir: '/', tmpDir: homes.tmpDir },
        before: ['prlimit', `--core=${limit}`],
        spawn: { uid: UID, gid: UID, cwd: '/' }
      }
    )
    return await worker.next()
  }
  assert.match(await start('0:0'), /step limits: Operation not permitted.*hard limit is 0\. Start the worker with 1: LimitCORE=1/)
  assert.equal(await start('1:1'), 0)
})

test('what the Agent SDK makes arguments of is called by its own name too', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t)
  const options = claudeAgentOptions(env, { ...ids, command: '/bin/true' })
  const start = (/** @type {string[]} */ ...args) =>
    thrown(() =>
      options.spawnClaudeCodeProcess(/** @type {any} */ ({ args, cwd: '/', env: {}, command: 'node', signal: AbortSignal.timeout(60_000) }))
    ).message
  assert.match(start('--setting-sources=project'), /settingSources.*workspace is untrusted/)
  assert.match(start('--mcp-config', '{"mcpServers":{"a":{"command":"x","env":{"A":"b"}}}}'), /--mcp-config.*mcpServersDelivery/)
})

test('a path that an error is about is in its text', async (t) => {
  const { claudeConfigDir: dir } = makeHomes({ test: t })
  const missing = path.join(dir, 'missing')
  await assert.rejects(CredentialStore.open('claude', { dir: missing }), (/** @type {any} */ error) => {
    assert.equal(error.path, missing)
    assert.ok(error.message.includes(missing), error.message)
    return true
  })
  const file = path.join(dir, '.credentials.json')
  const asFile = {
    text: () => fs.writeFileSync(file, 'no JSON', { mode: 0o600 }),
    open: () => fs.writeFileSync(file, '{}'),
    none: () => {}
  }
  for (const [name, make] of Object.entries(asFile)) {
    make()
    if (name === 'open') fs.chmodSync(file, 0o666)
    await assert.rejects(CredentialStore.open('claude', { dir }), (/** @type {any} */ error) => {
      assert.ok(error.path === file && error.message.includes(file), `${name}: ${error.message}`)
      return true
    })
    fs.rmSync(file, { force: true })
  }
})

test('a check without a base URL does not send anybody to look at one', async (t) => {
  // In the place of the vendor, and of whoever is given as one: it says yes to a CONNECT, and then something that is no TLS.
  const babbler = net
    .createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n')
          socket.once('data', () => socket.end('this is no TLS'))
        })
    })
    .listen(0, '127.0.0.1')
  t.after(() => babbler.close())
  await once(babbler, 'listening')
  const proxy = `http://127.0.0.1:${/** @type {net.AddressInfo} */ (babbler.address()).port}`
  const { reason, message } = await checkKey('claude', KEYS.claude, { timeoutMs: 5000, proxy })
  assert.equal(reason, 'tls', message)
  assert.match(message, /Check this server's clock and trusted roots, and whether a proxy intercepts its connections/)
  assert.doesNotMatch(message, /base URL/)
  const given = await checkKey('claude', KEYS.claude, { timeoutMs: 5000, proxy, baseUrl: 'https://gateway.example' })
  assert.match(given.message, /the host of the base URL/)
})

test('a program that the target may not execute: what keeps it', { skip: needsRoot || needsLinux }, async (t) => {
  const homes = makeHomes({ uid: UID, test: t })
  const closed = path.join(homes.workspace, 'closed')
  fs.mkdirSync(closed, { mode: 0o700 })
  const inside = path.join(closed, 'tool')
  const plain = path.join(homes.workspace, 'plain')
  for (const file of [inside, plain]) fs.writeFileSync(file, '#!/bin/sh\n')
  fs.chmodSync(inside, 0o755)
  fs.chmodSync(plain, 0o644)
  const target = { uid: UID, gid: UID }
  for (const [command, culprit, mode] of [
    [inside, closed, '0700'],
    [plain, plain, '0644']
  ]) {
    await assert.rejects(runCommand(command, [], target).ended, (/** @type {any} */ error) => {
      assert.deepEqual([error.step, error.errno, error.path], ['execute', -13, culprit])
      assert.ok(error.message.includes(`${culprit} belongs to 0:0 and has mode ${mode}`), error.message)
      return true
    })
  }
  fs.writeFileSync(plain, '\x7fELF, but not really')
  fs.chmodSync(plain, 0o755)
  await assert.rejects(runCommand(plain, [], target).ended, /Exec format error.*#!/)
})
