// revoke(): who is refused, when, in which thread, and what is listed; seen from the children that do and do not start.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')
const test = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const main = require('../index.js')
const { ids, makeEnv, needsLinux, outcome, startScript } = require('./support/launch.js')
const { isRunning, until } = require('./support/kernel.js')

const { buildProviderEnv, claudeAgentOptions, codexOptions, restore, revoke, runningProcesses } = main
const REVOKED = { code: 'ERR_PROVIDER_CREDENTIAL_REVOKED' }
const workspace = { home: '/home/w', dir: '/' }
let made = 0
/** A made-up key that no other test has, as what is revoked stays so. */
const freshKey = () => `sk-revocation-${process.pid}-${(made += 1)}-made-up`
const fingerprintOf = (/** @type {string} */ key) => String(main.validateKey('claude', key).fingerprint)
const STAYS = 'trap "" TERM; echo ready; while :; do sleep 1; done'

test('each door is closed for it, and for no other key; restore opens them', { skip: needsLinux }, async (t) => {
  const apiKey = freshKey()
  const claude = makeEnv(t, { apiKey }).env
  const codex = makeEnv(t, { provider: 'codex', apiKey }).env
  const other = makeEnv(t, { apiKey: freshKey() }).env
  const sdk = claudeAgentOptions(claude, { command: '/bin/sh', ...ids, cwd: '/' })
  const signal = new AbortController().signal
  const sdkStart = () => sdk.spawnClaudeCodeProcess({ command: '/bin/sh', args: ['-c', ':'], cwd: '/', env: {}, signal })
  const direct = { command: '/bin/sh', exposeSecrets: true, allowRoot: true, cwd: '/' }
  const doors = {
    buildProviderEnv: () => buildProviderEnv({ apiKey }, { workspace }).dispose(),
    'buildProviderEnv for the other provider': () => buildProviderEnv({ provider: 'codex', apiKey }, { workspace }).dispose(),
    spawnProvider: () => startScript(claude, ':'),
    'spawnProvider by environment': () => startScript(codex, ':', { delivery: 'env' }),
    'spawnProvider by the broker': () => startScript(codex, ':', { delivery: 'broker' }),
    'claudeAgentOptions’ start': sdkStart,
    'codexOptions with the key': () => codexOptions(codex, { ...direct, delivery: 'env' }),
    'codexOptions with a token': () => codexOptions(codex, direct).dispose(),
    exposeSecrets: () => claude.exposeSecrets()
  }
  const all = async () => {
    for (const [name, open] of Object.entries(doors)) {
      const child = /** @type {any} */ (open())
      if (child instanceof main.ProviderProcess) assert.equal((await outcome(child)).error, null, name)
    }
  }
  await all()
  assert.deepEqual(revoke(claude), [])
  for (const [name, open] of Object.entries(doors)) {
    assert.throws(open, (/** @type {any} */ error) => {
      assert.ok(error instanceof main.ProviderError, name)
      assert.equal(error.code, REVOKED.code, name)
      assert.ok(error.message.includes(String(claude.credential.fingerprint)))
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes(apiKey))
      return true
    })
  }
  assert.equal((await outcome(startScript(other, 'echo other'))).stdout, 'other\n')
  assert.deepEqual([restore(claude), restore(claude)], [true, false])
  await all()
})

test('whatever way the key comes, and never for another credential’s bill', () => {
  const key = freshKey()
  const fingerprint = fingerprintOf(key)
  process.env.ANTHROPIC_API_KEY = freshKey()
  const serverCredentials = main.takeServerCredentials()
  const lockbox = new main.Lockbox({ masterKeys: [Buffer.alloc(32, 7)] })
  const context = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
  const recipient = main.createRecipient()
  const seal = () =>
    lockbox.unsealFor(lockbox.seal(Buffer.from(key), context), context, recipient.publicKey, {
      workspace: 'w',
      field: 'apiKey',
      request: 'r'
    })
  const ways = {
    string: () => ({ apiKey: key }),
    bytes: () => ({ apiKey: Buffer.from(key) }),
    handle: () => ({ apiKey: main.Secret.from(Buffer.from(key)) }),
    sealed: () => ({ apiKey: seal() }),
    token: () => ({ oauthAccessToken: key }),
    json: () => Buffer.from(JSON.stringify({ apiKey: key }))
  }
  const options = { serverCredentials, recipient, requestId: 'r', workspace: { ...workspace, id: 'w' } }
  const build = (/** @type {any} */ payload) => buildProviderEnv(payload, options)
  for (const way of Object.values(ways)) assert.equal(build(way()).credential.fingerprint, fingerprint)
  revoke(main.Secret.from(Buffer.from(key)))
  for (const [name, way] of Object.entries(ways)) assert.throws(() => build(way()), REVOKED, name)
  // A sealed key that was refused is not used up.
  const kept = seal()
  assert.throws(() => build({ apiKey: kept }), REVOKED)
  restore(fingerprint)
  assert.equal(build({ apiKey: kept }).credential.fingerprint, fingerprint)
  // The server's own.
  assert.equal(build({}).apiKeySource, 'server')
  revoke(String(serverCredentials.fingerprint('claude')))
  assert.throws(() => build({}), REVOKED)
  assert.equal(build({ apiKey: freshKey() }).apiKeySource, 'user')
})

test('what runs with it is listed, and goes on until it is ended', { skip: needsLinux }, async (t) => {
  const [one, two] = [makeEnv(t, { apiKey: freshKey() }).env, makeEnv(t, { provider: 'codex', apiKey: freshKey() }).env]
  const children = [one, two, one].map((env) => startScript(env, STAYS, { killGraceMs: 50 }))
  t.after(() => children.forEach((child) => child.kill('SIGKILL')))
  await Promise.all(children.map((child) => once(/** @type {any} */ (child.stdout), 'data')))
  assert.deepEqual(
    children.map(({ provider, credential }) => [provider, credential]),
    [one, two, one].map((env) => [env.provider, env.credential])
  )
  const [print] = [one, two].map((env) => String(env.credential.fingerprint))
  assert.deepEqual(runningProcesses(), children)
  assert.deepEqual(runningProcesses({ provider: 'codex' }), [children[1]])
  assert.deepEqual(runningProcesses({ fingerprint: print.toUpperCase() }), [children[0], children[2]])
  assert.deepEqual(runningProcesses({ fingerprint: print, provider: 'codex' }), [])
  assert.deepEqual(revoke(print.toUpperCase()), [children[0], children[2]])
  assert.ok(children.every(({ pid }) => isRunning(Number(pid))))
  for (const child of revoke(one)) child.kill()
  await Promise.all([children[0].exited, children[2].exited])
  assert.deepEqual([runningProcesses(), revoke(print)], [[children[1]], []])
  assert.ok(isRunning(Number(children[1].pid)))
  children[1].kill('SIGKILL')
  await children[1].exited
  // One that does not start is not there either.
  const failed = startScript(two, ':', { command: '/nowhere' })
  assert.deepEqual(runningProcesses(), [failed])
  await assert.rejects(failed.spawned, { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND' })
  assert.deepEqual(runningProcesses(), [])
})

test('a start that waits in the queue is refused, and one that was made is listed', { skip: needsLinux }, async (t) => {
  const revokeWhileStarting = async () => {
    const { env } = makeEnv(t, { provider: 'codex', apiKey: freshKey() })
    const children = Array.from({ length: 150 }, () => startScript(env, 'echo "$CODEX_API_KEY"'))
    const outcomes = children.map((child) => outcome(child))
    const listed = new Set(revoke(env))
    const seen = await Promise.all(outcomes)
    const started = children.filter((_, index) => seen[index].error === null)
    const refused = seen.filter(({ error }) => error?.code === REVOKED.code)
    t.diagnostic(`${started.length} were made before, ${refused.length} were refused in the queue`)
    assert.equal(started.length + refused.length, children.length)
    assert.ok(
      started.every((child) => listed.has(child)),
      'a process that nobody could end'
    )
    for (const { events, stdout, error } of refused) {
      assert.deepEqual([events, stdout, error.provider], [['error', 'close'], '', 'codex'])
    }
    return refused.length
  }
  // Where this thread was held up before it revoked, all of them were made: that shows nothing.
  await until('some have waited', async () => (await revokeWhileStarting()) > 0)
})

test('the portable start, too', async (t) => {
  const { env } = makeEnv(t, { apiKey: freshKey() })
  const start = (/** @type {string} */ script) =>
    spawnPortable(env, { command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', ...ids })
  const child = start('echo ready; exec sleep 60')
  await once(/** @type {any} */ (child.stdout), 'data')
  assert.deepEqual(revoke(env), [child])
  assert.throws(() => start('echo started'), REVOKED)
  child.kill('SIGKILL')
  await child.exited
  assert.deepEqual(runningProcesses(), [])
})

test('what cannot be a credential is refused, and not echoed', () => {
  const key = freshKey()
  for (const [target, code] of /** @type {[any, string][]} */ ([
    [key, 'ERR_INVALID_ARG_VALUE'],
    ['', 'ERR_INVALID_ARG_VALUE'],
    ['0123456g', 'ERR_INVALID_ARG_VALUE'],
    [5, 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [Buffer.from(key), 'ERR_INVALID_ARG_TYPE'],
    [buildProviderEnv({}, { workspace: { ...workspace, claudeConfigDir: '/srv/c' } }), 'ERR_PROVIDER_UNSUPPORTED']
  ])) {
    for (const call of [revoke, restore]) {
      assert.throws(
        () => call(target),
        (/** @type {any} */ error) => error.code === code && !error.stack.includes(key),
        code
      )
    }
  }
  assert.throws(() => runningProcesses(/** @type {any} */ ({ pid: 1 })), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => runningProcesses(/** @type {any} */ ({ provider: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
  // A config directory's own login has no fingerprint that could be revoked, and goes on working.
  assert.equal(buildProviderEnv({}, { workspace: { ...workspace, claudeConfigDir: '/srv/c' } }).credential.fingerprint, null)
})

test('a disposed handle or environment still names its credential', () => {
  const apiKey = freshKey()
  const env = buildProviderEnv({ apiKey }, { workspace })
  const secret = main.Secret.from(Buffer.from(apiKey))
  for (const each of [env, secret]) each.dispose()
  for (const each of [env, secret]) {
    revoke(each)
    assert.throws(() => buildProviderEnv({ apiKey }, { workspace }), REVOKED)
    assert.equal(restore(each), true)
    buildProviderEnv({ apiKey }, { workspace })
  }
})

/** A thread that runs commands: `[name, ...arguments]` of a function in here, and answers. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads')
  const main = require(workerData.main)
  const children = []
  const build = (apiKey) => main.buildProviderEnv({ apiKey }, { workspace: workerData.workspace })
  const acts = {
    build: (apiKey) => build(apiKey).credential.fingerprint,
    async start(apiKey) {
      const child = main.spawnProvider(build(apiKey), { ...workerData.ids, command: '/bin/sh', args: ['-c', 'exec sleep 60'], workspaceTrust: 'trusted' })
      children.push(child)
      await child.spawned
      return child.pid
    },
    revoke: (fingerprint) => main.revoke(fingerprint).map((child) => child.pid),
    running: (filter) => main.runningProcesses(filter).map((child) => child.pid),
    end: () => children.forEach((child) => child.kill('SIGKILL')),
    revokeAfter: (fingerprint, launches, done, flag) => {
      for (let seen = 0; seen < launches; seen = Atomics.load(done, 0)) Atomics.wait(done, 0, seen)
      main.revoke(fingerprint)
      Atomics.store(flag, 0, 1)
    }
  }
  parentPort.on('message', async ([name, ...given]) => {
    try {
      parentPort.postMessage({ value: await acts[name](...given) })
    } catch ({ code, message }) {
      parentPort.postMessage({ code, message })
    }
  })`

/** @param {any} t @param {any} homes */
function startThread(t, homes) {
  const { home, workspace: dir, tmpDir } = homes
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { main: path.join(__dirname, '..', 'index.js'), ids, workspace: { home, dir, tmpDir } }
  })
  t.after(() => worker.terminate())
  return async (/** @type {any[]} */ ...request) => {
    worker.postMessage(request)
    const [answer] = await once(worker, 'message')
    if (answer.code) throw Object.assign(new Error(answer.message), { code: answer.code })
    return answer.value
  }
}

test('all threads refuse it, whoever revoked it; each lists its own processes', { skip: needsLinux }, async (t) => {
  const key = freshKey()
  const { env, homes } = makeEnv(t, { apiKey: key })
  const [one, two] = [startThread(t, homes), startThread(t, homes)]
  const fingerprint = String(env.credential.fingerprint)
  assert.deepEqual(await Promise.all([one('build', key), two('build', key)]), [fingerprint, fingerprint])
  const pid = await one('start', key)
  const mine = startScript(env, 'exec sleep 60')
  await mine.spawned
  assert.deepEqual(await two('revoke', fingerprint), [], 'two runs none')
  assert.throws(() => startScript(env, ':'), REVOKED)
  await assert.rejects(one('build', key), REVOKED)
  assert.deepEqual([runningProcesses({ fingerprint }), await one('running', { fingerprint })], [[mine], [pid]])
  assert.equal(restore(fingerprint), true)
  assert.deepEqual(await Promise.all([one('build', key), two('build', key)]), [fingerprint, fingerprint])
  await one('end')
  await until('its child ends', () => !isRunning(pid))
  mine.kill('SIGKILL')
  await mine.exited
})

const ROUNDS = 20
const IN_FLIGHT = 4

test('under load, no launch that begins after revoke() has returned uses the old key', { skip: needsLinux }, async (t) => {
  const { homes } = makeEnv(t)
  const revoker = startThread(t, homes)
  const total = { old: 0, queued: 0, refused: 0, fresh: 0 }
  for (let round = 0; round < ROUNDS; round += 1) {
    const provider = round % 2 ? 'codex' : 'claude'
    const [oldKey, newKey] = [freshKey(), freshKey()]
    const [oldEnv, newEnv] = [oldKey, newKey].map((apiKey) => makeEnv(t, { provider, apiKey }).env)
    const [done, flag] = [0, 1].map(() => new Int32Array(new SharedArrayBuffer(4)))
    let hasReturned = false
    const revoked = revoker('revokeAfter', oldEnv.credential.fingerprint, 1 + (round % 9), done, flag)
    revoked.then(() => (hasReturned = true))
    const script = provider === 'codex' ? 'echo "$CODEX_API_KEY"' : 'cat <&3'
    const direct = { delivery: provider === 'codex' ? 'env' : 'fd' }
    const launch = async () => {
      // Set in the other thread when revoke() has returned there: this launch begins after that.
      const begunAfter = Atomics.load(flag, 0) === 1
      let child
      try {
        child = startScript(oldEnv, script, direct)
      } catch (error) {
        assert.equal(/** @type {any} */ (error).code, REVOKED.code)
        total.refused += 1
        child = startScript(newEnv, script, direct)
        const { stdout } = await outcome(child)
        assert.equal(stdout.trim(), newKey)
        total.fresh += 1
        return
      }
      assert.equal(begunAfter, false, 'it began after revoke() had returned, and was not refused')
      const { stdout, error } = await outcome(child)
      assert.equal(stdout.trim(), error ? '' : oldKey)
      if (error) assert.equal(error.code, REVOKED.code)
      total[error ? 'queued' : 'old'] += 1
      Atomics.add(done, 0, 1)
      Atomics.notify(done, 0)
    }
    const lane = async () => {
      while (!hasReturned) await launch()
      for (let more = 0; more < 3; more += 1) await launch()
    }
    await Promise.all([revoked, ...Array.from({ length: IN_FLIGHT }, lane)])
  }
  t.diagnostic(JSON.stringify(total))
  assert.ok(total.old > ROUNDS && total.fresh === total.refused && total.refused >= ROUNDS * IN_FLIGHT * 3, JSON.stringify(total))
})
