// Each failure of both CLIs, provoked for real: the kind that is reported, and nothing of the server's text.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const test = require('node:test')
const { defaultAnswer } = require('../support/mock-api/answer.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone, isAtLeast, versionsUnderTest } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { AGENT, agentHomes, startMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const ECHO = 'made-up-echo-of-a-key'
const NO_SESSION = '0199c0de-0000-7000-8000-000000000001'
const { claude: CLAUDE, codex: CODEX } = versionsUnderTest()
/** In whole seconds since the epoch, as the headers have it. */
const RESET = Math.floor(Date.now() / 1000) + 7200
const LIMIT = {
  'anthropic-ratelimit-unified-status': 'rejected',
  'anthropic-ratelimit-unified-reset': String(RESET),
  'anthropic-ratelimit-unified-representative-claim': 'five_hour'
}
const PAGE = '<html>made up</html>'
/** What the Responses API says in a stream that has begun. @param {string} message @param {string} [code] */
const failed = (message, code = 'made_up') => ({ failed: { type: 'made_up', message, code } })

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {'claude' | 'codex'} provider
 * @property {[number, string, string?, string?, Record<string, string>?]} [error] What the mock answers: status, type, message, code, headers.
 * @property {import('../support/mock-api/types').Reply} [reply] Or all of it.
 * @property {[number, string]} [page] Or what answers in the API's place: status and HTML.
 * @property {string} [resume] The session that is to go on.
 * @property {(homes: any) => [string, string]} [file] A file that is there before, and its text.
 * @property {any} [payload]
 * @property {string[]} [extra] Further arguments.
 * @property {boolean} [retries] codex: with its own number of retries.
 * @property {string | ((mock: any) => string)} [baseUrl]
 * @property {string} kind
 * @property {number | null} status
 * @property {number} [retryAfterMs]
 * @property {number} [resetsAt]
 * @property {boolean} [retryable] Where it is another than that of the kind.
 */

/** @type {Case[]} */
const CASES = [
  { provider: 'claude', name: '401', error: [401, 'authentication_error'], kind: 'authentication', status: 401 },
  {
    provider: 'claude',
    name: '401 of a token',
    payload: { oauthAccessToken: 'sk-ant-oat01-made-up' },
    error: [401, 'authentication_error'],
    kind: 'authentication',
    status: 401
  },
  { provider: 'claude', name: '403', error: [403, 'permission_error'], kind: 'permission', status: 403 },
  { provider: 'claude', name: '429', error: [429, 'rate_limit_error'], kind: 'rate-limited', status: 429 },
  { provider: 'claude', name: '529', error: [529, 'overloaded_error'], kind: 'overloaded', status: 529 },
  { provider: 'claude', name: '500', error: [500, 'api_error'], kind: 'server', status: 500 },
  { provider: 'claude', name: '402', error: [402, 'billing_error'], kind: 'quota', status: 402 },
  {
    provider: 'claude',
    name: 'no credit',
    error: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'],
    kind: 'quota',
    status: 400
  },
  {
    provider: 'claude',
    name: '404',
    error: [404, 'not_found_error'],
    kind: isAtLeast(CLAUDE, '2.1.324') ? 'model' : 'endpoint',
    status: 404
  },
  { provider: 'claude', name: '400', error: [400, 'invalid_request_error'], kind: 'invalid-request', status: 400 },
  { provider: 'claude', name: '413', error: [413, 'request_too_large'], kind: 'too-large', status: 413 },
  { provider: 'claude', name: '404 of a page', page: [404, PAGE], kind: 'endpoint', status: 404 },
  { provider: 'claude', name: '/v1/v1', baseUrl: (mock) => `${mock.anthropicBaseUrl}/v1`, kind: 'endpoint', status: 404 },
  { provider: 'claude', name: '405', page: [405, PAGE], kind: 'endpoint', status: 405 },
  { provider: 'claude', name: '200 of a page', page: [200, PAGE], kind: 'endpoint', status: null },
  { provider: 'claude', name: '408', error: [408, 'timeout_error'], kind: 'network', status: 408 },
  { provider: 'claude', name: '502 of a page', page: [502, PAGE], kind: 'server', status: 502 },
  {
    provider: 'claude',
    name: 'its limit of five hours',
    payload: { oauthAccessToken: 'sk-ant-oat01-made-up' },
    error: [429, 'rate_limit_error', 'limit', undefined, LIMIT],
    kind: 'quota',
    status: 429,
    ...(isAtLeast(CLAUDE, '2.1.300') && { resetsAt: RESET * 1000, retryable: true })
  },
  {
    provider: 'claude',
    name: 'a limit as older versions report it',
    error: [429, 'rate_limit_error', `Claude AI usage limit reached|${RESET}`],
    kind: 'quota',
    status: 429,
    resetsAt: RESET * 1000,
    retryable: true
  },
  {
    provider: 'claude',
    name: 'too long',
    error: [400, 'invalid_request_error', 'prompt is too long: 250000 tokens > 200000 maximum'],
    kind: 'too-large',
    status: 400
  },
  { provider: 'claude', name: 'a stream that breaks off', reply: { cut: true }, kind: 'network', status: null },
  {
    provider: 'claude',
    name: 'a name that nobody knows',
    baseUrl: 'http://no-such-host.invalid',
    delivery: 'fd',
    kind: 'network',
    status: null
  },
  {
    provider: 'claude',
    name: 'no TLS',
    baseUrl: (mock) => mock.anthropicBaseUrl.replace('http:', 'https:'),
    delivery: 'fd',
    kind: 'network',
    status: null
  },
  { provider: 'claude', name: 'no such session', resume: NO_SESSION, kind: 'no-session', status: null },
  {
    provider: 'claude',
    name: 'no such session, as json',
    resume: NO_SESSION,
    extra: ['--output-format', 'json'],
    kind: 'no-session',
    status: null
  },
  { provider: 'claude', name: 'no such title', resume: 'made up', kind: 'no-session', status: null },
  {
    provider: 'claude',
    name: 'a damaged .claude.json',
    file: ({ claudeConfigDir }) => [`${claudeConfigDir}/.claude.json`, '{"a": tru'],
    kind: 'configuration',
    status: null
  },
  { provider: 'claude', name: 'not logged in', payload: {}, kind: 'not-logged-in', status: null },
  { provider: 'claude', name: 'nobody listens', baseUrl: 'http://127.0.0.1:9', delivery: 'fd', kind: 'network', status: null },
  // The CLI reaches the broker, which says so.
  {
    provider: 'claude',
    name: 'a name that nobody knows, by the broker',
    baseUrl: 'http://no-such-host.invalid',
    kind: 'network',
    status: 502
  },
  { provider: 'claude', name: 'nobody listens, by the broker', baseUrl: 'http://127.0.0.1:9', kind: 'network', status: 502 },
  { provider: 'claude', name: 'its limit of turns', extra: ['--max-turns=1'], kind: 'limit', status: null },
  { provider: 'claude', name: 'an argument that it does not know', extra: ['--no-such-option'], kind: 'configuration', status: null },
  {
    provider: 'codex',
    name: '401',
    error: [401, 'invalid_request_error', undefined, 'invalid_api_key'],
    kind: 'authentication',
    status: 401
  },
  { provider: 'codex', name: '403', error: [403, 'invalid_request_error'], kind: 'permission', status: 403 },
  {
    provider: 'codex',
    name: '429',
    error: [429, 'rate_limit_exceeded', undefined, 'rate_limit_exceeded'],
    kind: 'rate-limited',
    status: 429
  },
  {
    provider: 'codex',
    name: '429 because the quota is used up',
    error: [429, 'insufficient_quota', undefined, 'insufficient_quota'],
    ...(isAtLeast(CODEX, '0.158.0') ? { kind: 'quota', status: null } : { kind: 'rate-limited', status: 429 })
  },
  { provider: 'codex', name: '503', error: [503, 'server_error'], kind: 'overloaded', status: 503 },
  // It says "high demand" and no status for every 500.
  { provider: 'codex', name: '500', error: [500, 'server_error'], kind: 'server', status: null },
  // From 0.165 on it says what the API says, and nothing of the status.
  {
    provider: 'codex',
    name: '404',
    error: [404, 'invalid_request_error', `The model \`${ECHO}\` does not exist or you do not have access to it.`, 'model_not_found'],
    kind: 'model',
    status: isAtLeast(CODEX, '0.165.0') ? null : 404
  },
  { provider: 'codex', name: '400', error: [400, 'invalid_request_error'], kind: 'invalid-request', status: null },
  {
    provider: 'codex',
    name: '400 of a context',
    error: [400, 'invalid_request_error', 'too much', 'context_length_exceeded'],
    kind: 'too-large',
    status: null
  },
  { provider: 'codex', name: '402', error: [402, 'made_up'], kind: 'quota', status: 402 },
  { provider: 'codex', name: '404 of a page', page: [404, PAGE], kind: 'endpoint', status: 404 },
  {
    provider: 'codex',
    name: '404 of an address',
    error: [404, 'invalid_request_error', 'Invalid URL (POST /made-up)'],
    kind: 'endpoint',
    status: 404
  },
  { provider: 'codex', name: '/v1/v1', baseUrl: (mock) => `${mock.openaiBaseUrl}/v1`, kind: 'endpoint', status: 404 },
  { provider: 'codex', name: '405', page: [405, PAGE], kind: 'endpoint', status: 405 },
  { provider: 'codex', name: '408', error: [408, 'made_up'], kind: 'network', status: 408 },
  { provider: 'codex', name: '413', error: [413, 'made_up'], kind: 'too-large', status: 413 },
  { provider: 'codex', name: '502 of a page', page: [502, PAGE], kind: 'server', status: 502 },
  { provider: 'codex', name: '529', error: [529, 'made_up'], kind: 'overloaded', status: 529 },
  {
    provider: 'codex',
    name: 'a rate limit in the stream',
    reply: failed('Rate limit reached for gpt-x on tokens per min (TPM). Please try again in 11.054s.', 'rate_limit_exceeded'),
    kind: 'rate-limited',
    status: null,
    retryAfterMs: 11_054
  },
  {
    provider: 'codex',
    name: 'a rate limit of minutes',
    reply: failed('Rate limit reached. Please try again in 5m', 'rate_limit_exceeded'),
    kind: 'rate-limited',
    status: null,
    retryAfterMs: 300_000
  },
  { provider: 'codex', name: 'no quota in the stream', reply: failed('x', 'insufficient_quota'), kind: 'quota', status: null },
  { provider: 'codex', name: 'no credits in the stream', reply: failed('You have no credits remaining.'), kind: 'quota', status: null },
  {
    provider: 'codex',
    name: 'a wrong key in the stream',
    reply: failed(`Incorrect API key provided: ${ECHO}.`),
    kind: 'authentication',
    status: null
  },
  {
    provider: 'codex',
    name: 'an account that is gone',
    reply: failed('Your account has been deactivated.'),
    kind: 'permission',
    status: null
  },
  {
    provider: 'codex',
    name: 'no such model in the stream',
    reply: failed('The model `x` does not exist or you do not have access to it.'),
    kind: 'model',
    status: null
  },
  { provider: 'codex', name: 'an overload in the stream', reply: failed('x', 'server_is_overloaded'), kind: 'overloaded', status: null },
  { provider: 'codex', name: 'a context in the stream', reply: failed('x', 'context_length_exceeded'), kind: 'too-large', status: null },
  {
    provider: 'codex',
    name: 'a defect in the stream',
    reply: failed('The server had an error while processing your request.'),
    kind: 'server',
    status: null
  },
  { provider: 'codex', name: 'words that nobody knows', reply: failed(ECHO), kind: 'unknown', status: null },
  { provider: 'codex', name: 'a stream that breaks off', reply: { cut: true }, kind: 'network', status: null },
  { provider: 'codex', name: 'a page in place of a stream', page: [200, PAGE], kind: 'network', status: null },
  { provider: 'codex', name: 'a name that nobody knows', baseUrl: 'http://no-such-host.invalid/v1', kind: 'network', status: null },
  { provider: 'codex', name: 'no TLS', baseUrl: (mock) => mock.openaiBaseUrl.replace('http:', 'https:'), kind: 'network', status: null },
  { provider: 'codex', name: 'no such session', resume: NO_SESSION, kind: 'no-session', status: null },
  {
    provider: 'codex',
    name: 'a damaged config.toml',
    file: ({ codexHome }) => [`${codexHome}/config.toml`, 'model = ['],
    kind: 'configuration',
    status: null
  },
  {
    provider: 'codex',
    name: 'a key that its configuration names is absent',
    file: ({ codexHome }) => [
      `${codexHome}/config.toml`,
      '[model_providers.mock]\nname = "mock"\nbase_url = "http://127.0.0.1:9"\nwire_api = "responses"\nenv_key = "ABSENT_KEY"\n'
    ],
    extra: ['-c', 'model_provider="mock"'],
    kind: 'no-credential',
    status: null
  },
  { provider: 'codex', name: 'nobody listens', baseUrl: 'http://127.0.0.1:9', kind: 'network', status: null },
  { provider: 'codex', name: 'a configuration that is none', extra: ['-c', 'model_provider="nope"'], kind: 'configuration', status: null },
  { provider: 'codex', name: 'an argument that it does not know', extra: ['--no-such-option'], kind: 'configuration', status: null }
]

/** A provider of Codex without the retries of the built-in one, which take it seven to twenty-four seconds. */
function custom({ baseUrl = '', key = 'CODEX_API_KEY', streamRetries = 0 } = {}) {
  const settings = `name="mock",base_url="${baseUrl}",wire_api="responses",env_key="${key}",supports_websockets=false,request_max_retries=0,stream_max_retries=${streamRetries}`
  return ['-c', 'model_provider="mock"', '-c', `model_providers.mock={${settings}}`]
}

/** What answers in the API's place. @param {{ after(fn: () => void): void }} t @param {[number, string]} page */
async function startPage(t, [status, html]) {
  const server = http.createServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'text/html' }).end(html)
  })
  t.after(() => (server.closeAllConnections(), server.close()))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
}

/** @param {Case} each @param {string} url */
function argsOf({ provider, extra = [], resume }, url) {
  if (provider === 'codex') {
    const more = extra.length > 0 ? extra : custom({ baseUrl: url })
    return (/** @type {string[]} */ common, /** @type {string} */ text) => [
      'exec',
      ...common,
      ...more,
      ...(resume ? ['resume', resume] : []),
      '--',
      text
    ]
  }
  const isReplaced = (/** @type {string} */ each) => extra.some((option) => option.split('=')[0] === each.split('=')[0])
  return (/** @type {string[]} */ common, /** @type {string} */ text) => [
    ...common.filter((each) => !isReplaced(each)),
    ...extra,
    ...(resume ? ['--resume', resume] : []),
    text
  ]
}

for (const each of CASES) {
  const {
    provider,
    name,
    error,
    page,
    reply,
    payload = { apiKey: KEY[provider] },
    // The model provider without retries needs the key itself.
    delivery = provider === 'codex' ? 'env' : undefined,
    file,
    kind,
    status,
    retryAfterMs = null,
    resetsAt = null
  } = each
  test(`${provider}: ${name}`, async (t) => {
    const said = error && {
      status: error[0],
      error: { type: error[1], message: error[2] ?? `refused ${ECHO}`, code: error[3] },
      headers: error[4]
    }
    const mock = await startMock(t, { answer: (turn) => reply ?? said ?? defaultAnswer(turn) })
    const served = page && `${await startPage(t, page)}${provider === 'codex' ? '/v1' : ''}`
    const baseUrl = typeof each.baseUrl === 'function' ? each.baseUrl(mock) : (each.baseUrl ?? served)
    const homes = agentHomes(t)
    if (file) writeFor(AGENT, ...file(homes))
    const { child, done } = startTurn(provider, {
      mock,
      homes,
      programs,
      payload,
      prompt: 'run: echo one',
      envOptions: baseUrl ? { baseUrl } : {},
      launch: { delivery },
      args: argsOf(each, baseUrl ?? mock.openaiBaseUrl)
    })
    /** @type {any[]} */
    const failures = []
    child.on('failure', (failure) => failures.push(failure))
    // A Codex that reaches nobody waits for the network for ever.
    if (provider === 'codex' && baseUrl) child.once('failure', () => child.kill())
    const { code, stderr, stdout } = await done
    assert.notEqual(code, 0)
    assert.deepEqual([child.failure?.kind, child.failure?.status], [kind, status], `${stdout}${stderr}`)
    assert.deepEqual([child.failure?.retryAfterMs, child.failure?.resetsAt], [retryAfterMs, resetsAt])
    if (each.retryable) assert.equal(child.failure?.retryable, true)
    assert.deepEqual(failures.at(-1), child.failure)
    assert.match(`${child.failure?.message} ${child.failure?.remedy}`, /^[A-Z].*\. [A-Z].*\.$/)
    assert.doesNotMatch(JSON.stringify([failures, child.usage]), new RegExp(`${ECHO}|${KEY[provider]}|127\\.0\\.0\\.1`))
  })
}

/** A file of the agent's. @param {{ uid?: number, gid?: number }} owner @param {string} name @param {string} text */
function writeFor({ uid, gid }, name, text) {
  fs.writeFileSync(name, text)
  if (uid !== undefined) fs.chownSync(name, uid, Number(gid))
}

test('codex: the end of a limit, by a clock in the time zone of both', async (t) => {
  const days = 3 * 86_400
  for (const [seconds, zone, isTold] of /** @type {const} */ ([
    [600, undefined, true],
    [days, undefined, true],
    [600, 'Pacific/Kiritimati', false]
  ])) {
    const resetsAt = Math.floor(Date.now() / 1000) + seconds
    const url = `${await startPage(t, [429, JSON.stringify({ error: { type: 'usage_limit_reached', message: ECHO, plan_type: 'plus', resets_at: resetsAt } })])}/v1`
    const { child, done } = startTurn('codex', {
      mock: await startMock(t),
      homes: agentHomes(t),
      programs,
      payload: { apiKey: KEY.codex },
      envOptions: { baseUrl: url, set: { ...quiet.codex.env, ...(zone ? { TZ: zone } : {}) } },
      launch: { delivery: 'env' },
      args: (common, text) => ['exec', ...common, ...custom({ baseUrl: url }), '--', text]
    })
    await done
    const minute = Math.floor(resetsAt / 60) * 60_000
    assert.deepEqual(
      [child.failure?.kind, child.failure?.retryable, child.failure?.resetsAt],
      ['quota', isTold, isTold ? minute + 60_000 : null],
      `${seconds} ${zone}`
    )
  }
})

test('codex: what it tries again after passes, and stays when it gives up', async (t) => {
  const mock = await startMock(t, { answer: () => ({ status: 401, error: { type: 'invalid_request_error', message: 'no' } }) })
  const { child, done } = startTurn('codex', { mock, homes: agentHomes(t), programs, payload: { apiKey: KEY.codex } })
  /** @type {any[]} */
  const failures = []
  child.on('failure', ({ kind, passing }) => failures.push([kind, passing]))
  await done
  assert.deepEqual(failures, [
    ['authentication', true],
    ['authentication', false]
  ])
})

const OVERLOADED = { status: 529, error: { type: 'overloaded_error', message: 'Overloaded' } }

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: a run that recovers has failed at nothing`, async (t) => {
    let requests = 0
    const mock = await startMock(t, { answer: () => (requests++ === 0 ? OVERLOADED : { text: 'fine' }) })
    const more = provider === 'codex' ? custom({ baseUrl: mock.openaiBaseUrl, streamRetries: 2 }) : []
    const { child, done } = startTurn(provider, {
      mock,
      homes: agentHomes(t),
      programs,
      payload: { apiKey: KEY[provider] },
      envOptions: provider === 'claude' ? { set: { ...quiet.claude.env, CLAUDE_CODE_MAX_RETRIES: '2' } } : {},
      launch: provider === 'codex' ? { delivery: 'env' } : {},
      args: (common, text) => (provider === 'codex' ? ['exec', ...common, ...more, '--', text] : [...common, text])
    })
    /** @type {any[]} */
    const failures = []
    child.on('failure', (failure) => failures.push(failure))
    const { code } = await done
    assert.equal(code, 0)
    assert.deepEqual(
      failures.map(({ kind, passing, retryable }) => [kind, passing, retryable]),
      [['overloaded', true, true]]
    )
    // How long Claude Code waits before it tries again; Codex does not report it.
    assert.equal(failures[0].retryAfterMs > 0, provider === 'claude')
    assert.deepEqual([child.failure, child.usage?.complete], [null, true])
  })
}
