// What the broker relies on: by which route each CLI's requests come to it, who sends them, what in them is only the vendor's own,
// and what each does with a refusal. A version that does otherwise fails here. Nothing of this package starts the CLIs.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { makeOpenDir } = require('../support/homes.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { startPassThrough } = require('../support/pass-through.js')
const { holdsConnection, needsCompiler, unixPeers } = require('../support/peers.js')
const { runPlain, startPlain } = require('../support/plain-turn.js')
const { installForAnyone, isAtLeast, versionsUnderTest } = require('../support/programs.js')
const { AGENT, agentHomes, startMock } = require('../support/real-turn.js')
const { serveResponses } = require('../support/responses-websocket.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const versions = versionsUnderTest()
const TOKEN = 'made-up-broker-token-5b1d'
const KEY = 'sk-made-up-key-of-the-broker'

/** @typedef {import('../support/pass-through.js').Asked} Asked */
/** @typedef {import('../support/pass-through.js').PassThroughOptions} Options */
/** @typedef {import('node:test').TestContext} Test */

const inWords = (/** @type {Asked} */ { method, path: asked }) => `${method} ${asked}`
const header = (/** @type {Asked} */ { headers }, /** @type {string} */ name) =>
  Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1]
const credentials = (/** @type {Asked[]} */ asked) => [
  ...new Set(asked.map((each) => header(each, 'authorization') ?? header(each, 'x-api-key') ?? 'none'))
]
/** Only the broker's key reached the API, and not a token. @param {any} mock */
const reached = (mock) => [
  ...new Set(
    mock.requests.filter((/** @type {any} */ { method }) => method === 'POST').map((/** @type {any} */ { credential }) => credential)
  )
]

/** @param {string} file @param {string} text */
function writeAsAgent(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  if (AGENT.uid) fs.chownSync(file, AGENT.uid, AGENT.uid)
}

// Codex: its own provider, with another base URL.

/** @param {number} port */
const baseOf = (port) => ['-c', `openai_base_url="http://127.0.0.1:${port}/v1"`, '-c', 'model_provider="openai"']

/** @param {Test} t @param {Partial<Options>} [options] @param {any} [script] */
async function codexRoute(t, options, script) {
  const mock = await startMock(t, script)
  const proxy = await startPassThrough(t, { upstream: mock.port, credential: () => ['authorization', `Bearer ${KEY}`], ...options })
  return { mock, proxy, turn: { homes: agentHomes(t), program: programs.codex, env: { CODEX_API_KEY: TOKEN }, args: baseOf(proxy.port) } }
}

/** A turn of two requests, with a summary between them. @param {any} turn */
function withSummary({ request, step }) {
  const last = request.body?.input?.at?.(-1)?.type
  if (last === 'compaction') return { text: 'after the summary', usage: { input: 10 } }
  return step > 0 || last === 'compaction_trigger' ? { text: 'a summary' } : { run: 'echo one', usage: { input: 6000 } }
}
const SUMMARY = ['-c', 'model_auto_compact_token_limit=5000']

test('codex asks by WebSocket first, and by POST at once after 426, with the token and nothing else', async (t) => {
  const { mock, proxy, turn } = await codexRoute(t, {}, { answer: withSummary })
  const { code, text, stderr } = await runPlain('codex', { ...turn, args: [...turn.args, ...SUMMARY] })
  assert.deepEqual([code, text], [0, 'after the summary'], stderr)
  assert.deepEqual(proxy.asked.map(inWords), ['GET /v1/responses', 'POST /v1/responses', 'POST /v1/responses', 'POST /v1/responses'])
  assert.deepEqual([credentials(proxy.asked), reached(mock)], [[`Bearer ${TOKEN}`], [KEY]])
  // Its own provider's: without them there would be no summary by the API.
  assert.equal(header(proxy.asked[1], 'version'), versions.codex)
  assert.equal(proxy.asked[2].body.input.at(-1).type, 'compaction_trigger')
})

test('codex has a turn by a WebSocket that takes none of the extensions it offers', async (t) => {
  /** @type {import('../support/responses-websocket.js').Frame[]} */
  const frames = []
  const { mock } = await codexRoute(t)
  const { proxy, turn } = await codexRoute(t, {
    upgrade: (request, stream) => void serveResponses(request, stream, { upstream: mock.port, onFrame: (frame) => frames.push(frame) })
  })
  const { code, text, stderr } = await runPlain('codex', { ...turn, prompt: 'run: echo one' })
  assert.deepEqual([code, text.trim()], [0, 'one'], stderr)
  assert.deepEqual(proxy.asked.map(inWords), ['GET /v1/responses'])
  assert.match(String(header(proxy.asked[0], 'sec-websocket-extensions')), /permessage-deflate/)
  assert.deepEqual([...new Set(frames.map(({ opcode, rsv }) => `${opcode} ${rsv}`))], ['1 0'], 'texts, none compressed')
  const messages = frames.map(({ text: each }) => JSON.parse(each))
  assert.deepEqual(
    messages.map(({ type, generate }) => [type, generate]),
    [
      ['response.create', false],
      ['response.create', undefined],
      ['response.create', undefined]
    ]
  )
  assert.ok(messages[2].previous_response_id, 'it goes on with what was said')
})

test('codex opens another WebSocket where one is closed between two requests, and says the whole conversation again', async (t) => {
  const { mock } = await codexRoute(
    t,
    {},
    { answer: (/** @type {any} */ { step }) => (step < 2 ? { run: 'echo again' } : { text: 'done' }) }
  )
  /** @type {any[][]} */
  const said = []
  const { proxy, turn } = await codexRoute(t, {
    upgrade(request, stream) {
      const own = said[said.push([]) - 1]
      const isFirst = said.length === 1
      const { close } = serveResponses(request, stream, {
        upstream: mock.port,
        onFrame: ({ text }) => void own.push(JSON.parse(text)),
        // The third is the first with an answer of a command in it.
        onAnswered: () => void (isFirst && own.length === 3 && close())
      })
    }
  })
  const { code, text, events, stderr } = await runPlain('codex', { ...turn, prompt: 'many' })
  assert.deepEqual([code, text, proxy.asked.map(inWords)], [0, 'done', ['GET /v1/responses', 'GET /v1/responses']], stderr)
  assert.deepEqual(
    events.filter(({ type }) => type === 'error'),
    []
  )
  assert.equal(said[1][0].previous_response_id, undefined)
  assert.match(JSON.stringify(said[1][0].input), /"many"/)
})

test('codex itself holds each connection, under its uid', { skip: process.platform === 'linux' ? false : 'needs Linux' }, async (t) => {
  /** @type {{ uid: number | undefined, holds: boolean }[]} */
  const seen = []
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  const { turn } = await codexRoute(t, { connected: (stream) => void seen.push(holdsConnection(child?.pid, stream)) })
  const started = startPlain('codex', { ...turn, prompt: 'run: echo one' })
  child = started.child
  assert.equal((await started.done).code, 0)
  assert.ok(seen.length >= 3, `${seen.length} connections`)
  assert.deepEqual(
    seen.filter(({ uid, holds }) => !holds || uid !== (AGENT.uid ?? process.getuid?.())),
    []
  )
})

/** What ends a turn at once, and what is then told. @type {Record<string, { status: number, code: string | null, told: RegExp }>} */
const CODEX_REFUSALS = {
  'a bad request': { status: 400, code: null, told: /refused by the broker/ },
  'no quota': { status: 400, code: 'insufficient_quota', told: /refused by the broker/ }
}

for (const [name, { status, code, told }] of Object.entries(CODEX_REFUSALS)) {
  test(`codex ends at once when it is refused with ${status}, ${name}, and tells why`, async (t) => {
    const error = { message: 'refused by the broker', type: 'invalid_request_error', param: null, code }
    const { proxy, turn } = await codexRoute(t, { refuse: ({ isUpgrade }) => (isUpgrade ? undefined : { status, body: { error } }) })
    const { code: exit, events } = await runPlain('codex', turn)
    assert.deepEqual([exit, proxy.asked.map(({ method }) => method)], [1, ['GET', 'POST']])
    assert.match(events.find(({ type }) => type === 'turn.failed')?.error.message, told)
  })
}

test('codex goes on with a session of its own provider, by the base URL of now', async (t) => {
  const [before, after] = [await codexRoute(t), await codexRoute(t)]
  const { homes } = before.turn
  const first = await runPlain('codex', { ...before.turn, prompt: 'the first question' })
  const second = await runPlain('codex', { ...after.turn, homes, resume: ['resume', first.session], prompt: 'the second' })
  assert.deepEqual([second.code, second.session], [0, first.session], second.stderr)
  assert.equal(before.proxy.asked.length, 2)
  assert.match(JSON.stringify(after.proxy.asked.at(-1)?.body), /the first question/)
})

test('control: codex goes on with it by another provider only up to 0.163', async (t) => {
  const { proxy, turn } = await codexRoute(t)
  const first = await runPlain('codex', turn)
  const definition = `model_providers.other={name="OpenAI",base_url="http://127.0.0.1:${proxy.port}/v1",env_key="CODEX_API_KEY",wire_api="responses"}`
  const second = await runPlain('codex', {
    ...turn,
    args: ['-c', 'model_provider="other"', '-c', definition],
    resume: ['resume', first.session]
  })
  assert.equal(second.code, isAtLeast(versions.codex, '0.166.0') ? 1 : 0, second.stderr)
})

for (const [name, args, isTaken] of /** @type {[string, string[], boolean][]} */ ([
  ['cannot', ['-c', 'model_provider="openai"'], false],
  ['control: could, were the provider not named,', [], true]
])) {
  test(`codex: config.toml in its home ${name} choose another provider`, async (t) => {
    const [{ proxy, turn }, other] = [await codexRoute(t), await codexRoute(t)]
    const table = `[model_providers.other]\nname="other"\nbase_url="http://127.0.0.1:${other.proxy.port}/v1"\nenv_key="CODEX_API_KEY"\nwire_api="responses"\n`
    writeAsAgent(
      path.join(turn.homes.codexHome, 'config.toml'),
      `model_provider="other"\nopenai_base_url="http://127.0.0.1:${other.proxy.port}/v1"\n${table}`
    )
    const { code, stderr } = await runPlain('codex', { ...turn, args: [...baseOf(proxy.port).slice(0, 2), ...args] })
    assert.deepEqual([code, proxy.asked.length > 0, other.proxy.asked.length > 0], [0, !isTaken, isTaken], stderr)
  })
}

// Claude Code: a Unix socket, and in the place of the key a word that the CLI takes for "the other end adds it", or a token of ours.

const POLICIES = '/api/claude_code/policy_limits'
const SYNTHETIC = { ANTHROPIC_BASE_URL: 'http://provider-env.invalid', _CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL: '1' }

/** @typedef {{ env: Record<string, string>, sent: string, asked: string[] }} Route `sent`: as its credential; `asked`: beside the messages */
/** @type {Record<'key' | 'login' | 'token', Route>} */
const ROUTES = {
  key: { env: { ...SYNTHETIC, ANTHROPIC_API_KEY: 'ssh-placeholder' }, sent: 'ssh-placeholder', asked: [`GET ${POLICIES}`] },
  login: { env: { ...SYNTHETIC, CLAUDE_CODE_OAUTH_TOKEN: 'ssh-placeholder' }, sent: 'Bearer ssh-placeholder', asked: [`GET ${POLICIES}`] },
  token: { env: { ANTHROPIC_BASE_URL: 'http://api.anthropic.com', ANTHROPIC_AUTH_TOKEN: TOKEN }, sent: `Bearer ${TOKEN}`, asked: [] }
}
const NAMES = { key: 'a placeholder for a key', login: 'a placeholder for a login', token: 'a token' }
const KINDS = /** @type {(keyof typeof ROUTES)[]} */ (Object.keys(ROUTES))

/**
 * @param {Test} t
 * @param {keyof typeof ROUTES} kind
 * @param {Partial<Options> & { policies?: number }} [options]
 * @param {any} [script]
 */
async function claudeRoute(t, kind, { policies = 200, refuse, ...options } = {}, script) {
  const mock = await startMock(t, script)
  const homes = agentHomes(t)
  const socket = path.join(homes.root, 'broker.sock')
  const answered = { status: policies, body: { restrictions: {} } }
  const proxy = await startPassThrough(t, {
    upstream: mock.port,
    socket,
    credential: () => ['x-api-key', KEY],
    ...options,
    refuse: (asked) => (asked.path === POLICIES ? answered : refuse?.(asked))
  })
  fs.chmodSync(socket, 0o777)
  // Without the first, a file of settings can choose another cloud.
  const env = { CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1', ANTHROPIC_UNIX_SOCKET: socket, ...ROUTES[kind].env }
  return { mock, proxy, turn: { homes, program: programs.claude, env } }
}

/** What was asked of the model. @param {Asked[]} asked */
const messagesOf = (asked) => asked.filter(({ path: each }) => each.startsWith('/v1/messages?'))

/** A helper with a command of its own. @param {any} turn */
function delegate({ prompt, step }) {
  if (prompt.includes('a part of it')) return step === 0 ? { run: 'echo helped' } : { text: 'helped' }
  return step === 0
    ? { call: 'Agent', input: { description: 'made up', prompt: 'a part of it', subagent_type: 'general-purpose' } }
    : { text: 'done' }
}

for (const kind of KINDS) {
  test(`claude with ${NAMES[kind]} asks by the socket alone, a helper too, and is itself at its other end`, {
    skip: needsCompiler
  }, async (t) => {
    const dir = makeOpenDir('provider-env-peer-')
    t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
    const peerOf = unixPeers(dir)
    /** @type {{ pid: number, uid: number }[]} */
    const peers = []
    const { mock, proxy, turn } = await claudeRoute(
      t,
      kind,
      { connected: (stream) => void peers.push(peerOf(stream)) },
      { answer: delegate }
    )
    const { child, done } = startPlain('claude', { ...turn, args: ['--allowedTools=Bash,Agent'], prompt: 'delegate' })
    const { code, text, stdout, stderr } = await done
    assert.deepEqual([code, text], [0, 'done'], stdout + stderr)
    assert.deepEqual([...new Set(proxy.asked.map(inWords))].sort(), [...ROUTES[kind].asked, 'POST /v1/messages?beta=true'])
    assert.equal(messagesOf(proxy.asked).length, 5)
    assert.deepEqual([credentials(messagesOf(proxy.asked)), reached(mock)], [[ROUTES[kind].sent], [KEY]])
    assert.deepEqual([...new Set(peers.map(({ pid, uid }) => `${pid} ${uid}`))], [`${child.pid} ${AGENT.uid ?? process.getuid?.()}`])
  })
}

/** What only the vendor's own API is sent. @param {Asked[]} asked */
function ownFeatures(asked) {
  const [first] = messagesOf(asked)
  const { system } = first.body
  return {
    betas: String(header(first, 'anthropic-beta')).includes('cache-diagnosis'),
    class: header(first, 'x-claude-code-request-class') === 'main',
    scope: JSON.stringify(system).includes('"scope":"global"'),
    attested: /cch=[0-9a-f]/.test(system[0].text)
  }
}

for (const kind of KINDS) {
  test(`claude with ${NAMES[kind]} sends by the socket what it sends to the vendor alone`, async (t) => {
    const { proxy, turn } = await claudeRoute(t, kind)
    const { code, stdout } = await runPlain('claude', turn)
    assert.equal(code, 0, stdout)
    assert.deepEqual(ownFeatures(proxy.asked), { betas: true, class: true, scope: true, attested: true })
    const [first] = messagesOf(proxy.asked)
    assert.match(JSON.stringify(first.body), /WebFetch/)
    const isLogin = kind === 'login'
    assert.equal(String(header(first, 'anthropic-beta')).includes('oauth-2025-04-20'), isLogin)
    assert.equal(JSON.stringify(first.body.system).includes('"ttl":"1h"'), isLogin)
  })
}

test('control: claude does not send that to another base URL', async (t) => {
  const mock = await startMock(t)
  const proxy = await startPassThrough(t, { upstream: mock.port })
  const env = { ANTHROPIC_BASE_URL: `http://127.0.0.1:${proxy.port}`, ANTHROPIC_AUTH_TOKEN: TOKEN }
  assert.equal((await runPlain('claude', { homes: agentHomes(t), program: programs.claude, env })).code, 0)
  assert.deepEqual(ownFeatures(proxy.asked), { betas: false, class: false, scope: false, attested: false })
})

test('claude with a placeholder has no WebFetch where its question for policies is not answered by 200', async (t) => {
  for (const policies of [404, 403]) {
    const { proxy, turn } = await claudeRoute(t, 'key', { policies })
    assert.equal((await runPlain('claude', turn)).code, 0)
    assert.doesNotMatch(JSON.stringify(messagesOf(proxy.asked)[0].body), /WebFetch/)
  }
})

/** How a refusal is told that ends a turn at once. @type {Record<string, { status: number, type: string, headers?: Record<string, string> }>} */
const CLAUDE_REFUSALS = {
  'to pay': { status: 402, type: 'billing_error' },
  'not allowed': { status: 403, type: 'permission_error' },
  'nobody it knows': { status: 401, type: 'authentication_error' },
  'API out of reach, and no use to try again': { status: 502, type: 'api_error', headers: { 'x-should-retry': 'false' } }
}

for (const [name, { status, type, headers }] of Object.entries(CLAUDE_REFUSALS)) {
  test(`claude ends at once when it is refused with ${status}, ${name}, and tells why`, async (t) => {
    const error = { type: 'error', error: { type, message: 'refused by the broker' } }
    const { proxy, turn } = await claudeRoute(t, 'key', { refuse: () => ({ status, body: error, headers }) })
    // As often as it does by itself: the tests' own variable would have it try once.
    const { code, text } = await runPlain('claude', { ...turn, env: { ...turn.env, CLAUDE_CODE_MAX_RETRIES: '10' } })
    assert.deepEqual([code, messagesOf(proxy.asked).length], [1, 1])
    assert.match(text, new RegExp(`${status} refused by the broker`))
  })
}

test("claude: the token is in no variable of the agent's shell, and in its parent's", async (t) => {
  const { turn } = await claudeRoute(t, 'token')
  const { text } = await runPlain('claude', { ...turn, prompt: 'run: env; echo PARENT; tr "\\0" "\\n" < /proc/$PPID/environ' })
  const [own, parent] = text.split('PARENT')
  assert.match(own, /^ANTHROPIC_UNIX_SOCKET=/m)
  assert.deepEqual([own.includes(TOKEN), parent.includes(TOKEN)], [false, true])
})

/** What a file of settings would have. @type {Record<string, (url: string) => Record<string, string>>} */
const SETTINGS = {
  'a base URL': (url) => ({ ANTHROPIC_BASE_URL: url }),
  'a proxy': (url) => ({ HTTP_PROXY: url, HTTPS_PROXY: url }),
  'no socket': (url) => ({ ANTHROPIC_UNIX_SOCKET: '', ANTHROPIC_BASE_URL: url }),
  'another cloud': (url) => ({
    CLAUDE_CODE_USE_BEDROCK: '1',
    AWS_BEARER_TOKEN_BEDROCK: 'x',
    AWS_REGION: 'us-east-1',
    ANTHROPIC_BEDROCK_BASE_URL: url
  })
}

/** A turn beside such a file. @param {Test} t @param {keyof typeof SETTINGS} name @param {string} isManaged */
async function besideSettings(t, name, isManaged) {
  const [{ proxy, turn }, mock] = [await claudeRoute(t, 'key'), await startMock(t)]
  const other = await startPassThrough(t, { upstream: mock.port })
  writeAsAgent(
    path.join(turn.homes.claudeConfigDir, 'settings.json'),
    JSON.stringify({ env: SETTINGS[name](`http://127.0.0.1:${other.port}`) })
  )
  const { code, stdout } = await runPlain('claude', { ...turn, env: { ...turn.env, CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: isManaged } })
  return { code, stdout, own: messagesOf(proxy.asked).length, others: other.asked.length }
}

for (const name of Object.keys(SETTINGS)) {
  test(`claude: ${name} in its settings takes nothing from the socket`, async (t) => {
    const { code, stdout, own, others } = await besideSettings(t, name, '1')
    assert.deepEqual([code, own, others], [0, 1, 0], stdout)
  })
}

test('control: claude obeys another cloud in its settings without the variable of the host', async (t) => {
  const { own, others } = await besideSettings(t, 'another cloud', '')
  assert.deepEqual([own, others > 0], [0, true])
})

test('claude goes on with a session that it began without the broker', async (t) => {
  const mock = await startMock(t)
  const { proxy, turn } = await claudeRoute(t, 'key')
  const first = await runPlain('claude', {
    ...turn,
    env: { ANTHROPIC_BASE_URL: mock.anthropicBaseUrl, ANTHROPIC_API_KEY: 'sk-ant-api03-made-up' },
    prompt: 'the first question'
  })
  assert.equal(first.code, 0, first.stdout)
  const second = await runPlain('claude', { ...turn, args: ['--resume', first.session], prompt: 'the second' })
  assert.deepEqual([second.code, second.session], [0, first.session], second.stdout)
  assert.match(JSON.stringify(messagesOf(proxy.asked).at(-1)?.body), /the first question/)
})
