// Secrets of a launch in what every user of the machine can read: refused before any process, whichever secret and however
// it is written.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { claudeAgentOptions, codexOptions, spawnProvider } = require('../index.js')
const { KEYS, ids, makeEnv } = require('./support/launch.js')

const COOKIE = 'session-cookie-0b7e52c1'
const PASSWORD = 'p"a\\ss/w%rd ü'
const PAYLOAD = { sessionCookie: COOKIE, userEnvKeys: { DB_PASSWORD: PASSWORD, NOTE: '  padded-value-71\n', SHORT: 'prod', EMPTY: '' } }
const SERVER = { type: 'http', url: 'https://example.com' }

/** @param {import('../index').ProviderEnv} env @param {import('../index').SpawnOptions} options */
const start = (env, options) => spawnProvider(env, { ...ids, ...options })

/** What is not refused is started; this start was aborted before.  @param {import('../index').ProviderEnv} env @param {string[]} args */
async function passes(env, args) {
  const child = start(env, { args, command: '/bin/true', signal: AbortSignal.abort() })
  await assert.rejects(child.exited, { code: 'ERR_PROVIDER_ABORTED' })
}

/** What is found, and how. */
const HELD = /** @type {[string, (provider: 'claude' | 'codex') => string, RegExp][]} */ ([
  ['the key', (provider) => `--header=x: ${KEYS[provider]}`, /this launch's credential/],
  ['the cookie', () => `Cookie: session=${COOKIE};`, /the value of ALIVE_SESSION_COOKIE/],
  ["a tenant's own value", () => `x${PASSWORD}y`, /the value of USER_DB_PASSWORD/],
  ['one in JSON', () => JSON.stringify({ env: { A: PASSWORD } }), /the value of USER_DB_PASSWORD/],
  ['one in a URL', () => `https://u:${encodeURIComponent(PASSWORD)}@host/`, /the value of USER_DB_PASSWORD/],
  ['one without its outer white space', () => 'x=padded-value-71', /the value of USER_NOTE/]
])

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  for (const [name, write, what] of HELD) {
    test(`${provider}: ${name} in args`, (t) => {
      const { env } = makeEnv(t, { ...PAYLOAD, provider })
      const text = write(provider)
      for (const args of [
        ['-p', text],
        ['exec', '--', 'hi', text]
      ]) {
        const error = thrownBy(() => start(env, { args }))
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE')
        assert.match(error.message, what)
        for (const secret of [KEYS[provider], COOKIE, PASSWORD]) assert.ok(!`${error.message}${error.stack}`.includes(secret))
      }
    })
  }

  test(`${provider}: a secret in cwd or command`, (t) => {
    const { env } = makeEnv(t, { ...PAYLOAD, provider })
    assert.match(thrownBy(() => start(env, { cwd: `/srv/${COOKIE}`, args: [] })).message, /options\.cwd contains/)
    assert.match(thrownBy(() => start(env, { command: `/srv/${COOKIE}`, args: [] })).message, /options\.command contains/)
  })
}

test("a secret in baseUrl, which becomes one of Codex's arguments", (t) => {
  const { env } = makeEnv(t, { ...PAYLOAD, provider: 'codex' }, { baseUrl: `https://example.com/${COOKIE}/v1` })
  assert.match(thrownBy(() => start(env, { args: ['exec', 'hi'] })).message, /options\.baseUrl contains/)
  assert.match(
    thrownBy(() => codexOptions(env, { command: process.execPath, exposeSecrets: true, allowRoot: true, cwd: '/srv' })).message,
    /options\.baseUrl contains/
  )
})

test('short values and what only resembles a secret pass', async (t) => {
  const { env } = makeEnv(t, { ...PAYLOAD, provider: 'codex' })
  for (const text of ['prod', COOKIE.slice(1), PASSWORD.slice(0, -1), '\\', '%', encodeURIComponent(PASSWORD).slice(0, -1)]) {
    await passes(env, ['exec', text])
  }
})

/** Definitions of servers in arguments: provider, arguments, and whether they hold what may be a secret. */
const DEFINITIONS = /** @type {['claude' | 'codex', string[], boolean][]} */ ([
  ['claude', ['--mcp-config', JSON.stringify({ mcpServers: { x: { ...SERVER, headers: { Authorization: 'Bearer other' } } } })], true],
  ['claude', [`--mcp-config=${JSON.stringify({ mcpServers: { x: { command: 'c', env: { A: 'other' } } } })}`], true],
  ['claude', ['--mcp-config', '/etc/servers.json', JSON.stringify({ mcpServers: { x: { ...SERVER, headers: { A: 'b' } } } })], true],
  ['claude', ['--mcp-config', JSON.stringify({ mcpServers: { x: SERVER, y: { type: 'sdk', name: 'y' } } })], false],
  [
    'claude',
    ['--mcp-config', JSON.stringify({ mcpServers: { x: { ...SERVER, headers: { Authorization: 'Bearer ${USER_TOKEN}' } } } })],
    false
  ],
  ['codex', ['exec', '-c', 'mcp_servers.x.env={A="b"}', 'hi'], true],
  ['codex', ['exec', '--config=mcp_servers.x.http_headers.Authorization="b"', 'hi'], true],
  ['codex', ['exec', '-cmcp_servers.x.bearer_token=b', 'hi'], true],
  ['codex', ['exec', '-c', 'mcp_servers.x.bearer_token_env_var="USER_TOKEN"', 'hi'], false]
])

for (const [provider, args, refused] of DEFINITIONS) {
  test(`${provider} ${args.join(' ').slice(0, 100)}: ${refused ? 'refused' : 'passes'}`, async (t) => {
    const { env } = makeEnv(t, { provider })
    if (!refused) return await passes(env, args)
    const error = thrownBy(() => start(env, { args }))
    assert.equal(error.code, 'ERR_INVALID_ARG_VALUE')
    assert.match(error.message, /every user of this machine can see arguments.*userEnvKeys/)
  })
}

test('the Agent SDK cannot put them there either', (t) => {
  const { env } = makeEnv(t, PAYLOAD)
  const sdk = claudeAgentOptions(env, { ...ids, command: '/bin/true' })
  const controller = new AbortController()
  for (const args of [
    ['--append-system-prompt', COOKIE],
    ['--mcp-config', JSON.stringify({ mcpServers: { x: { ...SERVER, headers: { A: 'b' } } } })]
  ]) {
    const ask = () => sdk.spawnClaudeCodeProcess({ command: 'claude', args, cwd: '/', env: {}, signal: controller.signal })
    assert.equal(thrownBy(ask).code, 'ERR_INVALID_ARG_VALUE')
  }
})

test('thousands of secrets and long arguments are looked through at once', async (t) => {
  const userEnvKeys = Object.fromEntries(
    Array.from({ length: 4000 }, (_, index) => [`K${index}`, `${'same-beginning-'.repeat(6)}${index}`])
  )
  const { env } = makeEnv(t, { provider: 'codex', userEnvKeys })
  const long = 'same-beginning-'.repeat(8000)
  await passes(env, ['exec', long])
  assert.match(thrownBy(() => start(env, { args: ['exec', `${long}${userEnvKeys.K3321}`] })).message, /the value of USER_K/)
})

/** @param {() => any} act @returns {any} */
function thrownBy(act) {
  try {
    act()
  } catch (error) {
    return error
  }
  assert.fail('nothing was thrown')
}
