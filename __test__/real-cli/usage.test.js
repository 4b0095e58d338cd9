// What real runs used, against what the mock was told to report: several turns, resumed sessions, killed runs; and what the
// CLI claims of its credential.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const test = require('node:test')
const { readLaunch } = require('../support/internals.js')
const binding = require('../support/addon.js')
const { UsageLedger, spawnProvider } = require('../../index.js')
const { countsOf, minus, startBilling } = require('../support/billed.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { until } = require('../support/kernel.js')
const { installForAnyone, unlessSince } = require('../support/programs.js')
const { AGENT, agentHomes, livesIn, prepareTurn, startHeldMock, startMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const TOKEN = 'sk-ant-oat01-made-up-tenant-token'
const MODEL = 'claude-sonnet-4-5'

/** What a turn used is reported separately since then: `model_usage_since_last_result`. */
const TOLD_ALONE = '2.1.316'

/** A mock that bills, and stops in the middle of a turn that is asked to. @param {any} t */
const startCounting = (t) => startBilling(t, (turn) => (turn.prompt.endsWith('echo hang') && turn.step > 0 ? { hang: true } : undefined))

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: a turn of two requests, then two resumed ones: each counts its own`, {
    skip: provider === 'claude' && unlessSince('claude', TOLD_ALONE)
  }, async (t) => {
    const { mock, sum } = await startCounting(t)
    const homes = agentHomes(t)
    const ledger = new UsageLedger()
    /** @type {any[]} */
    const seen = []
    let session = ''
    for (const prompt of ['run: echo one', 'two', 'run: echo three']) {
      const before = countsOf(sum)
      const resume = session === '' ? [] : provider === 'codex' ? ['resume', session] : ['--resume', session]
      const args = (/** @type {string[]} */ common, /** @type {string} */ text) =>
        provider === 'codex' ? ['exec', ...common, ...resume, '--', text] : [...common, ...resume, text]
      const { child, done } = startTurn(provider, { mock, homes, programs, payload: { apiKey: KEY[provider] }, prompt, args })
      ledger.track(child, { workspace: 'ws_1', generation: 7 })
      child.on('usage', (usage) => seen.push(usage))
      const turn = await done
      session = turn.session
      assert.equal(turn.code, 0, turn.stderr)
      const { usage, failure } = child
      const expected = minus(sum, before)
      assert.deepEqual(countsOf(usage), expected)
      assert.deepEqual([usage?.turns, usage?.complete, failure], [1, true, null])
      assert.deepEqual(seen.at(-1), usage)
      if (provider === 'claude') {
        assert.equal(usage?.model, MODEL)
        assert.deepEqual(countsOf(usage?.models[MODEL]), expected)
        assert.ok(Number(usage?.costUsd) > 0)
      } else {
        assert.deepEqual([usage?.costUsd, usage?.thread?.id], [null, session])
        assert.deepEqual(countsOf(usage?.thread), sum)
      }
    }
    const { entries, total } = ledger.toJSON()
    assert.deepEqual(countsOf(total), sum)
    assert.deepEqual([entries.length, entries[0].generation, total.turns, total.runs, total.incompleteRuns], [1, '7', 3, 3, 0])
  })

  test(`${provider}: a run that is killed in its turn reports what is known, and that it is not all`, async (t) => {
    const { mock, heldCount } = await startHeldMock(t)
    const { child, done } = startTurn(provider, {
      mock,
      homes: agentHomes(t),
      programs,
      payload: { apiKey: KEY[provider] },
      prompt: 'run: echo one'
    })
    await until('the second request', () => heldCount() > 0)
    const ledger = new UsageLedger()
    ledger.track(child, { workspace: 'ws_1' })
    child.kill('SIGKILL')
    await done
    // Claude reports the first answer, the beginning of its output; Codex only turns.
    assert.equal(child.usage?.complete, false)
    assert.equal(child.usage?.inputTokens, provider === 'claude' ? 125 : 0)
    assert.deepEqual([child.usage?.turns, child.failure], [0, null])
    const { total } = ledger.toJSON()
    assert.deepEqual([total.inputTokens, total.runs, total.incompleteRuns], [child.usage?.inputTokens, 1, 1])
  })
}

test('codex: a thread whose beginning nobody here has read counts once what it used is given', async (t) => {
  const { mock, sum } = await startCounting(t)
  const homes = agentHomes(t)
  const start = (/** @type {string} */ prompt, /** @type {string[]} */ resume, /** @type {any} */ launch) =>
    startTurn('codex', {
      mock,
      homes,
      programs,
      payload: { apiKey: KEY.codex },
      prompt,
      launch,
      args: (common, text) => ['exec', ...common, ...resume, '--', text]
    })
  // Its output is not read here.
  const session = (await start('one', [], { usage: false }).done).session
  const before = countsOf(sum)
  const stranger = start('two', ['resume', session], {})
  await stranger.done
  assert.deepEqual([stranger.child.usage?.inputTokens, stranger.child.usage?.turns, stranger.child.usage?.complete], [0, 1, false])
  assert.deepEqual(countsOf(stranger.child.usage?.thread), sum)
  const third = start('three', ['resume', session], {})
  await third.done
  assert.equal(third.child.usage?.complete, true)
  assert.ok(Number(third.child.usage?.inputTokens) < sum.inputTokens - before.inputTokens)

  // As another process gives it, which has read the first run.
  const other = (await start('one', [], { usage: false }).done).session
  const used = minus(sum, third.child.usage?.thread)
  const told = start('two', ['resume', other], { thread: /** @type {any} */ ({ id: other, ...used }) })
  const beforeTwo = countsOf(sum)
  await told.done
  assert.equal(told.child.usage?.inputTokens, sum.inputTokens - beforeTwo.inputTokens)
  assert.equal(told.child.usage?.complete, true)
})

test("codex: no value of any option in its help is taken for the subcommand 'resume'", async (t) => {
  const homes = agentHomes(t)
  const { env, options } = prepareTurn('codex', { mock: await startMock(t), homes, programs, payload: { apiKey: KEY.codex } })
  t.after(() => env.dispose())
  const [fresh, resumed] = [
    { inputTokens: 7, isKnown: true },
    { inputTokens: 0, isKnown: false }
  ]
  /** What is counted of a run with these arguments. @param {string[]} args */
  const read = (args) => {
    const { env: native, child, cli } = readLaunch(env, { ...options, args, usage: true })
    /** @type {any} */
    let start
    try {
      start = binding.preparePortable(native, child, cli)
    } catch (/** @type {any} */ error) {
      // In the terminal Codex reads no key, so `resume` without `exec` is refused: it was taken for the subcommand. Some
      // options are refused whatever follows them.
      if (error.names[0] === 'resume') return resumed
      assert.match(error.names[0], /^--/, error.message)
      return undefined
    }
    assert.equal(start.credential, null)
    const { meter } = start
    const events = [
      { type: 'thread.started', thread_id: `made-up-of-${args}` },
      { type: 'turn.completed', usage: { input_tokens: 7 } }
    ]
    for (const event of events) meter.feed(Buffer.from(`${JSON.stringify(event)}\n`))
    const {
      tokens: { inputTokens },
      incompleteBecause
    } = meter.usage()
    return { inputTokens, isKnown: !incompleteBecause.includes('earlier-total-unknown') }
  }
  let count = 0
  for (const command of [[], ['exec']]) {
    const help = execFileSync(programs.codex, [...command, '--help'], {
      encoding: 'utf8',
      env: { HOME: homes.home, CODEX_HOME: homes.codexHome, PATH: process.env.PATH }
    })
    for (const [, short, long, value] of help.matchAll(/^ {2,6}(?:(-\w), +)?(--[\w-]+)(?: (<.*))?$/gm)) {
      for (const option of [short, long].filter(Boolean)) {
        const first = read([...command, option, 'resume', 'hello'])
        if (first === undefined) continue
        count += 1
        assert.deepEqual(first, value ? fresh : resumed, `${command} ${option} ${value}`)
        if (value) assert.deepEqual(read([...command, option, 'a', '--json', 'resume', 'hello']), resumed, `${command} ${option}`)
      }
    }
  }
  assert.ok(count > 40, `${count} options`)
})

for (const extra of [[], ['--include-partial-messages']]) {
  test(`claude: three turns of one streaming session, killed in the fourth ${extra}`, {
    skip: unlessSince('claude', TOLD_ALONE)
  }, async (t) => {
    const { mock, sum } = await startCounting(t)
    const args = (/** @type {string[]} */ common) => [...common, '--input-format', 'stream-json', ...extra]
    const homes = agentHomes(t)
    const { env, options } = prepareTurn('claude', { mock, homes, programs, payload: { apiKey: KEY.claude }, args })
    const child = spawnProvider(env, { ...options, stdio: 'pipe' })
    // It would wait for its next prompt after an assertion that failed.
    livesIn(homes, child)
    child.stderr.resume()
    const say = (/** @type {string} */ content) =>
      child.stdin.write(`${JSON.stringify({ type: 'user', message: { role: 'user', content } })}\n`)
    const prompts = ['run: echo one', 'two', 'run: echo three']
    say(/** @type {string} */ (prompts.shift()))
    let turns = 0
    for await (const line of readline.createInterface({ input: child.stdout })) {
      const event = JSON.parse(line)
      if (event.type === 'result') {
        turns += 1
        assert.deepEqual(countsOf(child.usage), sum)
        assert.deepEqual([child.usage?.turns, child.usage?.complete], [turns, true])
        // The session's own sum of the cost: over all turns of this, its only process.
        assert.ok(Math.abs(Number(child.usage?.costUsd) - event.total_cost_usd) < 1e-9)
        say(prompts.shift() ?? 'run: echo hang')
      }
      // Its command has run: the first answer is over, and the second will never come.
      if (turns === 3 && event.type === 'user') child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await child.exited
    assert.deepEqual([child.usage?.turns, child.usage?.complete], [3, false])
    assert.equal(child.usage?.inputTokens, sum.inputTokens)
    // Only the end of an answer, which is reported with partial messages, has all of its output.
    const missing = sum.outputTokens - Number(child.usage?.outputTokens)
    assert.ok(extra.length > 0 ? missing === 0 : missing > 0, `${missing} missing`)
  })
}

const HELPER = ['--settings', '{"apiKeyHelper":"/bin/echo sk-ant-api03-made-up-helper"}']
const CLAIMS = [
  { name: 'API key by fd', payload: { apiKey: KEY.claude }, delivery: 'fd' },
  { name: 'API key by the broker', payload: { apiKey: KEY.claude }, delivery: 'broker' },
  { name: 'API key by env', payload: { apiKey: KEY.claude }, delivery: 'env' },
  { name: 'OAuth token by fd', payload: { oauthAccessToken: TOKEN }, delivery: 'fd' },
  { name: 'OAuth token by the broker', payload: { oauthAccessToken: TOKEN }, delivery: 'broker' },
  { name: 'OAuth token by env', payload: { oauthAccessToken: TOKEN }, delivery: 'env' },
  { name: 'a login', payload: {}, login: true },
  // Beside a credential that is handed over, no helper runs.
  { name: 'a helper in place of a login', payload: {}, login: true, extra: HELPER, claimed: 'apiKeyHelper' }
]

for (const { name, payload, delivery, login, extra = [], claimed } of CLAIMS) {
  test(`claude's claim of its credential: ${name}`, async (t) => {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    if (login) writeLogin(homes.claudeConfigDir)
    const { child, done } = startTurn('claude', {
      mock,
      homes,
      programs,
      payload,
      launch: { delivery },
      args: (common, text) => [...common, ...extra, text]
    })
    /** @type {any[]} */
    const mismatches = []
    child.on('credentialMismatch', (mismatch) => mismatches.push(mismatch))
    const { code } = await done
    assert.equal(code, 0)
    assert.deepEqual(mismatches, claimed ? [{ expected: ['none', 'oauth', '/login managed key'], claimed }] : [])
  })
}

test('claude: a claim of another credential stops the run, if that is requested', async (t) => {
  const { mock, heldCount } = await startHeldMock(t)
  const launch = { onCredentialMismatch: 'stop' }
  const homes = agentHomes(t)
  writeLogin(homes.claudeConfigDir)
  const { done, child } = startTurn('claude', {
    mock,
    homes,
    programs,
    payload: {},
    launch,
    prompt: 'run: echo one',
    args: (common, text) => [...common, ...HELPER, text]
  })
  const { error, code } = await done
  // It would wait for the second request for ever.
  assert.equal(heldCount(), 0)
  assert.deepEqual([error?.code, error?.provider], ['ERR_PROVIDER_CREDENTIAL_MISMATCH', 'claude'])
  assert.notEqual(code, 0)
  assert.equal((await child.exited).error, error)
})

/** What `claude` writes when one logs in. @param {string} dir */
function writeLogin(dir) {
  const file = path.join(dir, '.credentials.json')
  const login = {
    accessToken: TOKEN,
    refreshToken: 'made-up',
    expiresAt: Date.now() + 3_600_000,
    scopes: ['user:inference'],
    subscriptionType: 'max'
  }
  fs.writeFileSync(file, JSON.stringify({ claudeAiOauth: login }), { mode: 0o600 })
  if (AGENT.uid) fs.chownSync(file, AGENT.uid, AGENT.gid)
}
