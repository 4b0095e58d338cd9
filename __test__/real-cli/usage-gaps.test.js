// Requests beside the agent's own, by real CLIs: what the mock billed is reported, or reported as missing.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { countsOf, minus, startBilling } = require('../support/billed.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone, unlessSince } = require('../support/programs.js')
const { agentHomes, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const NOTHING = { inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }

/** Starts an agent of another model if the prompt requests one. @param {import('../support/mock-api/types').MockTurn} turn */
function delegate(turn) {
  if (turn.prompt !== 'delegate') return undefined
  if (turn.step > 0) return { text: 'done' }
  return { call: 'Agent', input: { description: 'made up', prompt: 'a part of it', subagent_type: 'general-purpose', model: 'haiku' } }
}

const FORMATS = {
  json: ['--output-format', 'json'],
  'json, verbose': ['--output-format', 'json', '--verbose'],
  'stream-json': ['--output-format', 'stream-json', '--verbose']
}

/** The arguments of Claude Code with another format. @param {readonly string[]} format @param {readonly string[]} more */
const formatted = (format, more) => (/** @type {string[]} */ common, /** @type {string} */ text) => [
  ...common.filter((each) => !['--output-format', 'stream-json', '--verbose'].includes(each)),
  ...format,
  ...more,
  text
]

/** What a turn used is reported separately since then: `model_usage_since_last_result`. */
const TOLD_ALONE = '2.1.316'

for (const [name, format] of Object.entries(FORMATS)) {
  test(`claude: subagents of a session and of one that is resumed are counted, as ${name}`, {
    skip: unlessSince('claude', name === 'json, verbose' ? '2.1.330' : TOLD_ALONE)
  }, async (t) => {
    const { mock, sum, count } = await startBilling(t, delegate)
    const homes = agentHomes(t)
    const run = async (
      /** @type {string} */ prompt,
      /** @type {string[]} */ more,
      /** @type {any} */ envOptions = { workspace: { id: `ws ${name}` } }
    ) => {
      const before = [countsOf(sum), count()]
      const { child, done } = startTurn('claude', {
        mock,
        homes,
        programs,
        payload: { apiKey: KEY.claude },
        prompt,
        envOptions,
        args: formatted(format, more)
      })
      const { code, events, stderr } = await done
      assert.equal(code, 0, stderr)
      const result = events.flat().findLast(({ type }) => type === 'result')
      return {
        usage: /** @type {any} */ (child.usage),
        billed: minus(sum, before[0]),
        requests: count() - Number(before[1]),
        session: result.session_id,
        cost: result.total_cost_usd
      }
    }
    const first = await run('delegate', [])
    assert.ok(first.requests >= 3, `${first.requests} requests`)
    assert.deepEqual([countsOf(first.usage), first.usage.complete, first.usage.incompleteBecause], [first.billed, true, []])
    assert.deepEqual(Object.keys(first.usage.models).length, 2)
    assert.ok(Math.abs(first.usage.costUsd - first.cost) < 1e-9, `${first.usage.costUsd}, ${first.cost}`)
    for (const prompt of ['two', 'delegate']) {
      const next = await run(prompt, ['--resume', first.session])
      assert.deepEqual([countsOf(next.usage), next.usage.complete], [next.billed, true], prompt)
    }
    // What another process has read, and a session that begins with another's totals.
    for (const [more, envOptions] of /** @type {const} */ ([
      [['--resume', first.session], { workspace: { id: 'another' } }],
      [['--resume', first.session, '--fork-session'], undefined]
    ])) {
      const stranger = await run('delegate', [...more], envOptions)
      if (name === 'stream-json') {
        assert.deepEqual([countsOf(stranger.usage), stranger.usage.complete], [stranger.billed, true])
      } else {
        assert.equal(stranger.usage.complete, false)
        assert.ok(stranger.usage.incompleteBecause.includes('earlier-total-unknown'), stranger.usage.incompleteBecause)
        assert.ok(stranger.usage.inputTokens > 0 && stranger.usage.inputTokens < stranger.billed.inputTokens)
      }
    }
  })
}

test('claude: a summary and the model of a hook are counted', { skip: unlessSince('claude', TOLD_ALONE) }, async (t) => {
  const { mock, sum, count } = await startBilling(t)
  const homes = agentHomes(t)
  const hooks = { hooks: { PreToolUse: [{ matcher: 'Bash', hooks: [{ type: 'prompt', prompt: 'Is it good? $ARGUMENTS' }] }] } }
  const start = (/** @type {string} */ prompt, /** @type {string[]} */ more) =>
    startTurn('claude', {
      mock,
      homes,
      programs,
      payload: { apiKey: KEY.claude },
      prompt,
      args: (common, text) => [...common, ...more, text]
    })
  const first = start('run: echo one', ['--settings', JSON.stringify(hooks)])
  const { session } = await first.done
  assert.deepEqual([countsOf(first.child.usage), count(), first.child.usage?.complete], [sum, 3, true])
  const before = countsOf(sum)
  const second = start('/compact', ['--resume', session])
  await second.done
  assert.ok(count() > 3)
  assert.deepEqual([countsOf(second.child.usage), second.child.usage?.complete], [minus(sum, before), true])
})

const AGENT_CALL = {
  call: 'spawn_agent',
  namespace: 'collaboration',
  input: { message: 'a part of it', task_name: 'helper', fork_turns: 'none' }
}
const isHelper = (/** @type {any} */ turn) => JSON.stringify(turn.request.body.input).includes('NEW_TASK')
/** Starts an agent and goes on when that has asked, without waiting for what becomes of it. */
function leaveBehind() {
  /** @type {(asked?: undefined) => void} */
  let tell = () => {}
  const asked = new Promise((resolve) => (tell = resolve))
  return async (/** @type {any} */ turn) => {
    if (isHelper(turn)) tell()
    else if (turn.step === 0) return AGENT_CALL
    await asked
    return { text: 'done' }
  }
}

/** A command that needs an approval. The reviewer is a model of another name. @param {any} turn */
function needsApproval({ prompt, step, request }) {
  if (prompt !== 'run: echo one' || step > 0 || request.body.model.includes('luna')) return { text: 'done' }
  return { call: 'exec_command', input: { cmd: 'touch /etc/made-up', sandbox_permissions: 'require_escalated', justification: 'made up' } }
}

/** A first request of so many tokens, which leads to a summary. @param {number} input */
const largeTurn = (input) => (/** @type {any} */ turn) => {
  const { type } = turn.request.body.input.at(-1)
  // The prompt is among what the summary leaves, and is answered once more.
  if (type === 'compaction') return { text: 'done', usage: { input: 10 } }
  return type === 'compaction_trigger' || turn.step > 0 ? undefined : { run: 'echo one', usage: { input } }
}

/** Codex has its second kind of subagents, the override that allows none and a model that reviews approvals since then at the latest. */
const SECOND_AGENTS = '0.150.0'

/** @type {Record<string, { command?: string[], more?: string[], isSandboxed?: boolean, config?: string, script?: (turn: any) => any, reasons: string[], since?: string }>} */
const MODES = {
  'a turn': { reasons: [] },
  'a review': { command: ['exec', 'review'], isSandboxed: false, reasons: ['total-unbelievable', 'review', 'subagents'] },
  'a command that needs an approval, which a model reviews': {
    since: SECOND_AGENTS,
    more: ['--approve-for-me'],
    isSandboxed: false,
    script: needsApproval,
    reasons: ['review', 'subagents']
  },
  'an agent that is waited for': {
    since: SECOND_AGENTS,
    script: (turn) =>
      isHelper(turn)
        ? { text: 'done' }
        : [AGENT_CALL, { call: 'wait_agent', namespace: 'collaboration', input: { timeout_ms: 10_000 } }][turn.step],
    reasons: ['subagents']
  },
  'an agent that is not waited for': {
    since: SECOND_AGENTS,
    script: leaveBehind(),
    reasons: ['subagents']
  },
  'an agent that is not waited for, and of which no file is kept': {
    since: SECOND_AGENTS,
    more: ['--ephemeral'],
    script: leaveBehind(),
    reasons: ['subagents-unknown']
  },
  'no agent, as the arguments allow none': {
    since: SECOND_AGENTS,
    more: ['--ephemeral', '-c', 'agents.enabled=false'],
    script: (turn) => [AGENT_CALL][turn.step],
    reasons: []
  },
  'an agent in spite of arguments that do not keep it': {
    since: SECOND_AGENTS,
    more: ['--disable', 'multi_agent', '--disable', 'multi_agent_v2'],
    script: leaveBehind(),
    reasons: ['subagents']
  },
  'a command that needs an approval, which a model reviews as config.toml says': {
    since: SECOND_AGENTS,
    config: 'approvals_reviewer = "auto_review"\n',
    isSandboxed: false,
    more: ['-c', 'approval_policy="on-request"', '-c', 'sandbox_mode="workspace-write"'],
    script: needsApproval,
    reasons: ['subagents']
  },
  'such a review where the arguments allow no agent': {
    since: SECOND_AGENTS,
    config: 'approvals_reviewer = "auto_review"\n',
    isSandboxed: false,
    more: ['-c', 'approval_policy="on-request"', '-c', 'sandbox_mode="workspace-write"', '-c', 'agents.enabled=false'],
    script: needsApproval,
    reasons: ['subagents']
  },
  'a summary, which the arguments ask for': {
    more: ['-c', 'model_auto_compact_token_limit=5000'],
    script: largeTurn(6000),
    reasons: ['compaction']
  },
  'a summary of a large turn': {
    script: largeTurn(260_000),
    reasons: ['compaction']
  }
}

for (const [name, { command = ['exec'], more = [], isSandboxed = true, config, script, reasons, since = '0.0.0' }] of Object.entries(
  MODES
)) {
  test(`codex: ${name}`, { skip: unlessSince('codex', since) }, async (t) => {
    const { mock, sum } = await startBilling(t, script)
    const args = (/** @type {string[]} */ common, /** @type {string} */ text) => [
      ...command,
      ...common.filter((each, index) => isSandboxed || ![each, common[index - 1]].includes('--sandbox')),
      ...more,
      '--',
      text
    ]
    const homes = agentHomes(t)
    if (config !== undefined) fs.writeFileSync(path.join(homes.codexHome, 'config.toml'), config)
    const { child, done } = startTurn('codex', { mock, homes, programs, payload: { apiKey: KEY.codex }, prompt: 'run: echo one', args })
    const { code, stderr } = await done
    assert.equal(code, 0, stderr)
    const { usage } = child
    assert.deepEqual([usage?.complete, usage?.incompleteBecause, usage?.turns], [reasons.length === 0, reasons, 1])
    const missing = minus(sum, usage).inputTokens
    assert.ok(reasons.length === 0 ? missing === 0 : missing > 0, `${missing} missing`)
    assert.deepEqual(reasons.length === 0 ? countsOf(usage) : NOTHING, reasons.length === 0 ? sum : NOTHING)
  })
}

/** The files of sessions below a directory. @param {string} dir @returns {string[]} */
const sessions = (dir) =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => path.join(dir, file))

for (const [name, edit] of /** @type {[string, (text: string) => string][]} */ ([
  ['nothing', (text) => text],
  ['one turn', (text) => text.replaceAll(/"input_tokens":\d+/g, '"input_tokens":1')],
  ['everything', (text) => text.replaceAll(/"total_token_usage":\{[^}]*\}/g, (total) => total.replaceAll(/:\d+/g, ':0'))]
])) {
  test(`codex: a thread whose file the tenant has changed since: ${name}`, async (t) => {
    const { mock, sum } = await startBilling(t, () => ({ text: 'fine', usage: { input: 100_000, output: 1000, cacheRead: 0 } }))
    const homes = agentHomes(t)
    const start = (/** @type {string[]} */ resume) =>
      startTurn('codex', {
        mock,
        homes,
        programs,
        payload: { apiKey: KEY.codex },
        envOptions: { workspace: { id: `edited ${name}` } },
        args: (common, text) => ['exec', ...common, ...resume, '--', text]
      })
    const first = await start([]).done
    const before = countsOf(sum)
    const files = sessions(homes.codexHome)
    assert.equal(files.length, 1)
    fs.writeFileSync(files[0], edit(fs.readFileSync(files[0], 'utf8')))
    const { child, done } = start(['resume', first.session])
    assert.equal((await done).code, 0)
    const isWhole = name === 'nothing'
    assert.deepEqual([child.usage?.complete, child.usage?.incompleteBecause], [isWhole, isWhole ? [] : ['total-unbelievable']])
    const told = Number(child.usage?.inputTokens)
    const billed = Number(minus(sum, before).inputTokens)
    assert.ok(isWhole ? told === billed : told < billed, `${told} of ${billed}`)
  })
}
