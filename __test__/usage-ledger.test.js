// UsageLedger: its totals against those that a thousand streams were made of, what it lets go of, and what it exports; and
// who is billed.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const test = require('node:test')
const { CredentialStore, UsageLedger, UsageMeter, buildProviderEnv, describeProvider, takeServerCredentials } = require('../index.js')
const { KEYS, makeEnv, outcome, startScript } = require('./support/launch.js')
const { startTokenEndpoint, writeLogin } = require('./support/token-endpoint.js')
const { claudeStream, codexStream, cut, random, zero } = require('./support/streams.js')

const NAMES = /** @type {const} */ ([
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteInputTokens',
  'outputTokens',
  'reasoningTokens',
  'turns'
])

/** @param {any} to @param {any} from */
function add(to, from) {
  for (const name of NAMES) to[name] += from[name]
  if (from.costUsd !== null) to.costUsd = (to.costUsd ?? 0) + from.costUsd
}

/** Dollars as the streams have them: whole millionths. @param {any} counts */
const rounded = (counts) => ({ ...counts, costUsd: counts.costUsd === null ? null : Math.round(counts.costUsd * 1e6) })

for (const maxEntries of [1000, 7]) {
  test(`1000 streams at once, cut at any byte, sum up exactly: ${maxEntries} entries`, () => {
    const seed = 20_261_124 + maxEntries
    const next = random(seed)
    const ledger = new UsageLedger({ maxEntries })
    const total = { ...zero(), costUsd: /** @type {number | null} */ (null) }
    /** @type {Map<string, any>} */
    const expected = new Map()
    const runs = Array.from({ length: 1000 }, (_, index) => {
      const provider = /** @type {const} */ (['claude', 'codex'])[next(2)]
      const { bytes, sum } = (provider === 'claude' ? claudeStream : codexStream)(seed * 10 + index)
      const [workspace, generation] = [`ws_${next(20)}`, next(3)]
      const key = `${workspace} ${provider} ${generation}`
      if (!expected.has(key)) expected.set(key, { ...zero(), costUsd: null, runs: 0 })
      add(expected.get(key), sum)
      expected.get(key).runs += 1
      add(total, sum)
      const meter = new UsageMeter(provider, { resumed: false, subagents: false })
      ledger.track(meter, { workspace, generation })
      return { meter, pieces: cut(bytes, seed + index, 1 + next(2000)) }
    })
    // Whichever comes next.
    for (let open = [...runs]; open.length > 0; ) {
      const at = next(open.length)
      const piece = open[at].pieces.shift()
      if (piece) open[at].meter.write(piece)
      else {
        open[at].meter.end(0)
        open[at] = /** @type {any} */ (open.at(-1))
        open.pop()
      }
    }
    const { entries, other, evicted, total: told } = ledger.toJSON()
    assert.deepEqual(rounded(told), rounded({ ...total, runs: 1000, incompleteRuns: 0 }))
    assert.ok(entries.length <= maxEntries && ledger.size === entries.length)
    if (maxEntries < expected.size) {
      assert.ok(evicted > 0)
      const sum = { ...zero(), costUsd: null }
      for (const each of [...entries, other]) add(sum, each)
      assert.deepEqual(rounded(sum), rounded(total))
      return
    }
    assert.deepEqual([other, evicted, entries.length], [null, 0, expected.size])
    for (const { workspace, provider, generation, ...counts } of entries) {
      assert.deepEqual(rounded(counts), rounded({ ...expected.get(`${workspace} ${provider} ${generation}`), incompleteRuns: 0 }))
    }
  })
}

test('a run that is tracked twice, or after its end, counts once', () => {
  const { bytes, sum } = claudeStream(77)
  const meter = new UsageMeter('claude')
  const [early, late] = [new UsageLedger(), new UsageLedger()]
  early.track(meter, { workspace: 'w' })
  early.track(meter, { workspace: 'w' })
  meter.write(bytes).end(0)
  late.track(meter, { workspace: 'w' })
  for (const ledger of [early, late]) {
    const { total } = ledger.toJSON()
    assert.deepEqual(rounded(total), rounded({ ...sum, runs: 1, incompleteRuns: 0 }))
  }
})

test("a child's labels are its provider's and its credential's", async (t) => {
  const { env } = makeEnv(t)
  const child = startScript(env, 'true', { usage: true })
  const ledger = new UsageLedger()
  ledger.track(child, { workspace: 'w' })
  await outcome(child)
  const [entry] = ledger.toJSON().entries
  assert.deepEqual(
    [entry.workspace, entry.provider, entry.generation, entry.runs, entry.incompleteRuns],
    ['w', 'claude', env.credential.fingerprint, 1, 1]
  )
})

test('two stores that are both at generation 1 have separate entries', async (t) => {
  const { homes } = makeEnv(t)
  const ledger = new UsageLedger()
  const expected = []
  for (const key of ['one', 'two']) {
    const credentialStore = CredentialStore.of('claude', Buffer.from(`sk-ant-api03-made-up-${key}`))
    const env = buildProviderEnv(
      { provider: 'claude' },
      { credentialStore, workspace: { dir: homes.workspace, home: homes.home, tmpDir: homes.tmpDir } }
    )
    t.after(() => (env.dispose(), credentialStore.dispose()))
    const child = startScript(env, 'true', { usage: true })
    ledger.track(child, { workspace: 'w' })
    expected.push(`1-${env.credential.fingerprint}`)
    await outcome(child)
  }
  assert.deepEqual(
    ledger.toJSON().entries.map(({ generation }) => generation),
    expected.sort()
  )
})

test('a child that is not read counts as a run whose usage is not known', async (t) => {
  const { env } = makeEnv(t)
  const [early, late] = [new UsageLedger(), new UsageLedger()]
  const child = startScript(env, 'true')
  early.track(child, { workspace: 'w' })
  early.track(child, { workspace: 'w' })
  assert.deepEqual([early.toJSON().total.runs, child.usage], [0, null])
  await outcome(child)
  late.track(child, { workspace: 'w' })
  const fresh = startScript(env, 'true')
  await outcome(fresh)
  late.track(fresh, { workspace: 'w', generation: 'mine' })
  const totals = [early, late].map((ledger) =>
    ledger
      .toJSON()
      .entries.map(({ generation, runs, incompleteRuns, inputTokens, turns }) => [generation, runs, incompleteRuns, inputTokens, turns])
  )
  const { fingerprint } = env.credential
  assert.deepEqual(totals, [
    [[fingerprint, 1, 1, 0, 0]],
    [
      [fingerprint, 1, 1, 0, 0],
      ['mine', 1, 1, 0, 0]
    ].sort()
  ])
  assert.deepEqual([child.usage, child.failure], [null, null])
  assert.throws(() => early.track(/** @type {any} */ ({}), { workspace: 'w' }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('record() takes a snapshot, and refuses what is none', () => {
  const usage = { ...new UsageMeter('claude').usage, inputTokens: Number.MAX_SAFE_INTEGER, turns: 1, costUsd: 0.1 }
  const ledger = new UsageLedger()
  for (let index = 0; index < 3; index += 1) ledger.record(usage, { workspace: 'w', provider: 'claude', generation: 'g' })
  const { total } = ledger.toJSON()
  // Counts stop where JavaScript's numbers are no longer exact; dollars are summed without the error of 0.1 + 0.1 + 0.1.
  assert.deepEqual([total.inputTokens, total.turns, total.costUsd, total.incompleteRuns], [Number.MAX_SAFE_INTEGER, 3, 0.3, 3])
  const labels = /** @type {const} */ ({ workspace: 'w', provider: 'claude' })
  for (const wrong of [{ inputTokens: -1 }, { inputTokens: 0.5 }, { turns: undefined }, { costUsd: -1 }, { costUsd: Infinity }]) {
    assert.throws(
      () => ledger.record(/** @type {any} */ ({ ...usage, ...wrong }), labels),
      { code: 'ERR_INVALID_ARG_VALUE' },
      JSON.stringify(wrong)
    )
  }
  for (const wrong of [{}, { workspace: '' }, { workspace: 'w'.repeat(257) }, { workspace: 'w', generation: '' }, { wrkspace: 'w' }]) {
    assert.throws(
      () => ledger.record(usage, /** @type {any} */ ({ provider: 'claude', ...wrong })),
      { code: 'ERR_INVALID_ARG_VALUE' },
      JSON.stringify(wrong)
    )
  }
  for (const generation of [NaN, Infinity, -Infinity, -1, 0.5, 2 ** 53]) {
    assert.throws(
      () => ledger.record(usage, { ...labels, generation }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /labels\.generation/ },
      `${generation}`
    )
  }
  for (const wrong of [{ provider: 5 }, { workspace: 5 }, { generation: true }]) {
    assert.throws(
      () => ledger.record(usage, /** @type {any} */ ({ ...labels, ...wrong })),
      { code: 'ERR_INVALID_ARG_TYPE' },
      JSON.stringify(wrong)
    )
  }
  for (const provider of ['nobody', 'Claude', 'claude ', 'constructor']) {
    const unknown = /** @type {any} */ ({ ...labels, provider })
    assert.throws(() => ledger.record(usage, unknown), { code: 'ERR_PROVIDER_UNKNOWN' }, provider)
    assert.throws(() => ledger.track(new UsageMeter('claude'), unknown), { code: 'ERR_PROVIDER_UNKNOWN' }, provider)
  }
  for (const maxEntries of [0, -1, 1e9, NaN, 1.5]) assert.throws(() => new UsageLedger({ maxEntries }), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('half of a surrogate pair is refused: two of them would be one workspace', () => {
  const usage = new UsageMeter('claude').usage
  const ledger = new UsageLedger()
  for (const half of ['\ud800', '\udc00', 'ws_\udfff_1']) {
    for (const labels of [{ workspace: half }, { workspace: 'w', generation: half }]) {
      assert.throws(() => ledger.record(usage, { provider: 'claude', ...labels }), { code: 'ERR_INVALID_ARG_VALUE', message: /surrogate/ })
      assert.throws(() => ledger.track(new UsageMeter('claude'), labels), { code: 'ERR_INVALID_ARG_VALUE' })
    }
    const thread = { id: half, inputTokens: 1, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }
    assert.throws(() => new UsageMeter('codex', { thread }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  ledger.record(usage, { provider: 'claude', workspace: '😀' })
  assert.deepEqual([ledger.size, ledger.toJSON().entries[0].workspace], [1, '😀'])
})

test('dollars are summed exactly, however many there are', () => {
  const usage = { ...new UsageMeter('claude').usage, turns: 1 }
  const ledger = new UsageLedger()
  for (const [index, costUsd] of [8e6, 8e6, 8e6, 1e12, 0.000001, 0.1, 0.2].entries())
    ledger.record({ ...usage, costUsd }, { workspace: `w${index % 3}`, provider: 'claude' })
  // biome-ignore lint/correctness/noPrecisionLoss: to the digit that a double of that size has.
  assert.equal(ledger.toJSON().total.costUsd, 1_000_024_000_000.300001)
  const sums = Array.from(ledger.toPrometheus().matchAll(/^provider_env_cost_usd_total\{.*\} (.*)$/gm), (match) => match[1])
  assert.deepEqual(sums, ['1000008000000.2', '8000000.000001', '8000000.1'])
  assert.throws(() => ledger.record({ ...usage, costUsd: 1.1e12 }, { workspace: 'w', provider: 'claude' }), {
    code: 'ERR_INVALID_ARG_VALUE'
  })
})

test('the text for Prometheus fits a string within the allowed number of entries, whatever the labels are', () => {
  const usage = { ...new UsageMeter('claude').usage, turns: 1, inputTokens: 1, costUsd: 0.1 }
  const ledger = new UsageLedger({ maxEntries: 1_000_000 })
  const generation = '"'.repeat(256)
  const runs = 60_000
  for (let index = 0; index < runs; index += 1)
    ledger.record(usage, { workspace: String(index).padStart(256, '\\'), provider: 'claude', generation })
  const { total, evicted } = ledger.toJSON()
  assert.deepEqual([total.runs, total.inputTokens], [runs, runs])
  assert.equal(ledger.size + evicted, runs)
  assert.ok(evicted > 0)
  const text = ledger.toPrometheus()
  assert.ok(text.length <= 256 * 1024 * 1024 + 4096, `${text.length}`)
  assert.equal(text.match(/^provider_env_runs_total\{/gm)?.length, ledger.size)
})

/** Prometheus' own grammar for a line (exposition format 0.0.4). */
const LINE =
  /^(?:# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ counter|([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\d+(?:\.\d+)?(?:e-?\d+)?))$/

test('Prometheus reads it, whatever the labels are', () => {
  const ledger = new UsageLedger({ maxEntries: 2 })
  const usage = { ...new UsageMeter('claude').usage, inputTokens: 5, costUsd: 0.000001 }
  for (const workspace of ['gone', 'plain', 'quote " back \\ line \n end ü'])
    ledger.record(usage, { workspace, provider: 'claude', generation: 1 })
  const lines = ledger.toPrometheus().split('\n')
  assert.equal(lines.pop(), '')
  for (const line of lines) assert.match(line, LINE)
  const samples = lines.map((line) => LINE.exec(line)).filter((match) => match?.[1] === 'provider_env_input_tokens_total')
  assert.deepEqual(
    samples.map((match) => [match?.[2] ?? '', match?.[3]]),
    [
      ['{workspace="plain",provider="claude",generation="1"}', '5'],
      ['{workspace="quote \\" back \\\\ line \\n end ü",provider="claude",generation="1"}', '5'],
      ['', '5']
    ]
  )
  const types = lines.filter((line) => line.startsWith('# TYPE'))
  assert.deepEqual([types.length, new Set(types).size], [9, 9])
})

test('a counter is called as in JSON, in the spelling of Prometheus', () => {
  const ledger = new UsageLedger()
  ledger.record({ ...new UsageMeter('claude').usage, costUsd: 1 }, { workspace: 'w', provider: 'claude' })
  const counters = Array.from(ledger.toPrometheus().matchAll(/^# TYPE (\S+) counter$/gm), (match) => match[1])
  const names = Object.keys(ledger.toJSON().total).map(
    (name) => `provider_env_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`
  )
  assert.deepEqual(counters, names)
})

test('describeProvider() says who pays, also after dispose()', (t) => {
  const { homes } = makeEnv(t)
  const build = (/** @type {any} */ payload, /** @type {any} */ workspace = {}) =>
    buildProviderEnv(payload, { workspace: { home: homes.home, ...workspace } })
  const common = { provider: 'claude', name: 'Claude Code', vendor: 'Anthropic', modelFamily: 'Claude' }
  for (const [env, expected] of /** @type {const} */ ([
    [build({ apiKey: KEYS.claude }), { ...common, credentialKind: 'api-key', credentialSource: 'payload', billedTo: 'workspace' }],
    [
      build({ oauthAccessToken: 'sk-ant-oat01-made-up' }),
      { ...common, credentialKind: 'oauth-token', credentialSource: 'payload', billedTo: 'subscription' }
    ],
    [
      build({}, { claudeConfigDir: homes.claudeConfigDir }),
      { ...common, credentialKind: 'config-dir', credentialSource: 'config-dir', billedTo: 'subscription' }
    ],
    [
      build({ provider: 'codex', apiKey: KEYS.codex }),
      {
        provider: 'codex',
        name: 'OpenAI Codex',
        vendor: 'OpenAI',
        modelFamily: 'GPT',
        credentialKind: 'api-key',
        credentialSource: 'payload',
        billedTo: 'workspace'
      }
    ]
  ])) {
    const { fingerprint } = env.credential
    assert.deepEqual(describeProvider(env), { ...expected, fingerprint })
    env.dispose()
    assert.deepEqual(describeProvider(env), { ...expected, fingerprint })
  }
  assert.throws(() => describeProvider(/** @type {any} */ ({})), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('describeProvider() distinguishes a store from the server, and says who pays for each', async (t) => {
  const { homes } = makeEnv(t)
  const workspace = { home: homes.home }
  const describe = (/** @type {any} */ provider, /** @type {any} */ options) => {
    const env = buildProviderEnv({ provider }, { workspace, ...options })
    const { credentialKind, credentialSource, billedTo } = describeProvider(env)
    env.dispose()
    return [credentialKind, credentialSource, billedTo]
  }
  const key = CredentialStore.of('codex', Buffer.from(KEYS.codex))
  assert.deepEqual(describe('codex', { credentialStore: key }), ['api-key', 'store', 'workspace'])
  const endpoint = await startTokenEndpoint(t)
  const dir = homes.claudeConfigDir
  fs.chownSync(dir, process.getuid?.() ?? 0, process.getgid?.() ?? 0)
  writeLogin(dir, 'claude', endpoint.issue())
  const login = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url })
  t.after(() => login.dispose())
  assert.deepEqual(describe('claude', { credentialStore: login }), ['oauth-token', 'store', 'subscription'])
  Object.assign(process.env, { ANTHROPIC_API_KEY: KEYS.claude, OPENAI_API_KEY: KEYS.codex })
  const serverCredentials = takeServerCredentials()
  assert.deepEqual(describe('claude', { serverCredentials }), ['api-key', 'server', 'server'])
  assert.deepEqual(describe('codex', { serverCredentials }), ['api-key', 'server', 'server'])
})
