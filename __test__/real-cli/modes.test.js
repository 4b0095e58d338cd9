// Ways of running a CLI in which it does not read its credential as elsewhere: a start delivers it otherwise, or is refused;
// no request is ever without it.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { createInterface } = require('node:readline')
const { CredentialStore, spawnProvider } = require('../../index.js')
const { until } = require('../support/kernel.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone, isAtLeast, unlessSince, versionsUnderTest } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { AGENT, agentHomes, credentialsSeen, livesIn, prepareTurn, runTurn, startMock } = require('../support/real-turn.js')
const { connectWebSocket } = require('../support/websocket.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-mode-key', codex: 'sk-proj-made-up-mode-key' }
const TOKEN = 'sk-ant-oat01-made-up-mode-token'

/** @typedef {'key' | 'token' | 'login'} Kind */
/** @param {'claude' | 'codex'} provider @param {Kind} kind */
const payloadOf = (provider, kind) => (kind === 'key' ? { apiKey: KEY[provider] } : kind === 'token' ? { oauthAccessToken: TOKEN } : {})

const SIMPLE = JSON.stringify({ env: { CLAUDE_CODE_SIMPLE: '1' } })
/** Arguments of Codex that choose a model provider and define it. @param {string[]} members */
const definedAs = (...members) => [
  '-c',
  'model_provider="x"',
  ...['name="x"', 'wire_api="responses"', ...members].flatMap((member) => ['-c', `model_providers.x.${member}`])
]
const PRINT = ['-p', '--output-format', 'json', '--']

/** Arguments, kind of the credential, delivery, what the error names. @type {['claude' | 'codex', string[], Kind, any, string][]} */
const REFUSED = [
  ['claude', ['--bare', ...PRINT, 'hi'], 'key', 'fd', '--bare'],
  ['claude', ['--bare', ...PRINT, 'hi'], 'token', undefined, '--bare'],
  ['claude', ['--bare', ...PRINT, 'hi'], 'token', 'env', '--bare'],
  ['claude', ['--bare', ...PRINT, 'hi'], 'login', undefined, '--bare'],
  // The CLI obeys it there too.
  ['claude', ['-p', '--append-system-prompt', '--bare', 'hi'], 'key', 'fd', '--bare'],
  ['claude', ['--bg', 'hi'], 'key', undefined, '--bg'],
  ['claude', ['--background', 'hi'], 'token', 'env', '--background'],
  ['claude', ['agents'], 'key', undefined, 'agents'],
  ['claude', ['daemon', 'run'], 'key', 'env', 'daemon'],
  ['claude', ['--tmux=classic', '-w', 'x', 'hi'], 'token', 'fd', '--tmux'],
  // Another process would ask the broker.
  ['claude', ['--tmux=classic', '-w', 'x', 'hi'], 'token', 'broker', '--tmux'],
  ['claude', ['plugin', 'eval', '.'], 'token', 'broker', 'plugin eval'],
  ['claude', ['-p', '--cloud', 'session_x', 'hi'], 'key', undefined, '--cloud'],
  ['claude', ['--teleport', 'x'], 'token', undefined, '--teleport'],
  ['claude', ['remote-control'], 'token', undefined, 'remote-control'],
  ['claude', ['ultrareview'], 'key', undefined, 'ultrareview'],
  ['codex', ['app-server', 'daemon', 'start'], 'key', undefined, 'app-server daemon'],
  ['codex', ['app-server', 'proxy'], 'key', undefined, 'app-server proxy'],
  ['codex', ['debug', 'app-server', 'send-message-v2', 'hi'], 'key', undefined, 'debug app-server'],
  ['codex', ['remote-control', '--no-daemon'], 'key', undefined, 'remote-control'],
  ['codex', ['-m', 'gpt-5', 'resume', '--last'], 'key', undefined, 'resume'],
  ['codex', ['fork', '--last'], 'key', undefined, 'fork'],
  ['codex', ['cloud', 'list'], 'key', undefined, 'cloud'],
  ['codex', ['agents'], 'key', undefined, 'agents'],
  ['codex', ['queue', '--thread', 'x', '--message', 'hi'], 'key', undefined, 'queue'],
  ['codex', ['exec-server'], 'key', undefined, 'exec-server'],
  ['codex', ['responses-api-proxy'], 'key', undefined, 'responses-api-proxy'],
  ['codex', ['mcp-server'], 'key', undefined, 'mcp-server'],
  ['codex', ['exec', '--oss', 'hi'], 'key', undefined, '--oss'],
  ['codex', ['exec', '-c', 'model_provider="ollama"', 'hi'], 'key', 'env', 'model_provider'],
  ['codex', ['exec', ...definedAs('base_url="http://127.0.0.1:9"'), 'hi'], 'key', 'env', 'model_provider'],
  ['codex', ['exec', ...definedAs('base_url="http://127.0.0.1:9"', 'env_key="USER_MINE"'), 'hi'], 'key', 'env', 'model_provider'],
  ['codex', ['exec', ...definedAs('base_url="http://127.0.0.1:9"', 'auth={command="/bin/echo"}'), 'hi'], 'key', 'env', 'model_provider'],
  [
    'codex',
    ['exec', '-c', 'model_provider="x"', '-c', 'model_providers={x={name="x",base_url="http://127.0.0.1:9"}}', 'hi'],
    'key',
    'env',
    'model_provider'
  ],
  ['claude', ['plugin', 'eval', '.'], 'key', 'env', 'plugin eval'],
  ['claude', ['--settings', SIMPLE, ...PRINT, 'hi'], 'key', 'fd', '--settings'],
  ['claude', ['--settings', SIMPLE, ...PRINT, 'hi'], 'token', 'broker', '--settings'],
  ['claude', [`--settings=${SIMPLE}`, ...PRINT, 'hi'], 'token', 'env', '--settings']
]

for (const [provider, args, kind, delivery, name] of REFUSED) {
  test(`${provider} ${args.join(' ')} with a ${kind}${delivery ? ` by ${delivery}` : ''} is refused before any process`, async (t) => {
    const mock = await startMock(t)
    const { env, options } = prepareTurn(provider, {
      mock,
      homes: agentHomes(t),
      programs,
      payload: payloadOf(provider, kind),
      launch: { args, delivery }
    })
    t.after(() => env.dispose())
    for (const workspaceTrust of /** @type {const} */ (['untrusted', 'trusted'])) {
      assert.throws(
        () => spawnProvider(env, { ...options, workspaceTrust }),
        (/** @type {any} */ error) => {
          assert.deepEqual([error.code, error.names, error.provider], ['ERR_PROVIDER_UNSUPPORTED', [name], provider])
          assert.ok(error.message.includes(name), error.message)
          assert.match(error.message, /would not use this launch's (?:API key|OAuth token|config directory)\. (?:Use|Omit|Pass|Set) /)
          return true
        }
      )
    }
    assert.deepEqual(credentialsSeen(mock), [])
  })
}

test('a terminal, in which Codex reads no key, is refused', async (t) => {
  const mock = await startMock(t)
  const { env, options } = prepareTurn('codex', { mock, homes: agentHomes(t), programs, payload: payloadOf('codex', 'key') })
  t.after(() => env.dispose())
  const terminal = fs.openSync('/dev/ptmx', 'r+')
  t.after(() => fs.closeSync(terminal))
  const stdio = /** @type {any} */ ([terminal, 'pipe', 'pipe'])
  for (const args of [[], ['hi'], ['-m', 'exec', 'hi']]) {
    assert.throws(() => spawnProvider(env, { ...options, args, stdio }), {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      names: ['stdio'],
      message: /gives the command in options\.args a terminal.* Use exec, /
    })
  }
})

test('claude with CLAUDE_CODE_SIMPLE in --settings sends an API key that the caller lets into the environment', async (t) => {
  const mock = await startMock(t)
  const args = ['--settings', SIMPLE, '-p', '--output-format', 'json', '--model=claude-sonnet-4-5', '--', 'hi']
  const turn = await runTurn('claude', {
    mock,
    homes: agentHomes(t),
    programs,
    payload: payloadOf('claude', 'key'),
    launch: { delivery: 'env', args }
  })
  assert.deepEqual([turn.code, credentialsSeen(mock)], [0, [`x-api-key ${KEY.claude}`]], turn.stdout + turn.stderr)
})

test('control: by a pipe it would send nothing, also as settings of a file, which are not looked into', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const file = path.join(homes.workspace, 'settings.json')
  fs.writeFileSync(file, SIMPLE)
  const args = ['--settings', file, '-p', '--output-format', 'json', '--model=claude-sonnet-4-5', '--', 'hi']
  const turn = await runTurn('claude', { mock, homes, programs, payload: payloadOf('claude', 'key'), launch: { args, delivery: 'fd' } })
  assert.deepEqual([turn.code, credentialsSeen(mock)], [1, []], turn.stdout + turn.stderr)
  assert.match(turn.stdout, /Not logged in/)
  const brokered = await runTurn('claude', { mock, homes, programs, payload: payloadOf('claude', 'key'), launch: { args } })
  assert.deepEqual([brokered.code, credentialsSeen(mock)], [0, [`x-api-key ${KEY.claude}`]], brokered.stdout + brokered.stderr)
})

for (const [name, members] of Object.entries({
  env_key: ['env_key="CODEX_API_KEY"'],
  'the second variable': ['env_key="OPENAI_API_KEY"'],
  requires_openai_auth: ['requires_openai_auth=true']
})) {
  test(`codex exec sends the key to a model provider of the caller's by ${name}`, async (t) => {
    const [mock, other] = [await startMock(t), await startMock(t)]
    const args = (/** @type {string[]} */ common, /** @type {string} */ prompt) => [
      'exec',
      ...common,
      ...definedAs(`base_url="${other.openaiBaseUrl}"`, ...members),
      '--',
      prompt
    ]
    const given = { mock, homes: agentHomes(t), programs, payload: payloadOf('codex', 'key'), args }
    const turn = await runTurn('codex', { ...given, launch: { delivery: 'env' } })
    assert.deepEqual([turn.code, credentialsSeen(mock), credentialsSeen(other)], [0, [], [`authorization ${KEY.codex}`]], turn.stderr)
    // With the broker there is no key for it.
    await assert.rejects(runTurn('codex', given), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /overrides model_provider.* or pass delivery "env"/
    })
  })
}

for (const delivery of ['env', 'broker'])
  test(`claude --bare sends an API key by ${delivery}`, async (t) => {
    const mock = await startMock(t)
    const args = [
      '--bare',
      '-p',
      '--output-format',
      'stream-json',
      '--verbose',
      '--model=claude-sonnet-4-5',
      '--allowedTools=Bash',
      '--',
      'run: env'
    ]
    const turn = await runTurn('claude', {
      mock,
      homes: agentHomes(t),
      programs,
      payload: payloadOf('claude', 'key'),
      launch: { delivery, args }
    })
    assert.deepEqual([turn.code, credentialsSeen(mock)], [0, [`x-api-key ${KEY.claude}`]], turn.stdout + turn.stderr)
    assert.match(turn.text, /^PATH=/m)
    assert.ok(!turn.text.includes(KEY.claude), "the key in the agent's shell")
  })

test('claude --safe-mode and --restricted send what is on the pipe, or what the broker adds', async (t) => {
  for (const [mode, delivery] of ['--safe-mode', '--restricted'].flatMap((mode) => ['fd', 'broker'].map((delivery) => [mode, delivery]))) {
    const mock = await startMock(t)
    const args = [mode, '-p', '--output-format', 'stream-json', '--verbose', '--model=claude-sonnet-4-5', '--', 'hi']
    const turn = await runTurn('claude', {
      mock,
      homes: agentHomes(t),
      programs,
      payload: payloadOf('claude', 'token'),
      launch: { args, delivery }
    })
    assert.deepEqual([turn.code, credentialsSeen(mock)], [0, [`authorization ${TOKEN}`]], mode + turn.stdout + turn.stderr)
  }
})

for (const delivery of ['fd', 'broker'])
  test(`claude mcp serve sends a key by ${delivery}, where an agent is asked`, { skip: unlessSince('claude', '2.1.280') }, async (t) => {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    const { env, options } = prepareTurn('claude', {
      mock,
      homes,
      programs,
      payload: payloadOf('claude', 'key'),
      launch: { args: ['mcp', 'serve'], delivery }
    })
    const client = connect(homes, env, options)
    await client.call('initialize', { protocolVersion: '2025-06-18', clientInfo: { name: 'x', version: '1' }, capabilities: {} })
    client.tell('notifications/initialized')
    await client.call('tools/call', { name: 'Agent', arguments: { description: 'x', prompt: 'hi', subagent_type: 'general-purpose' } })
    // The answer can come before the agent has asked.
    await until('the agent asks', () => mock.requests.some(({ method }) => method === 'POST'))
    assert.deepEqual(credentialsSeen(mock), [`x-api-key ${KEY.claude}`])
  })

test('codex review and exec review send the key', async (t) => {
  for (const args of [
    ['review', ...quiet.codex.args, 'look'],
    ['exec', 'review', ...quiet.codex.args, 'look']
  ]) {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    execFileSync('git', ['init', '-q', homes.workspace], { ...AGENT, env: { PATH: process.env.PATH, HOME: homes.home } })
    const turn = await runTurn('codex', { mock, homes, programs, payload: payloadOf('codex', 'key'), launch: { args } })
    assert.deepEqual([turn.code, credentialsSeen(mock)], [0, [`authorization ${KEY.codex}`]], turn.stdout + turn.stderr)
  }
})

/**
 * JSON-RPC over the streams of a start.
 * @param {ReturnType<typeof agentHomes>} homes
 * @param {any} env
 * @param {any} options
 */
function connect(homes, env, options) {
  const child = spawnProvider(env, { ...options, stdio: 'pipe' })
  env.dispose()
  livesIn(homes, child)
  const stop = async () => {
    child.kill('SIGKILL')
    await child.exited
  }
  return { ...speak(child), stop }
}

/** @param {any} child */
function speak(child) {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (said = `${said}${text}`.slice(-4000)))
  const lines = createInterface({ input: child.stdout })
  return talk(
    (hear, end) => {
      lines.on('line', hear)
      child.stdin.on('error', (/** @type {Error} */ error) => end(`stdin: ${error.message}\n${said}`))
      child.on('close', (/** @type {any} */ code, /** @type {any} */ signal) => end(`it ended with ${code ?? signal}\n${said}`))
    },
    (text) => child.stdin.write(`${text}\n`)
  )
}

/** A promise that is rejected when nothing more can come. @returns {{ promise: Promise<never>, end: (why: string) => void }} */
function failing() {
  /** @type {(why: string) => void} */
  let end = () => {}
  const promise = /** @type {Promise<never>} */ (new Promise((_, reject) => (end = (why) => reject(new Error(why)))))
  promise.catch(() => {})
  return { promise, end }
}

/**
 * JSON-RPC over anything that carries texts.
 * @param {(hear: (text: string) => void, end: (why: string) => void) => void} onText
 * @param {(text: string) => void} write
 */
function talk(onText, write) {
  /** @type {Map<number, (message: any) => void>} */
  const answers = new Map()
  /** @type {{ method: string, hear: (params: any) => void }[]} */
  const hearers = []
  let ids = 0
  const { promise: broken, end } = failing()
  onText((line) => {
    try {
      const message = JSON.parse(line)
      answers.get(message.id)?.(message)
      for (const { method, hear } of hearers) if (method === message.method) hear(message.params)
    } catch {
      end(`it said ${line.slice(0, 400)}`)
    }
  }, end)
  const send = (/** @type {any} */ message) => write(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const call = async (/** @type {string} */ method, /** @type {any} */ params) => {
    const id = (ids += 1)
    const answer = new Promise((resolve) => answers.set(id, resolve))
    send({ id, method, params })
    const { result, error } = await Promise.race([answer, broken])
    assert.equal(error, undefined, method)
    return result
  }
  return {
    call,
    tell: (/** @type {string} */ method) => send({ method }),
    /** The next of its kind. */
    next(/** @type {string} */ method) {
      const next = /** @type {Promise<any>} */ (Promise.race([new Promise((resolve) => hearers.push({ method, hear: resolve })), broken]))
      // One that nobody waits for any more ends with the server.
      next.catch(() => {})
      return next
    }
  }
}

/** @param {ReturnType<typeof speak>} client */
async function greet(client) {
  await client.call('initialize', { clientInfo: { name: 'x', version: '1' } })
  client.tell('initialized')
}

/** @param {ReturnType<typeof speak>} client @param {string} threadId */
async function turnIn(client, threadId) {
  const done = client.next('turn/completed')
  await client.call('turn/start', { threadId, input: [{ type: 'text', text: 'hello' }] })
  return (await done).turn.status
}

test('codex app-server sends the key in new, forked and reviewed threads, and in those that exec began', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const payload = payloadOf('codex', 'key')
  const first = await runTurn('codex', { mock, homes, programs, payload })
  const { env, options } = prepareTurn('codex', { mock, homes, programs, payload, launch: { args: ['app-server', ...quiet.codex.args] } })
  const client = connect(homes, env, options)
  await greet(client)
  assert.deepEqual((await client.call('account/read', {})).requiresOpenaiAuth, false)
  const { thread, modelProvider } = await client.call('thread/start', { cwd: homes.workspace, approvalPolicy: 'never' })
  assert.equal(modelProvider, 'provider-env')
  assert.equal(await turnIn(client, thread.id), 'completed')
  const reviewed = client.next('turn/completed')
  await client.call('review/start', { threadId: thread.id, target: { type: 'custom', instructions: 'look' } })
  assert.equal((await reviewed).turn.status, 'completed')
  const fork = await client.call('thread/fork', { threadId: first.session })
  assert.equal(await turnIn(client, fork.thread.id), 'completed')
  if (isAtLeast(versionsUnderTest().codex, '0.166.0')) {
    // Since then only a fork goes on with it.
    await assert.rejects(client.call('thread/resume', { threadId: first.session, modelProvider }), ({ actual }) =>
      /Cannot change this thread's model provider|This chat uses openai/.test(actual.message)
    )
  } else {
    await client.call('thread/resume', { threadId: first.session, modelProvider })
    assert.equal(await turnIn(client, first.session), 'completed')
  }
  assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY.codex}`])

  // And back again.
  await client.stop()
  const provider = isAtLeast(versionsUnderTest().codex, '0.166.0') ? ['-c', `model_provider="${modelProvider}"`] : []
  const args = (/** @type {string[]} */ common, /** @type {string} */ prompt) => [
    'exec',
    ...common,
    ...provider,
    'resume',
    thread.id,
    prompt
  ]
  const again = await runTurn('codex', { mock, homes, programs, payload, args })
  assert.deepEqual([again.code, credentialsSeen(mock)], [0, [`authorization ${KEY.codex}`]], again.stdout + again.stderr)
})

test('codex app-server sends the key where it listens on a port', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const { env, options } = prepareTurn('codex', {
    mock,
    homes,
    programs,
    payload: payloadOf('codex', 'key'),
    launch: { args: ['app-server', ...quiet.codex.args, '--listen', 'ws://127.0.0.1:0'] }
  })
  const child = spawnProvider(env, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  env.dispose()
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (/** @type {Buffer} */ chunk) => (output += chunk))
  const port = () => /127\.0\.0\.1:([1-9]\d*)/.exec(output)?.[1]
  await until('the port', () => port() !== undefined)
  const { onText, send } = await connectWebSocket(Number(port()))
  const client = talk(onText, send)
  await greet(client)
  const { thread } = await client.call('thread/start', { cwd: homes.workspace, approvalPolicy: 'never' })
  assert.equal(await turnIn(client, thread.id), 'completed')
  assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY.codex}`])
})

test('claude plugin eval sends what it is given on a pipe, and a token in the environment', {
  skip: unlessSince('claude', '2.1.316')
}, async (t) => {
  for (const [kind, delivery, seen] of /** @type {[Kind, any, string][]} */ ([
    ['key', 'fd', `x-api-key ${KEY.claude}`],
    ['token', 'fd', `authorization ${TOKEN}`],
    ['token', 'env', `authorization ${TOKEN}`]
  ])) {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    const plugin = path.join(homes.workspace, 'made-up')
    const files = {
      '.claude-plugin/plugin.json': JSON.stringify({ name: 'made-up', version: '1.0.0', description: 'made up' }),
      'evals/one/prompt.md': '---\nname: one\n---\nhello\n',
      'evals/one/graders/greets.md': '---\ntype: llm\n---\nIs it a greeting?\n'
    }
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(plugin, name)), { recursive: true })
      fs.writeFileSync(path.join(plugin, name), text)
    }
    if (AGENT.uid !== undefined) execFileSync('chown', ['-R', `${AGENT.uid}:${AGENT.gid}`, plugin])
    const turn = await runTurn('claude', {
      mock,
      homes,
      programs,
      payload: payloadOf('claude', kind),
      launch: { delivery, args: ['plugin', 'eval', plugin, '--trust-plugin', '--ablation', 'none'] }
    })
    const all = `${turn.stdout}${turn.stderr}`
    assert.deepEqual(credentialsSeen(mock), [seen], all)
    // Each case was answered, and judged: the mock's answer is no verdict.
    assert.match(all, /judge votes/)
    assert.doesNotMatch(all, /Not logged in/)
  }
})

test('codex app-server sends nothing in a thread that names the provider which has no key', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const payload = payloadOf('codex', 'key')
  const first = await runTurn('codex', { mock, homes, programs, payload })
  const before = mock.requests.length
  const { env, options } = prepareTurn('codex', { mock, homes, programs, payload, launch: { args: ['app-server', ...quiet.codex.args] } })
  const client = connect(homes, env, options)
  await greet(client)
  /** Whether it is not refused, as 0.166 does at once. @param {Promise<any>} answer */
  const goesOn = (answer) =>
    answer.then(
      () => true,
      ({ actual }) => {
        assert.match(actual.message, /This chat uses openai/)
        return false
      }
    )
  const resumed = (await goesOn(client.call('thread/resume', { threadId: first.session }))) ? [first.session] : []
  const { thread } = await client.call('thread/start', { cwd: homes.workspace, approvalPolicy: 'never', modelProvider: 'openai' })
  // The turn fails after some forty seconds of such errors.
  for (const threadId of [...resumed, thread.id]) {
    const failing = client.next('error')
    if (!(await goesOn(client.call('turn/start', { threadId, input: [{ type: 'text', text: 'hello' }] })))) continue
    const { error } = await failing
    assert.match(`${error.message} ${error.additionalDetails}`, /builder error|failed to build websocket request/)
    await client.call('turn/interrupt', { threadId, turnId: (await failing).turnId })
  }
  assert.deepEqual(mock.requests.slice(before), [])
})

test('codex app-server uses the login that it finds by itself as before', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const file = path.join(homes.codexHome, 'auth.json')
  fs.writeFileSync(file, JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: KEY.codex }), { mode: 0o600 })
  if (AGENT.uid !== undefined) fs.chownSync(file, AGENT.uid, AGENT.uid)
  const credentialStore = await CredentialStore.open('codex', { dir: homes.codexHome, owner: AGENT.uid })
  t.after(() => credentialStore.dispose())
  const { env, options } = prepareTurn('codex', {
    mock,
    homes,
    programs,
    payload: {},
    envOptions: { credentialStore },
    launch: { args: ['app-server', ...quiet.codex.args] }
  })
  const client = connect(homes, env, options)
  await greet(client)
  const { thread, modelProvider } = await client.call('thread/start', { cwd: homes.workspace, approvalPolicy: 'never' })
  assert.equal(await turnIn(client, thread.id), 'completed')
  assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY.codex}`])
  assert.ok(modelProvider)
})

test('codex app-server: an override that would undo it is refused', async (t) => {
  const mock = await startMock(t)
  for (const override of [
    'model_provider="mine"',
    'model_providers.provider-env.env_key="X"',
    'openai_base_url="http://127.0.0.1:9"',
    'model_providers={}'
  ]) {
    const { env, options } = prepareTurn('codex', {
      mock,
      homes: agentHomes(t),
      programs,
      payload: payloadOf('codex', 'key'),
      launch: { args: ['app-server', '-c', override] }
    })
    assert.throws(() => spawnProvider(env, options), { code: 'ERR_INVALID_ARG_VALUE', message: /options\.baseUrl/ }, override)
    env.dispose()
  }
})

test('control: without a start of ours codex app-server sends requests without any credential', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  const { home, workspace, tmpDir, codexHome } = homes
  const args = ['app-server', ...quiet.codex.args, '-c', `openai_base_url="${mock.openaiBaseUrl}"`]
  const child = spawn(programs.codex, args, {
    ...AGENT,
    cwd: workspace,
    env: { HOME: home, CODEX_HOME: codexHome, TMPDIR: tmpDir, PATH: process.env.PATH, CODEX_API_KEY: KEY.codex },
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: 30_000
  })
  livesIn(homes, child)
  const client = speak(child)
  await greet(client)
  const { thread } = await client.call('thread/start', { cwd: workspace, approvalPolicy: 'never' })
  await turnIn(client, thread.id)
  assert.deepEqual(credentialsSeen(mock), ['none'])
})
