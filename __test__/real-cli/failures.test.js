// Each failure of both CLIs, provoked for real: the kind that it is told as, and nothing of the server's text.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { agentHomes, startMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const ECHO = 'made-up-echo-of-a-key'

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {'claude' | 'codex'} provider
 * @property {[number, string, string?, string?]} [error] What the mock answers: status, type, message, code.
 * @property {any} [payload]
 * @property {string[]} [extra] Further arguments.
 * @property {boolean} [retries] codex: with its own number of retries.
 * @property {string} [baseUrl]
 * @property {string} kind
 * @property {number | null} status
 */

/** @type {Case[]} */
const CASES = [
  { provider: 'claude', name: '401', error: [401, 'authentication_error'], kind: 'authentication', status: 401 },
  { provider: 'claude', name: '401 of a token', payload: { oauthAccessToken: 'sk-ant-oat01-made-up' }, error: [401, 'authentication_error'], kind: 'authentication', status: 401 },
  { provider: 'claude', name: '403', error: [403, 'permission_error'], kind: 'permission', status: 403 },
  { provider: 'claude', name: '429', error: [429, 'rate_limit_error'], kind: 'rate-limited', status: 429 },
  { provider: 'claude', name: '529', error: [529, 'overloaded_error'], kind: 'overloaded', status: 529 },
  { provider: 'claude', name: '500', error: [500, 'api_error'], kind: 'server', status: 500 },
  { provider: 'claude', name: '402', error: [402, 'billing_error'], kind: 'quota', status: 402 },
  { provider: 'claude', name: 'no credit', error: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'], kind: 'quota', status: 400 },
  { provider: 'claude', name: '404', error: [404, 'not_found_error'], kind: 'model', status: 404 },
  { provider: 'claude', name: '400', error: [400, 'invalid_request_error'], kind: 'invalid-request', status: 400 },
  { provider: 'claude', name: '413', error: [413, 'request_too_large'], kind: 'too-large', status: 413 },
  { provider: 'claude', name: 'not logged in', payload: {}, kind: 'not-logged-in', status: null },
  { provider: 'claude', name: 'nobody listens', baseUrl: 'http://127.0.0.1:9', kind: 'network', status: null },
  { provider: 'claude', name: 'its limit of turns', extra: ['--max-turns=1'], kind: 'limit', status: null },
  { provider: 'claude', name: 'an argument that it does not know', extra: ['--no-such-option'], kind: 'configuration', status: null },
  { provider: 'codex', name: '401', error: [401, 'invalid_request_error', undefined, 'invalid_api_key'], kind: 'authentication', status: 401 },
  { provider: 'codex', name: '403', error: [403, 'invalid_request_error'], kind: 'permission', status: 403 },
  { provider: 'codex', name: '429', error: [429, 'rate_limit_exceeded', undefined, 'rate_limit_exceeded'], kind: 'rate-limited', status: 429 },
  { provider: 'codex', name: '429 for want of quota', error: [429, 'insufficient_quota', undefined, 'insufficient_quota'], kind: 'quota', status: null },
  { provider: 'codex', name: '503', error: [503, 'server_error'], kind: 'overloaded', status: 503 },
  // It says "high demand" and no status for every 500.
  { provider: 'codex', name: '500', error: [500, 'server_error'], kind: 'server', status: null },
  { provider: 'codex', name: '404', error: [404, 'invalid_request_error', undefined, 'model_not_found'], kind: 'model', status: 404 },
  { provider: 'codex', name: '400', error: [400, 'invalid_request_error'], kind: 'invalid-request', status: null },
  { provider: 'codex', name: 'a key that its configuration names is absent', extra: custom({ baseUrl: 'http://127.0.0.1:9', key: 'ABSENT_KEY' }), kind: 'no-credential', status: null },
  { provider: 'codex', name: 'nobody listens', baseUrl: 'http://127.0.0.1:9', kind: 'network', status: null },
  { provider: 'codex', name: 'a configuration that is none', extra: ['-c', 'model_provider="nope"'], kind: 'configuration', status: null },
  { provider: 'codex', name: 'an argument that it does not know', extra: ['--no-such-option'], kind: 'configuration', status: null }
]

/** A provider of Codex without the retries of the built-in one, which take it seven to twenty-four seconds. */
function custom({ baseUrl = '', key = 'CODEX_API_KEY', streamRetries = 0 } = {}) {
  const settings = `name="mock",base_url="${baseUrl}",wire_api="responses",env_key="${key}",supports_websockets=false,request_max_retries=0,stream_max_retries=${streamRetries}`
  return ['-c', 'model_provider="mock"', '-c', `model_providers.mock={${settings}}`]
}

for (const { provider, name, error, payload = { apiKey: KEY[provider] }, extra = [], baseUrl, kind, status } of CASES) {
  test(`${provider}: ${name}`, async (t) => {
    const mock = await startMock(t, error && { answer: () => ({ status: error[0], error: { type: error[1], message: error[2] ?? `refused ${ECHO}`, code: error[3] } }) })
    const url = baseUrl ?? mock.openaiBaseUrl
    const more = provider === 'codex' && !extra.length ? custom({ baseUrl: url }) : extra
    const { child, done } = startTurn(provider, {
      mock, homes: agentHomes(t), programs, payload, prompt: 'run: echo one',
      envOptions: baseUrl ? { baseUrl } : {},
      args: (common, text) => (provider === 'codex' ? ['exec', ...common, ...more, '--', text] : [...common.filter((each) => !each.startsWith('--max-turns') || !more.length), ...more, text])
    })
    /** @type {any[]} */
    const failures = []
    child.on('failure', (failure) => failures.push(failure))
    // A Codex that reaches nobody waits for the network for ever.
    if (provider === 'codex' && baseUrl) child.once('failure', () => child.kill())
    const { code } = await done
    assert.notEqual(code, 0)
    assert.deepEqual([child.failure?.kind, child.failure?.status], [kind, status])
    assert.deepEqual(failures.at(-1), child.failure)
    assert.match(`${child.failure?.message} ${child.failure?.remedy}`, /^[A-Z].*\. [A-Z].*\.$/)
    assert.doesNotMatch(JSON.stringify([failures, child.usage]), new RegExp(`${ECHO}|${KEY[provider]}|127\\.0\\.0\\.1`))
  })
}

test('codex: what it tries again after passes, and stays when it gives up', async (t) => {
  const mock = await startMock(t, { answer: () => ({ status: 401, error: { type: 'invalid_request_error', message: 'no' } }) })
  const { child, done } = startTurn('codex', { mock, homes: agentHomes(t), programs, payload: { apiKey: KEY.codex } })
  /** @type {any[]} */
  const failures = []
  child.on('failure', ({ kind, passing }) => failures.push([kind, passing]))
  await done
  assert.deepEqual(failures, [['authentication', true], ['authentication', false]])
})

const OVERLOADED = { status: 529, error: { type: 'overloaded_error', message: 'Overloaded' } }

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: a run that recovers has failed at nothing`, async (t) => {
    let requests = 0
    const mock = await startMock(t, { answer: () => (requests++ === 0 ? OVERLOADED : { text: 'fine' }) })
    const more = provider === 'codex' ? custom({ baseUrl: mock.openaiBaseUrl, streamRetries: 2 }) : []
    const { child, done } = startTurn(provider, {
      mock, homes: agentHomes(t), programs, payload: { apiKey: KEY[provider] },
      envOptions: provider === 'claude' ? { set: { ...quiet.claude.env, CLAUDE_CODE_MAX_RETRIES: '2' } } : {},
      args: (common, text) => (provider === 'codex' ? ['exec', ...common, ...more, '--', text] : [...common, text])
    })
    /** @type {any[]} */
    const failures = []
    child.on('failure', (failure) => failures.push(failure))
    const { code } = await done
    assert.equal(code, 0)
    assert.deepEqual(failures.map(({ kind, passing, retryable }) => [kind, passing, retryable]), [['overloaded', true, true]])
    assert.deepEqual([child.failure, child.usage?.complete], [null, true])
  })
}
