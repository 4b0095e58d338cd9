// The real Claude Agent SDK: query() with claudeAgentOptions() starts the real CLI as the agent, with the key in no env.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { AbortError, query } from '@anthropic-ai/claude-agent-sdk'
import { buildProviderEnv, claudeAgentOptions } from '../../index.mjs'
import attacks from '../support/attacks.js'
import baits from '../support/claude-baits.js'
import kernel from '../support/kernel.js'
import network from '../support/namespace.js'
import proc from '../support/proc.js'
import placed from '../support/programs.js'
import { quiet } from '../support/quiet.js'
import real from '../support/real-turn.js'

network.requirePrivateNetwork()

const { AGENT, agentHomes, credentialsSeen, startHeldMock, startMock } = real
const { until } = kernel
const { descendantsOf, environOf, isAlive, statusOf, withArgument } = proc
const programs = placed.installForAnyone({ test })
const KEY = 'sk-ant-api03-made-up-tenant-key'

// All that the SDK may add to the child's environment: what steers the CLI, and carries nothing.
const CONTROL = /^(?:CLAUDE_CODE_ENTRYPOINT|CLAUDE_AGENT_SDK_VERSION|CLAUDE_CODE_SDK_[A-Z_]+|CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING)$/

/** Everything of one query. */
function prepare(t, { mock, key = KEY, payload = { apiKey: key }, launch, options, prompt = 'hello', homes = agentHomes(t) }) {
  const { workspace, home, tmpDir, claudeConfigDir } = homes
  const env = buildProviderEnv(
    { ...payload, userEnvKeys: { WHO: prompt.split('\n')[0] } },
    { baseUrl: mock.anthropicBaseUrl, set: quiet.claude.env, workspace: { dir: workspace, home, tmpDir, claudeConfigDir } }
  )
  t.after(() => env.dispose())
  const children = []
  const onSpawn = (child) => {
    children.push(child)
    t.after(() => child.exitCode === null && child.kill('SIGKILL'))
  }
  const sdk = claudeAgentOptions(env, { cwd: workspace, ...AGENT, command: programs.claude, killGraceMs: 1000, onSpawn, ...launch })
  const common = {
    cwd: workspace,
    model: 'claude-sonnet-4-5',
    maxTurns: 5,
    allowedTools: ['Bash'],
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true
  }
  return { env, homes, children, run: () => readAll(query({ prompt, options: { ...common, ...sdk, ...options?.(sdk) } })) }
}

async function readAll(messages) {
  const all = []
  for await (const message of messages) all.push(message)
  return all
}

const resultOf = (messages) => messages.find(({ type }) => type === 'result')

/** By delivery: what the environment of the child has beside ours and the SDK's. */
const DELIVERIES = { broker: ['ANTHROPIC_UNIX_SOCKET'], fd: [] }

for (const [delivery, beside] of Object.entries(DELIVERIES)) {
  test(`one turn with a command, delivery ${delivery}: the key is in the header of the request alone`, async (t) => {
    const { mock, release, heldCount } = await startHeldMock(t)
    const { env, children, run } = prepare(t, { mock, launch: { delivery }, prompt: 'run: id; env; tr "\\0" "\\n" < /proc/$PPID/environ' })
    const running = run()
    await until('the second request', () => heldCount() > 0)
    const [{ pid, startPath }] = children
    const block = environOf(pid)
    const [uid, gid] = [statusOf(pid, 'Uid'), statusOf(pid, 'Gid')]
    release()
    const result = resultOf(await running)

    assert.equal(children.length, 1)
    assert.deepEqual([startPath, children[0].delivery], ['native', delivery])
    assert.deepEqual(pick(result), { subtype: 'success', is_error: false, num_turns: 2 })
    assert.ok(result.usage.input_tokens > 0 && result.usage.output_tokens > 0)
    assert.deepEqual(Object.keys(result.modelUsage), ['claude-sonnet-4-5'])
    assert.deepEqual(credentialsSeen(mock), [`x-api-key ${KEY}`])
    assert.match(result.result, /^USER_WHO=/m)
    for (const [where, text] of Object.entries({
      result: result.result,
      block: JSON.stringify(block),
      environment: JSON.stringify(process.env)
    })) {
      assert.doesNotMatch(text, new RegExp(KEY), where)
    }
    if (AGENT.uid) {
      assert.deepEqual([...uid, ...gid], Array(8).fill(String(AGENT.uid)))
      assert.match(result.result, new RegExp(`uid=${AGENT.uid}`))
    }
    const added = Object.keys(block).filter((name) => !env.names.includes(name))
    assert.ok(added.includes('CLAUDE_CODE_ENTRYPOINT'))
    assert.deepEqual(
      added.filter((name) => !CONTROL.test(name)),
      beside
    )
  })
}

test('a session that was begun without the broker goes on through it, with a helper, and without it again', async (t) => {
  const answer = ({ prompt, step }) => {
    if (prompt.includes('a part of it')) return step === 0 ? { run: 'echo helped' } : { text: 'helped' }
    return prompt === 'delegate' && step === 0
      ? { call: 'Agent', input: { description: 'x', prompt: 'a part of it', subagent_type: 'general-purpose' } }
      : { text: 'done' }
  }
  const [mock, homes] = [await startMock(t, { answer }), agentHomes(t)]
  const sessions = []
  for (const [delivery, prompt] of [
    ['fd', 'the first question'],
    ['broker', 'delegate'],
    ['fd', 'the last']
  ]) {
    const { run } = prepare(t, {
      mock,
      homes,
      prompt,
      launch: { delivery },
      options: () => ({ allowedTools: ['Bash', 'Agent'], ...(sessions.length > 0 ? { resume: sessions[0] } : {}) })
    })
    const { session_id, is_error } = resultOf(await run())
    assert.equal(is_error, false, prompt)
    sessions.push(session_id)
  }
  assert.equal(new Set(sessions).size, 1)
  assert.deepEqual(credentialsSeen(mock), [`x-api-key ${KEY}`])
  const said = mock.requests.map(({ body }) => JSON.stringify(body))
  assert.ok(said.some((each) => each.includes('helped')))
  assert.match(said.at(-1), /the first question.*delegate/)
})

const pick = ({ subtype, is_error, num_turns }) => ({ subtype, is_error, num_turns })

test("the child's usage is the mock's, and the SDK's own result", async (t) => {
  const mock = await startMock(t, { usage: { input: 1234, cacheRead: 56, cacheWrite: 7, output: 89 } })
  const { children, run } = prepare(t, { mock, prompt: 'run: echo one' })
  const { usage, total_cost_usd: cost } = resultOf(await run())
  const [child] = children
  if (child.exitCode === null) await child.exited
  const { inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, turns, complete, costUsd } = child.usage
  assert.deepEqual(
    [inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, turns, complete],
    [2 * (1234 + 56 + 7), 2 * 56, 2 * 7, 2 * 89, 1, true]
  )
  assert.deepEqual([usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens], [2 * 1234, 2 * 56, 2 * 89])
  assert.ok(Math.abs(costUsd - cost) < 1e-9)
  assert.equal(child.failure, null)
})

test('a failure of a query has its kind', async (t) => {
  const mock = await startMock(t, { answer: () => ({ status: 401, error: { type: 'authentication_error', message: 'no' } }) })
  const { children, run } = prepare(t, { mock })
  await run().catch(() => {})
  const [child] = children
  if (child.exitCode === null && child.signalCode === null) await child.exited
  assert.deepEqual([child.failure?.kind, child.failure?.status], ['authentication', 401])
})

test('what else stands in the env of the query reaches no child', async (t) => {
  const { mock, release, heldCount } = await startHeldMock(t)
  const foreign = {
    FOREIGN: 'x',
    ANTHROPIC_API_KEY: 'sk-ant-api03-made-up-foreign-key',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
    NODE_OPTIONS: '--require=/x.js',
    BUN_OPTIONS: '--preload=/x.js'
  }
  const { children, run, env } = prepare(t, { mock, prompt: 'run: env', options: (sdk) => ({ env: { ...sdk.env, ...foreign } }) })
  const running = run()
  await until('the second request', () => heldCount() > 0)
  const block = environOf(children[0].pid)
  release()
  const { result } = resultOf(await running)
  assert.deepEqual(
    Object.values(foreign).filter((value) => Object.values(block).includes(value)),
    []
  )
  // The broker's, if it is how the key is delivered by default here.
  const own = children[0].delivery === 'broker' ? 'http://provider-env.invalid' : env.get('ANTHROPIC_BASE_URL')
  assert.equal(block.ANTHROPIC_BASE_URL, own)
  assert.doesNotMatch(result, /FOREIGN|foreign-key/)
  assert.deepEqual(credentialsSeen(mock), [`x-api-key ${KEY}`])
})

test("the CLI's own files send nothing elsewhere, and the query's env does not lift what keeps them out", async (t) => {
  for (const payload of [{ apiKey: KEY }, { oauthAccessToken: 'sk-ant-oat01-made-up-token' }]) {
    const [mock, evil] = [await startMock(t), await startMock(t)]
    const homes = agentHomes(t)
    baits.plantVariables([homes.claudeConfigDir, '.claude.json'], {
      ...baits.REDIRECTIONS['a base URL'](evil.anthropicBaseUrl),
      ...baits.REDIRECTIONS.proxies(evil.anthropicBaseUrl)
    })
    const lifted = { CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '' }
    const { env, run } = prepare(t, { mock, payload, homes, options: (sdk) => ({ env: { ...sdk.env, ...lifted } }) })
    assert.deepEqual([env.get('CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST'), env.get('CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC')], ['1', '1'])
    assert.equal(resultOf(await run()).is_error, false)
    assert.equal(evil.requests.length, 0)
    assert.deepEqual(credentialsSeen(mock), [payload.apiKey ? `x-api-key ${KEY}` : `authorization ${payload.oauthAccessToken}`])
  }
})

test("abort by the SDK's controller ends the CLI and its command", async (t) => {
  const time = `1000.${process.pid}777`
  t.after(() => withArgument(time).forEach((pid) => process.kill(pid, 'SIGKILL')))
  const { mock } = await startHeldMock(t)
  const abortController = new AbortController()
  const { children, run } = prepare(t, { mock, prompt: `run: env sleep ${time}; echo over`, options: () => ({ abortController }) })
  const running = run()
  await until('the sleep', () => withArgument(time).length > 0)
  const all = [children[0].pid, ...descendantsOf(children[0].pid)]
  abortController.abort()
  await assert.rejects(running, AbortError)
  await until(`${all.filter(isAlive)} to end`, () => all.every((pid) => !isAlive(pid)))
})

test('a CLI that a real-time signal ends is a query that failed', async (t) => {
  const { mock, heldCount } = await startHeldMock(t)
  const { children, run } = prepare(t, { mock, prompt: 'run: id' })
  const failure = assert.rejects(run(), /SIGRTMIN\+3/)
  await until('the second request', () => heldCount() > 0)
  // No name of it is known to Node.
  process.kill(children[0].pid, 37)
  await failure
})

test('what a callback of the SDK starts is started by the worker, as who it is; a stdio server is started by the CLI, as the tenant', async (t) => {
  const homes = agentHomes(t)
  const file = path.join(homes.tmpDir, 'server')
  // No answer before the server runs: the CLI need not wait for it, and ends it with the turn.
  const mock = await startMock(t, { answer: () => until('the server', () => fs.existsSync(file) && { text: 'fine' }) })
  const asked = []
  const hook = async () => {
    asked.push(execFileSync('id', ['-u'], { encoding: 'utf8' }).trim())
    return {}
  }
  const options = () => ({
    hooks: { UserPromptSubmit: [{ hooks: [hook] }] },
    mcpServers: {
      made: { type: 'stdio', command: '/bin/sh', args: ['-c', `id -u > ${file}.new; mv ${file}.new ${file}; cat > /dev/null`] }
    }
  })
  assert.equal(resultOf(await prepare(t, { mock, homes, options }).run()).is_error, false)
  assert.deepEqual(asked, [String(process.getuid())])
  assert.equal(fs.readFileSync(file, 'utf8').trim(), String(AGENT.uid ?? process.getuid()))
})

test('two queries at once, each with its own key', async (t) => {
  const { mock, release, heldCount } = await startHeldMock(t)
  const tenants = ['alpha', 'beta'].map((name) => ({ name, key: `${KEY}-${name}` }))
  const running = tenants.map(({ name, key }) => prepare(t, { mock, key, prompt: `${name}\nrun: echo I am $USER_WHO` }).run())
  await until('both second requests', () => heldCount() === 2)
  release()
  const results = (await Promise.all(running)).map(resultOf)
  for (const [index, { name, key }] of tenants.entries()) {
    assert.equal(results[index].result, `I am ${name}`)
    const own = mock.requestsWith(key)
    assert.ok(own.length >= 2)
    for (const { headers, body } of own) assert.doesNotMatch(JSON.stringify([headers, body]), new RegExp(tenants[1 - index].key))
  }
  assert.equal(mock.requests.length, tenants.flatMap(({ key }) => mock.requestsWith(key)).length)
})

for (const workspaceTrust of ['untrusted', 'trusted']) {
  test(`a hostile workspace, ${workspaceTrust}`, async (t) => {
    const [mock, evil] = [await startMock(t), await startMock(t)]
    const { run, homes } = prepare(t, { mock, prompt: 'run: echo "planted=[$PLANTED]"', launch: { workspaceTrust } })
    attacks.plantClaude(homes.workspace, homes.tmpDir, evil.anthropicBaseUrl)
    const { result } = resultOf(await run())
    const bites = workspaceTrust === 'trusted'
    assert.deepEqual([attacks.marksIn(homes.tmpDir).length > 0, result], [bites, bites ? 'planted=[local]' : 'planted=[]'])
    // Its base URL does not count even then.
    assert.deepEqual([evil.requests.length, credentialsSeen(mock)], [0, [`x-api-key ${KEY}`]])
  })
}

test('settingSources that the caller adds for an untrusted workspace are refused', async (t) => {
  const mock = await startMock(t)
  const { run, children } = prepare(t, { mock, options: () => ({ settingSources: ['project'] }) })
  // query() itself throws: it asks for the process at once.
  assert.throws(run, { code: 'ERR_INVALID_ARG_VALUE', message: /--setting-sources/ })
  assert.deepEqual([children.length, mock.requests.length], [0, 0])
})

test('an environment for codex is refused', (t) => {
  const { home } = agentHomes(t)
  const env = buildProviderEnv({ provider: 'codex', apiKey: 'sk-proj-made-up' }, { workspace: { home } })
  assert.throws(() => claudeAgentOptions(env), { code: 'ERR_PROVIDER_UNSUPPORTED' })
})
