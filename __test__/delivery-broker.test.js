// Delivery by the broker, with a small program in the CLI's place: what the child has, what the API gets, who else may ask,
// and until when.
'use strict'

const assert = require('node:assert/strict')
const { execFile, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { spawnPortable } = require('./support/portable.js')
const { codexOptions, spawnProvider } = require('../index.js')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { descriptors, until } = require('./support/kernel.js')
const { KEYS, UID, firstLine, ids, isRoot, knownProgram, makeEnv, needsLinux, needsRoot, outcome } = require('./support/launch.js')

/** @typedef {'claude' | 'codex'} Provider */
const PROVIDERS = /** @type {Provider[]} */ (['claude', 'codex'])
/** Where each API is asked for a credential. @type {Record<Provider, (headers: http.IncomingHttpHeaders) => string>} */
const SENT = {
  claude: (headers) => String(headers['x-api-key']),
  codex: ({ authorization }) => String(authorization).replace('Bearer ', '')
}

/** The program that asks, where every uid can read it: the project may be below a closed directory. */
const FIXTURE = copyFixture()
const SCRIPT = `#!/bin/sh\nexec '${process.execPath}' '${FIXTURE}' "$@"\n`
/** Programs that tell a version, and one that tells none. */
const KNOWN = { claude: knownProgram('claude', SCRIPT), codex: knownProgram('codex', SCRIPT) }
const UNKNOWN = path.join(path.dirname(FIXTURE), 'agent')
fs.writeFileSync(UNKNOWN, SCRIPT, { mode: 0o755 })

function copyFixture() {
  const dir = makeOpenDir('provider-env-asks-')
  process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
  const file = path.join(dir, 'asks.js')
  fs.copyFileSync(path.join(__dirname, 'fixtures', 'asks-the-broker.js'), file)
  return file
}

/** An API on loopback that remembers the credentials of its requests. @param {import('node:test').TestContext} t @param {Provider} provider */
async function startApi(t, provider) {
  /** @type {string[]} */
  const seen = []
  const server = http.createServer((request, response) => {
    seen.push(SENT[provider](request.headers))
    request.resume().once('end', () => response.end('{"fine":true}'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { seen, baseUrl: `http://127.0.0.1:${port}${provider === 'codex' ? '/v1' : ''}` }
}

/**
 * A start of the program that asks, and what it prints.
 * @param {import('node:test').TestContext} t
 * @param {Provider} provider
 * @param {{ apiKey?: string, asks?: 'itself' | 'helper', start?: (env: any, options: any) => any, options?: any }} [more]
 */
async function startAsking(t, provider, { apiKey = KEYS[provider], asks = 'itself', start = spawnProvider, options } = {}) {
  const api = await startApi(t, provider)
  const { env, homes } = makeEnv(t, { provider, apiKey }, { baseUrl: api.baseUrl, set: { ASKS: asks } })
  const child = start(env, { ...ids, command: KNOWN[provider], workspaceTrust: 'trusted', ...options })
  t.after(() => child.kill('SIGKILL'))
  assert.equal(child.delivery, null, 'not known before it runs')
  child.stderr.resume()
  const line = await firstLine(child)
  return { api, child, homes, line, said: JSON.parse(line) }
}

/** @param {any} child */
async function end(child) {
  child.stdin.end()
  await once(child, 'close')
}

const STARTS = /** @type {[string, (env: any, options: any) => any][]} */ ([
  ['native', spawnProvider],
  ['portable', spawnPortable]
])

for (const provider of PROVIDERS) {
  for (const [startPath, start] of STARTS) {
    test(`${provider}, ${startPath} start: the API gets the key, and the child has none of it`, { skip: needsLinux }, async (t) => {
      const { api, child, line, said } = await startAsking(t, provider, { start })
      assert.deepEqual([said.answer, api.seen], [{ status: 200, text: '{"fine":true}' }, [KEYS[provider]]])
      assert.deepEqual([child.startPath, child.delivery, child.missingProtections.includes('broker')], [startPath, 'broker', false])
      assert.doesNotMatch(line + fs.readFileSync(`/proc/${child.pid}/environ`, 'latin1'), new RegExp(KEYS[provider]))
      await end(child)
    })

    test(`${provider}, ${startPath} start: a child of the CLI is refused, with all that the CLI has`, { skip: needsLinux }, async (t) => {
      const { api, child, said } = await startAsking(t, provider, { start, asks: 'helper' })
      assert.deepEqual([said.answer.status >= 400, api.seen], [true, []], JSON.stringify(said.answer))
      assert.match(said.answer.text, /belongs to another process/)
      await end(child)
    })

    test(`${provider}, ${startPath} start: nothing opens with it once the CLI has ended`, { skip: needsLinux }, async (t) => {
      const { api, child, said } = await startAsking(t, provider, { start })
      await end(child)
      // As the tenant, with the environment and the arguments of the launch.
      const { stdout } = spawnSync(process.execPath, said.argv.slice(1), { ...ids, env: said.env, input: '', encoding: 'utf8' })
      const { answer } = JSON.parse(stdout)
      if (provider === 'claude') assert.deepEqual(answer, { error: 'ENOENT' })
      else assert.match(`${answer.status} ${answer.text}`, /^400 .*(?:does not know this token|has ended)/)
      assert.deepEqual(api.seen, [KEYS[provider]])
    })
  }

  test(`${provider}: another uid is refused while the CLI runs`, { skip: needsLinux || needsRoot }, async (t) => {
    const { api, child, said } = await startAsking(t, provider)
    const other = { uid: UID + 1, gid: UID + 1 }
    const { stdout } = spawnSync(process.execPath, said.argv.slice(1), { ...other, env: said.env, input: '', encoding: 'utf8' })
    const { answer } = JSON.parse(stdout)
    if (provider === 'claude') assert.equal(answer.error, 'EACCES')
    else assert.match(`${answer.status} ${answer.text}`, /^400 .*another user/)
    assert.deepEqual(api.seen, [KEYS[provider]])
    await end(child)
  })

  test(`${provider}: a program of unknown version may be given the broker by name`, { skip: needsLinux }, async (t) => {
    const { api, child, said } = await startAsking(t, provider, { options: { command: UNKNOWN, delivery: 'broker' } })
    assert.deepEqual([said.answer.status, api.seen, child.delivery], [200, [KEYS[provider]], 'broker'])
    assert.ok(!child.missingProtections.includes('broker'))
    await end(child)
  })
}

test('many tenants at once: each asks with its own key alone', { skip: needsLinux }, async (t) => {
  const tokens = new Set()
  const one = async (/** @type {number} */ tenant) => {
    const provider = PROVIDERS[tenant % 2]
    const apiKey = `made-up-key-of-tenant-${tenant}-`
    const { api, child, said, line } = await startAsking(t, provider, { apiKey })
    assert.deepEqual(api.seen, [apiKey])
    assert.doesNotMatch(line, /made-up-key-of-tenant/)
    tokens.add(provider === 'codex' ? said.env.CODEX_API_KEY : said.env.ANTHROPIC_UNIX_SOCKET)
    await end(child)
  }
  for (let from = 0; from < 24; from += 6) await Promise.all(Array.from({ length: 6 }, (_, index) => one(from + index)))
  assert.equal(tokens.size, 24)
})

test('what was obtained is told, and where auto could not have the broker, that too', { skip: needsLinux }, async (t) => {
  const sh = '/bin/sh'
  for (const [provider, options, delivery, lacks] of /** @type {[Provider, any, string, boolean][]} */ ([
    ['claude', { command: sh }, 'fd', true],
    ['claude', { command: sh, delivery: 'auto' }, 'fd', true],
    ['claude', { command: sh, delivery: 'fd' }, 'fd', false],
    ['claude', { command: sh, delivery: 'env' }, 'env', false],
    ['claude', { command: sh, delivery: 'broker' }, 'broker', false],
    ['claude', { command: KNOWN.claude }, 'broker', false],
    ['codex', { command: sh }, 'broker', false],
    ['codex', { command: sh, delivery: 'env' }, 'env', false],
    ['codex', { command: KNOWN.codex }, 'broker', false]
  ])) {
    for (const [startPath, start] of STARTS) {
      const { env } = makeEnv(t, { provider }, { set: { ASKS: 'itself' } })
      const child = start(env, { ...ids, args: ['-c', ':'], workspaceTrust: 'trusted', ...options })
      child.stdin.end()
      const { code } = await outcome(child)
      const what = `${provider}, ${startPath}, ${JSON.stringify(options)}`
      assert.deepEqual([code, child.delivery, child.missingProtections.includes('broker')], [0, delivery, lacks], what)
    }
  }
})

test('a login that the CLI reads by itself has no delivery, and the broker none to add', { skip: needsLinux }, async (t) => {
  const { claudeConfigDir } = makeHomes({ uid: ids.uid, test: t })
  const { env } = makeEnv(t, { apiKey: undefined }, { workspace: { claudeConfigDir } })
  const child = spawnProvider(env, { ...ids, command: KNOWN.claude, workspaceTrust: 'trusted' })
  child.stdin?.end()
  await outcome(child)
  assert.deepEqual([child.delivery, child.missingProtections], [null, []])
  for (const start of [spawnProvider, spawnPortable]) {
    assert.throws(() => start(env, { ...ids, command: KNOWN.claude, delivery: 'broker' }), {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      names: ['delivery']
    })
  }
})

/** The sockets of launches on which this process listens. */
function openSockets() {
  const inodes = new Set([...descriptors('self').values()].map((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1]))
  const rows = fs
    .readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return rows.filter((row) => inodes.has(row[6]) && /\/pe-[^/]+\/(?:[^/]+\/)?s$/.test(row[7] ?? '')).map((row) => row[7])
}

test('a child that ends at once ends as it does: its start has not failed', { skip: needsLinux }, async (t) => {
  for (const [startPath, start] of STARTS) {
    const { env } = makeEnv(t, { provider: 'codex' })
    const ends = Array.from({ length: 100 }, () => outcome(start(env, { ...ids, command: '/bin/true', workspaceTrust: 'trusted' })))
    for (const { code, error } of await Promise.all(ends)) assert.deepEqual([code, error], [0, null], startPath)
  }
})

test('a launch has a socket as long as it runs, and one that fails leaves none', { skip: needsLinux || needsRoot }, async (t) => {
  const { child, said } = await startAsking(t, 'claude')
  const socket = said.env.ANTHROPIC_UNIX_SOCKET
  assert.deepEqual(openSockets(), [socket])
  assert.ok(Buffer.byteLength(socket) < 108, socket)
  await end(child)
  await until('its socket is closed', () => openSockets().length === 0)
  assert.equal(fs.existsSync(path.dirname(socket)), false)
  // The process is made, and cannot enter the directory.
  const { env, homes } = makeEnv(t)
  fs.chownSync(homes.workspace, 0, 0)
  const failed = spawnProvider(env, { ...ids, command: KNOWN.claude, workspaceTrust: 'trusted' })
  const { error } = await outcome(failed)
  assert.deepEqual([error?.step, failed.delivery], ['working-directory', null])
  await until('no socket is left', () => openSockets().length === 0)
})

test('the Codex SDK gets a token, which ends with dispose()', { skip: needsLinux }, async (t) => {
  const api = await startApi(t, 'codex')
  const { env } = makeEnv(t, { provider: 'codex' }, { baseUrl: api.baseUrl, set: { ASKS: 'itself' } })
  const options = codexOptions(env, { command: UNKNOWN, allowRoot: isRoot, cwd: '/' })
  assert.doesNotMatch(JSON.stringify(options), new RegExp(KEYS.codex))
  const ask = async () => {
    const asking = promisify(execFile)(options.codexPathOverride, options.configOverrides, { env: options.env })
    asking.child.stdin?.end()
    return JSON.parse((await asking).stdout).answer
  }
  assert.deepEqual([(await ask()).status, api.seen], [200, [KEYS.codex]])
  options.dispose()
  options.dispose()
  const { status, text } = await ask()
  assert.match(`${status} ${text}`, /^400 .*(?:does not know this token|has ended)/)
  assert.equal(api.seen.length, 1)
})

test('the token of the Codex SDK outlives the object that codexOptions() returned', { skip: needsLinux }, async (t) => {
  const api = await startApi(t, 'codex')
  // The SDK copies what it needs, so the object itself may be collected while its threads run.
  const copied = () => {
    const { env } = makeEnv(t, { provider: 'codex' }, { baseUrl: api.baseUrl, set: { ASKS: 'itself' } })
    const { codexPathOverride, configOverrides, env: variables } = codexOptions(env, { command: UNKNOWN, allowRoot: isRoot, cwd: '/' })
    return { codexPathOverride, configOverrides, variables }
  }
  const { codexPathOverride, configOverrides, variables } = copied()
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  for (let round = 0; round < 5; round += 1) {
    gc()
    // Finalizers run in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const asking = promisify(execFile)(codexPathOverride, configOverrides, { env: variables })
  asking.child.stdin?.end()
  assert.equal(JSON.parse((await asking).stdout).answer.status, 200)
  assert.deepEqual(api.seen, [KEYS.codex])
})

/** tgkill(2) to every thread of a process but its main one, for as long as nobody stops it. Numbers of x64. */
const STORM = `
  my $pid = shift;
  while (1) {
    opendir(my $tasks, "/proc/$pid/task") or exit;
    for my $id (grep { /^\\d+$/ && $_ != $pid } readdir $tasks) { syscall(234, $pid, $id + 0, 17) }
  }`

test('signals for the threads of the worker take no launch its access', {
  skip: needsLinux || (process.arch !== 'x64' && 'numbers of x64')
}, async (t) => {
  // With a listener, SIGCHLD interrupts system calls, as in every worker that uses child_process.
  const listen = () => {}
  process.on('SIGCHLD', listen)
  const storm = spawn('perl', ['-e', STORM, String(process.pid)], { stdio: 'ignore' })
  t.after(() => {
    storm.kill('SIGKILL')
    process.off('SIGCHLD', listen)
  })
  for (let round = 0; round < 6; round += 1) {
    const starts = await Promise.all(Array.from({ length: 8 }, (_, index) => startAsking(t, PROVIDERS[index % 2])))
    assert.deepEqual([...new Set(starts.map(({ said }) => JSON.stringify(said.answer)))], ['{"status":200,"text":"{\\"fine\\":true}"}'])
    for (const { child } of starts) child.kill('SIGKILL')
  }
})
