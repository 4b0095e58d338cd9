// What is read of a child's stdout, on both starts: that it is reported, that nothing of the stream changes, and what it costs
// if nobody requested it.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { Metered, TOKEN_COUNTS } = require('./support/internals.js')
const binding = require('./support/addon.js')
const { CredentialStore, UsageMeter, spawnProvider, takeServerCredentials } = require('../index.js')
const { mountSilent } = require('./support/fuse.js')
const { until } = require('./support/kernel.js')
const { UID, ids, knownShell, makeEnv, needsRoot, outcome, startScript } = require('./support/launch.js')
const { spawnPortable } = require('./support/portable.js')
const { startTokenEndpoint, writeLogin } = require('./support/token-endpoint.js')
const { claudeStream, codexStream, cut } = require('./support/streams.js')

const skip = process.platform === 'win32' ? 'no POSIX shell' : false
const ASKS = ['sh', '--output-format', 'stream-json']
/** No session's file shows whether these runs had subagents. */
const WITHOUT_SUBAGENTS = ['-c', 'agents.enabled=false']

/** Both starts. @type {Record<string, (env: any, script: string, options?: any) => any>} */
const STARTS = {
  native: startScript,
  portable: (env, script, { args = [], ...options } = {}) =>
    spawnPortable(env, { ...ids, command: '/bin/sh', args: ['-c', script, ...args], workspaceTrust: 'trusted', ...options })
}

/** A file that the target can read. @param {any} homes @param {Uint8Array} bytes */
function place(homes, bytes) {
  const file = path.join(homes.workspace, 'output')
  fs.writeFileSync(file, bytes, { mode: 0o644 })
  return file
}

/** @param {any} child */
async function bytesOf(child) {
  /** @type {Buffer[]} */
  const chunks = []
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk))
  child.stderr?.resume()
  await new Promise((resolve) => child.once('close', resolve))
  return Buffer.concat(chunks)
}

/** @param {any} usage */
const countsOf = ({ inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, reasoningTokens, turns, costUsd }) => ({
  inputTokens,
  cachedInputTokens,
  cacheWriteInputTokens,
  outputTokens,
  reasoningTokens,
  turns,
  costUsd
})

for (const [name, start] of Object.entries(STARTS)) {
  test(`${name}: the counts are the stream's, and the stream is as it was`, { skip }, async (t) => {
    for (const [provider, make] of /** @type {const} */ ([
      ['claude', claudeStream],
      ['codex', codexStream]
    ])) {
      const { env, homes } = makeEnv(t, { provider })
      const { bytes, sum } = make(name.length)
      // Bytes that are no JSON, no UTF-8, and a line of megabytes.
      const all = Buffer.concat([
        Buffer.from([0, 255, 10, 91, 128, 254, 10]),
        bytes,
        Buffer.from(`{"type":"user","text":"${'x'.repeat(3_000_000)}"}\n`)
      ])
      const child = start(env, `cat '${place(homes, all)}'`, {
        usage: true,
        args: provider === 'codex' ? ['sh', ...WITHOUT_SUBAGENTS] : []
      })
      const usages = /** @type {any[]} */ ([])
      child.on('usage', (/** @type {any} */ usage) => usages.push(usage))
      const seen = await bytesOf(child)
      assert.ok(seen.equals(all), `${provider}: ${seen.length} of ${all.length} bytes`)
      assert.deepEqual(countsOf(child.usage), sum)
      assert.equal(child.usage.complete, true)
      assert.deepEqual(usages.at(-1), child.usage)
    }
  })

  test(`${name}: what is scrubbed was read before, and reads on scrubbed`, { skip }, async (t) => {
    const secret = '"result"'
    const { env, homes } = makeEnv(t, { userEnvKeys: { WORD: secret } })
    const { bytes, sum } = claudeStream(5)
    const child = start(env, `cat '${place(homes, bytes)}'`, { usage: true, redactOutput: true })
    const seen = await bytesOf(child)
    assert.equal(
      seen.toString(),
      bytes
        .toString()
        .replaceAll(secret, '*'.repeat(secret.length))
        .replaceAll(JSON.stringify(secret).slice(1, -1), (form) => '*'.repeat(form.length))
    )
    assert.ok(!seen.includes(secret))
    assert.deepEqual(countsOf(child.usage), sum)
  })

  test(`${name}: it is read when the arguments ask for JSON, or the caller does`, { skip }, async (t) => {
    for (const [provider, args, usage, reads] of /** @type {const} */ ([
      ['claude', ASKS, undefined, true],
      ['claude', ['sh', '--output-format=json'], undefined, true],
      ['claude', ['sh', '--output-format', 'text'], undefined, false],
      ['claude', ['sh', '--', ...ASKS], undefined, false],
      ['claude', [], undefined, false],
      ['claude', [], true, true],
      ['claude', ASKS, false, false],
      ['codex', ['sh', '--json'], undefined, true],
      ['codex', ['sh', '--experimental-json'], undefined, true],
      ['codex', ['sh', '--', '--json'], undefined, false],
      ['codex', ['sh', '--jsonl'], undefined, false]
    ])) {
      const { env } = makeEnv(t, { provider })
      const child = start(env, 'true', { args: [...args], usage })
      // Where nobody asked, a chunk of stdout passes through no function of ours.
      assert.equal(Object.hasOwn(child.stdout, 'push'), reads, `${provider} ${args}`)
      assert.equal(child.usage === null, !reads)
      await outcome(child)
    }
  })
}

test('a stdout that does not pass through here is not read, and reading it cannot be requested', { skip }, async (t) => {
  const { env } = makeEnv(t)
  const stdio = ['ignore', 'ignore', 'pipe']
  const child = startScript(env, 'true', { args: ASKS, stdio })
  await outcome(child)
  assert.deepEqual([child.usage, child.failure], [null, null])
  assert.throws(() => startScript(env, 'true', { args: ASKS, stdio, usage: true }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /options\.usage/
  })
  assert.throws(() => startScript(env, 'true', { usage: 'yes' }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('a run is stopped for another claim only where one can be heard', { skip }, async (t) => {
  const { env } = makeEnv(t)
  const stop = { onCredentialMismatch: 'stop' }
  assert.throws(() => startScript(env, 'true', stop), { code: 'ERR_INVALID_ARG_VALUE', message: /onCredentialMismatch/ })
  assert.throws(() => startScript(env, 'true', { ...stop, args: ASKS, usage: false }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => startScript(env, 'true', { onCredentialMismatch: 'ignore' }), { code: 'ERR_INVALID_ARG_VALUE' })
  const codex = makeEnv(t, { provider: 'codex' }).env
  assert.throws(() => startScript(codex, 'true', { ...stop, args: ['sh', '--json'] }), {
    code: 'ERR_PROVIDER_UNSUPPORTED',
    provider: 'codex'
  })
})

for (const [name, start] of Object.entries(STARTS)) {
  test(`${name}: another claim is reported without the CLI's words, and stops the run`, { skip }, async (t) => {
    const { env } = makeEnv(t)
    const init = JSON.stringify({ type: 'system', subtype: 'init', model: 'm', apiKeySource: 'sk-ant-api03-made-up' })
    const child = start(env, `echo '${init}'; exec sleep 60`, { args: ASKS, onCredentialMismatch: 'stop' })
    const mismatches = /** @type {any[]} */ ([])
    child.on('credentialMismatch', (/** @type {any} */ mismatch) => mismatches.push(mismatch))
    const { error, events } = await outcome(child)
    assert.equal(error?.code, 'ERR_PROVIDER_CREDENTIAL_MISMATCH')
    assert.deepEqual(events, ['spawn', 'error', 'exit', 'close'])
    assert.deepEqual(mismatches, [{ expected: ['ANTHROPIC_API_KEY'], claimed: 'other' }])
    assert.deepEqual([child.usage.complete, child.usage.turns, child.usage.model], [false, 0, 'm'])
  })
}

test('the last of each event comes before close, also for a child that nobody reads', { skip }, async (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex' })
  const failed = JSON.stringify({ type: 'turn.failed', error: { message: 'exceeded retry limit, last status: 429 Too Many Requests' } })
  const child = startScript(env, `cat '${place(homes, codexStream(3).bytes)}'; printf %s '${failed}'; exit 1`, { usage: true })
  const events = /** @type {string[]} */ ([])
  for (const event of ['usage', 'failure', 'exit', 'close']) child.on(event, () => events.push(event))
  await new Promise((resolve) => child.once('close', resolve))
  assert.equal(events.at(-1), 'close')
  assert.ok(events.includes('usage') && events.includes('failure'))
  assert.deepEqual([child.failure?.kind, child.failure?.status, child.failure?.passing], ['rate-limited', 429, false])
})

test('a run that was aborted stays so, whatever its CLI claims while it stops', { skip }, async (t) => {
  const { env } = makeEnv(t)
  const init = JSON.stringify({ type: 'system', subtype: 'init', apiKeySource: 'another' })
  const script = `trap 'echo '\\''${init}'\\''; exit 0' TERM; echo ready; while :; do sleep 0.05; done`
  const controller = new AbortController()
  const child = startScript(env, script, { args: ASKS, onCredentialMismatch: 'stop', signal: controller.signal })
  const errors = /** @type {string[]} */ ([])
  const mismatches = /** @type {any[]} */ ([])
  child.on('error', ({ code }) => errors.push(code))
  child.on('credentialMismatch', (mismatch) => mismatches.push(mismatch.claimed))
  child.stdout?.once('data', () => controller.abort())
  await outcome(child)
  assert.deepEqual([errors, mismatches], [['ERR_PROVIDER_ABORTED'], ['other']])
  assert.equal((await child.exited).error?.code, 'ERR_PROVIDER_ABORTED')
})

test('usage events are running totals, each of them news', { skip }, async (t) => {
  for (const [provider, make] of /** @type {const} */ ([
    ['claude', claudeStream],
    ['codex', codexStream]
  ])) {
    const { env } = makeEnv(t, { provider })
    const { bytes, sum } = make(33)
    const child = startScript(env, `while read -r line; do printf '%s\\n' "$line"; done`, { usage: true })
    const usages = /** @type {any[]} */ ([])
    child.on('usage', (usage) => usages.push(usage))
    const output = bytesOf(child)
    let sent = 0
    let seen = 0
    child.stdout?.on('data', (/** @type {Buffer} */ piece) => (seen += piece.length))
    // Each line when the one before has come back: all at once they would be one piece, and one event.
    for (const line of bytes.toString().trimEnd().split('\n')) {
      child.stdin?.write(`${line}\n`)
      sent += Buffer.byteLength(line) + 1
      await until('it comes back', () => seen === sent)
    }
    child.stdin?.end()
    await output
    assert.ok(usages.length > 1, `${provider}: ${usages.length}`)
    for (const [index, usage] of usages.slice(1).entries()) {
      assert.notDeepEqual(usage, usages[index])
      assert.ok(usage.inputTokens >= usages[index].inputTokens && usage.turns >= usages[index].turns)
    }
    assert.deepEqual([usages.at(-1), countsOf(usages.at(-1))], [child.usage, sum])
  }
  const silent = startScript(makeEnv(t).env, 'true', { usage: true })
  let count = 0
  silent.on('usage', () => (count += 1))
  await outcome(silent)
  assert.equal(count, 1)
})

test('a failure that has passed is no event', { skip }, async (t) => {
  const { env } = makeEnv(t, { provider: 'codex' })
  const passing = JSON.stringify({ type: 'error', message: 'Reconnecting... 1/5 (unexpected status 503 Service Unavailable)' })
  const over = JSON.stringify({ type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } })
  const child = startScript(env, `echo '${passing}'; read go; echo '${over}'`, { usage: true })
  const failures = /** @type {any[]} */ ([])
  child.on('failure', (failure) => {
    failures.push(failure)
    child.stdin?.end('go\n')
  })
  await outcome(child)
  assert.deepEqual([failures.map((failure) => failure?.kind), child.failure], [['overloaded'], null])
})

test('a defect in the reading ends no run, and makes its usage a lower bound', () => {
  const { bytes } = claudeStream(3)
  let calls = 0
  const native = binding.meterOf('claude', { resumed: false, subagents: false })
  const metered = new Metered({}, native, { workspace: 'w', provider: 'claude' })
  metered.feed(bytes)
  const whole = metered.usage()
  assert.ok(whole.complete && whole.inputTokens > 0)
  const told = /** @type {object[]} */ ([])
  metered.listen((changes) => told.push(changes))
  native.feed = () => {
    calls += 1
    throw new Error('made up')
  }
  for (let index = 0; index < 3; index += 1) metered.feed(Buffer.from('x'))
  assert.deepEqual(
    [metered.usage().complete, countsOf(metered.usage()), calls, told],
    [false, countsOf(whole), 1, [{ usage: true, failure: false, mismatch: false }]]
  )
  metered.end(0)
  assert.equal(metered.usage().complete, false)
  assert.deepEqual(metered.usage().incompleteBecause, ['output-unread'])
})

test('a start that failed has used nothing and failed at nothing of the provider', async (t) => {
  const { env } = makeEnv(t)
  const child = spawnProvider(env, { ...ids, command: '/nowhere/claude', args: ASKS.slice(1) })
  const { error } = await outcome(child)
  assert.equal(error?.code, 'ERR_PROVIDER_PROGRAM_NOT_FOUND')
  assert.deepEqual([child.usage?.inputTokens, child.usage?.complete, child.failure], [0, false, null])
})

test('UsageMeter reads pieces, text and events alike', () => {
  for (const [provider, make] of /** @type {const} */ ([
    ['claude', claudeStream],
    ['codex', codexStream]
  ])) {
    const { bytes, sum } = make(11)
    const pieces = new UsageMeter(provider, { resumed: false, subagents: false })
    for (const piece of cut(bytes, 1, 7)) pieces.write(piece)
    const text = new UsageMeter(provider, { resumed: false }).write(bytes.toString())
    const events = new UsageMeter(provider, { resumed: false })
    for (const line of bytes.toString().trim().split('\n')) events.event(JSON.parse(line))
    for (const meter of [pieces, text, events]) assert.deepEqual(countsOf(meter.usage), sum)
    assert.equal(pieces.end(0).usage.complete, true)
    // Its events do not report all subagents, and it has no files.
    assert.deepEqual(text.end(0).usage.incompleteBecause, provider === 'codex' ? ['subagents-unknown'] : [])
  }
})

test('UsageMeter goes on from a thread that another process has read', () => {
  const [, , done] = codexStream(21)
    .bytes.toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type !== 'item.completed' && type !== 'error')
  const id = 'made-up-of-another-process'
  const tokens = { inputTokens: 5, cachedInputTokens: 4, cacheWriteInputTokens: 0, outputTokens: 2, reasoningTokens: 1 }
  const read = (/** @type {any} */ options) =>
    new UsageMeter('codex', options).event({ type: 'thread.started', thread_id: id }).event(done).usage
  const given = read({ resumed: true, thread: { id, ...tokens }, model: 'gpt-made-up', subagents: false })
  assert.deepEqual([given.inputTokens, given.outputTokens], [done.usage.input_tokens - 5, done.usage.output_tokens - 2])
  assert.deepEqual([given.complete, given.model, Object.keys(given.models)], [true, 'gpt-made-up', ['gpt-made-up']])
  // What it gives is what the next is given.
  assert.equal(new UsageMeter('codex', { resumed: true, thread: given.thread }).usage.inputTokens, 0)
})

test('the counts have one list of names', () => {
  /** @param {string} file @param {string} type */
  const namesIn = (file, type) => {
    const text = fs.readFileSync(path.join(__dirname, '..', file), 'utf8')
    const body = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(text)?.[1] ?? ''
    return [...body.matchAll(/^ {2}(\w+): number$/gm)].map((match) => match[1])
  }
  assert.deepEqual(namesIn('lib/usage/token-counts.ts', 'TokenCounts'), TOKEN_COUNTS)
  assert.deepEqual(namesIn('binding.d.ts', 'TokenCounts'), TOKEN_COUNTS)
  const { usage } = new UsageMeter('codex', { resumed: false })
  assert.deepEqual(Object.keys(usage).slice(0, TOKEN_COUNTS.length), TOKEN_COUNTS)
})

/** A turn of a thread, as Codex reports it. @param {string} id @param {number} input */
const turnOf = (id, input) => [
  { type: 'thread.started', thread_id: id },
  { type: 'turn.started' },
  { type: 'turn.completed', usage: { input_tokens: input, output_tokens: 1 } }
]

test('UsageMeter knows the threads of its own workspace', () => {
  const id = 'made-up-of-a-workspace'
  const read = (/** @type {any} */ options, /** @type {number} */ input) => {
    const meter = new UsageMeter('codex', { subagents: false, ...options })
    for (const event of turnOf(id, input)) meter.event(event)
    return [meter.usage.inputTokens, meter.usage.complete]
  }
  assert.deepEqual(read({ workspace: 'ws_meter_1' }, 1500), [1500, true])
  for (const options of [{ workspace: 'ws_meter_2' }, { resumed: false }]) assert.deepEqual(read(options, 1), [1, true])
  for (const workspace of ['ws_meter_3', undefined]) assert.deepEqual(read({ workspace, resumed: true }, 2000), [0, false])
  assert.deepEqual(read({ workspace: 'ws_meter_1', resumed: true }, 2000), [500, true])
})

/** A script that prints what a run of Codex does. @param {string} id */
const printTurn = (id) =>
  `printf '%s\\n' '${turnOf(id, 7)
    .map((event) => JSON.stringify(event))
    .join("' '")}'`

test('a file system that never answers holds `close` for a while, and leaves a run incomplete', {
  skip: needsRoot,
  timeout: 120_000
}, async (t) => {
  const silent = await mountSilent(t, UID, ',allow_other').catch((error) => t.skip(String(error)))
  if (!silent) return
  const { env, homes } = makeEnv(t, { provider: 'codex' })
  fs.symlinkSync(silent.place, path.join(homes.codexHome, 'sessions'))
  const child = startScript(env, printTurn('made-up-of-a-silent-system'), { usage: true })
  const closed = new Promise((resolve) => child.once('close', resolve))
  await outcome(child)
  await closed
  assert.deepEqual([child.usage?.turns, child.usage?.incompleteBecause], [1, ['subagents-unknown']])
})

test('what a listener throws after the look at session files is uncaught, and no rejection', { skip }, () => {
  const script = `
    const { ids, makeEnv, startScript } = require('./support/launch.js')
    process.on('uncaughtException', (error, origin) => console.log(origin, error.message))
    const { env } = makeEnv({ after: (remove) => process.on('exit', remove) }, { provider: 'codex' })
    const child = startScript(env, ${JSON.stringify(printTurn('made-up-of-a-throw'))}, { usage: true })
    child.stdout.resume()
    child.once('close', () => { throw new Error('made up') })`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: __dirname,
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined }
  })
  assert.equal(stdout.trim(), 'uncaughtException made up', stderr)
})

test('what a run prints of a thread is known to runs of the same owner alone', { skip }, async (t) => {
  const make = (/** @type {any} */ payload, /** @type {any} */ options) => makeEnv(t, { provider: 'codex', ...payload }, options).env
  const inWorkspace = (/** @type {string} */ id) => make({ apiKey: 'sk-proj-made-up-shared-key' }, { workspace: { id } })
  const withKey = (/** @type {string} */ apiKey) => make({ apiKey }, {})
  const endpoint = await startTokenEndpoint(t, { provider: 'codex' })
  /** A login with another token each time. */
  const withLogin = async (/** @type {string} */ dir) => {
    writeLogin(dir, 'codex', endpoint.issue())
    const credentialStore = await CredentialStore.open('codex', { dir, tokenUrl: endpoint.url })
    t.after(() => credentialStore.dispose())
    return make({ apiKey: undefined }, { credentialStore, workspace: { codexHome: dir } })
  }
  const [directory, another] = [1, 2].map(() => makeEnv(t, { provider: 'codex' }).homes.codexHome)
  const cwd = makeEnv(t, { provider: 'codex' }).homes.workspace
  const run = async (
    /** @type {any} */ env,
    /** @type {string} */ id,
    /** @type {number} */ input,
    /** @type {string[]} */ resume = []
  ) => {
    const lines = turnOf(id, input).map((event) => JSON.stringify(event))
    // What sh runs when its first argument is the subcommand, which a start with the server's key must begin with.
    fs.writeFileSync(path.join(cwd, 'exec'), `printf '%s\\n' '${lines.join("' '")}'`)
    const child = spawnProvider(env, {
      ...ids,
      command: knownShell('codex'),
      cwd,
      args: ['exec', '--json', ...resume, ...WITHOUT_SUBAGENTS]
    })
    await outcome(child)
    return [child.usage?.inputTokens, child.usage?.complete]
  }
  process.env.OPENAI_API_KEY = 'sk-proj-made-up-server-key'
  const serverCredentials = takeServerCredentials()
  t.after(() => serverCredentials.dispose())
  const lent = () => make({ apiKey: undefined }, { serverCredentials })
  const own = lent()
  for (const [name, mine, same, others] of /** @type {[string, any, any, any[]][]} */ ([
    ['workspace', inWorkspace('ws_1'), inWorkspace('ws_1'), [inWorkspace('ws_2'), withKey('sk-proj-made-up-shared-key')]],
    ['key', withKey('sk-proj-made-up-one'), withKey('sk-proj-made-up-one'), [withKey('sk-proj-made-up-two')]],
    ['login', await withLogin(directory), await withLogin(directory), [await withLogin(another)]],
    ['environment', own, own, [lent()]]
  ])) {
    const id = `made-up-of-a-${name}`
    assert.deepEqual(await run(mine, id, 1500), [1500, true], name)
    for (const other of others) {
      assert.deepEqual(await run(other, id, 1700, ['resume', id]), [0, false], name)
      assert.deepEqual(await run(other, id, 1), [0, false], name)
    }
    assert.deepEqual(await run(same, id, 2000, ['resume', id]), [500, true], name)
  }
})

test('UsageMeter refuses what it cannot take', () => {
  assert.throws(() => new UsageMeter('codex', { model: 'm' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /workspace is missing.*owner of the threads/
  })
  const wrong =
    (/** @type {any} */ ...args) =>
    () =>
      new UsageMeter(.../** @type {[any, any]} */ (args))
  assert.throws(wrong('nobody'), { code: 'ERR_PROVIDER_UNKNOWN' })
  assert.throws(wrong(7), { code: 'ERR_INVALID_ARG_TYPE' })
  for (const options of [
    { credential: 'key' },
    { modle: 'x' },
    { workspace: '' },
    { workspace: '\ud800' },
    { thread: { id: 'x' } },
    { thread: { id: 'x', inputTokens: -1 } }
  ]) {
    assert.throws(wrong('codex', options), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  const meter = new UsageMeter('codex', { resumed: false })
  assert.throws(() => meter.write(/** @type {any} */ (7)), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => meter.event(/** @type {any} */ ('x')), { code: 'ERR_INVALID_ARG_TYPE' })
  const circular = /** @type {any} */ ({})
  circular.self = circular
  for (const event of [{ usage: { total: 1n } }, circular, { toJSON() {} }]) {
    assert.throws(() => meter.event(event), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
  }
  // What the caller's own code throws is passed on.
  const own = new TypeError('made up')
  const throws = () => {
    throw own
  }
  assert.throws(
    () => meter.event({ toJSON: throws }),
    (error) => error === own
  )
  assert.throws(() => meter.end(1.5), { code: 'ERR_INVALID_ARG_VALUE' })
})
