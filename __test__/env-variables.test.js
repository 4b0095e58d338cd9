// Which variables a child gets: cookie, USER_*, precedence, blanks, defaults, inherit, set, limits. Read from the child.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { buildProviderEnv } = require('../index.js')
const { makeEnv, needsLinux, run } = require('./support/launch.js')

const home = '/home/w'

/** The environment that a child prints, as an object. */
async function printed(/** @type {any} */ env, options = {}) {
  const { stdout } = await run(env, 'env -0', { delivery: 'env', ...options })
  return Object.fromEntries(
    stdout
      .split('\0')
      .filter(Boolean)
      .map((/** @type {string} */ text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])
  )
}

test('a child has exactly what exposeSecrets() says', async (t) => {
  for (const provider of ['claude', 'codex']) {
    const { env } = makeEnv(
      t,
      { provider, sessionCookie: 'made-up-cookie', userEnvKeys: { A: 'multi\nline', B: '' } },
      { set: { EXTRA: 'é 漢' } }
    )
    const { PWD, ...child } = await printed(env)
    assert.deepEqual(child, env.exposeSecrets(), provider)
    assert.ok(PWD)
  }
})

test('the session cookie is empty when absent, never the one before', async (t) => {
  process.env.ALIVE_SESSION_COOKIE = 'cookie-of-another'
  t.after(() => delete process.env.ALIVE_SESSION_COOKIE)
  const { env } = makeEnv(t, { sessionCookie: 'made-up-cookie' })
  assert.equal((await printed(env)).ALIVE_SESSION_COOKIE, 'made-up-cookie')
  assert.equal((await printed(makeEnv(t).env)).ALIVE_SESSION_COOKIE, '')
})

test('names of userEnvKeys: which are set, which are left out and reported', async (t) => {
  const good = ['A', 'Z9', 'A_', 'GITHUB_TOKEN', 'ANTHROPIC_API_KEY', 'LD_PRELOAD']
  const bad = ['', '_A', '9A', 'a', 'Ab', 'A-B', 'A=B', 'A B', 'A\n', 'É', 'A\0', '__proto__']
  const userEnvKeys = Object.fromEntries([...good, ...bad].map((name) => [name, `value of ${name.length}`]))
  Object.defineProperty(userEnvKeys, '__proto__', { value: 'x', enumerable: true })
  const { env } = makeEnv(t, { userEnvKeys })
  assert.equal(env.userEnvKeyCount, good.length)
  assert.deepEqual([...env.rejectedUserEnvKeys].sort(), [...bad].sort())
  const child = await printed(env)
  assert.deepEqual(
    Object.keys(child)
      .filter((name) => name.startsWith('USER_'))
      .sort(),
    good.map((name) => `USER_${name}`).sort()
  )
  assert.equal(child.USER_LD_PRELOAD, 'value of 10')
  assert.equal(child.LD_PRELOAD, undefined)
})

const api = 'sk-made-up-api'
const token = 'sk-ant-oat01-made-up'
/** Precedence: payload, config directory, then which variable has the credential. */
const PRECEDENCE = /** @type {any[]} */ ([
  [{ apiKey: api, oauthAccessToken: token }, true, 'user', 'api-key', 'payload', { ANTHROPIC_API_KEY: api, CLAUDE_CODE_OAUTH_TOKEN: '' }],
  [{ oauthAccessToken: token }, true, 'oauth', 'oauth-token', 'payload', { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: token }],
  [{}, true, 'none', 'config-dir', 'config-dir', { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: '' }],
  [{ provider: 'codex', apiKey: api }, true, 'user', 'api-key', 'payload', { CODEX_API_KEY: api, OPENAI_API_KEY: api }]
])

test('precedence of credentials, and one credential per launch', () => {
  for (const [payload, withDir, apiKeySource, kind, source, expected] of PRECEDENCE) {
    const workspace = { home, ...(withDir && { claudeConfigDir: '/srv/claude' }) }
    const env = buildProviderEnv(payload, { workspace })
    const variables = env.exposeSecrets()
    assert.deepEqual([env.apiKeySource, env.credential.kind, env.credential.source], [apiKeySource, kind, source])
    for (const [name, value] of Object.entries(expected)) assert.equal(variables[name], value, name)
    assert.equal(variables.CLAUDE_CONFIG_DIR, (payload.provider ?? 'claude') === 'claude' ? '/srv/claude' : undefined)
    env.dispose()
  }
})

test('the other provider’s names are absent, and this one’s other names blank', () => {
  const names = { claude: /^(ANTHROPIC|CLAUDE)_/, codex: /^(OPENAI|CODEX)_/ }
  const dirs = { claudeConfigDir: '/srv/claude', codexHome: '/srv/codex' }
  for (const [provider, other] of /** @type {const} */ ([
    ['claude', 'codex'],
    ['codex', 'claude']
  ])) {
    const env = buildProviderEnv({ provider, apiKey: api }, { workspace: { home, ...dirs } })
    const variables = env.exposeSecrets()
    assert.deepEqual(
      Object.keys(variables).filter((name) => names[other].test(name)),
      []
    )
    const own = Object.entries(variables).filter(([name]) => names[provider].test(name))
    const set = own
      .filter(([, value]) => value !== '')
      .map(([name]) => name)
      .sort()
    assert.deepEqual(
      set,
      provider === 'claude'
        ? ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST', 'CLAUDE_CONFIG_DIR']
        : ['CODEX_API_KEY', 'CODEX_HOME', 'OPENAI_API_KEY']
    )
    assert.ok(own.length > set.length + 5, 'the rest is blank')
    env.dispose()
  }
})

test('workspace options become their variables, and only they', async (t) => {
  const given = { key: 'my site', id: 'ws_1', userId: 'u_2' }
  const { env, homes } = makeEnv(t, {}, { workspace: given })
  const child = await printed(env)
  const expected = {
    ALIVE_WORKSPACE_KEY: 'my site',
    ALIVE_WORKSPACE_ID: 'ws_1',
    ALIVE_USER_ID: 'u_2',
    ALIVE_WORKSPACE_PATH: homes.workspace,
    HOME: homes.home,
    TMPDIR: homes.tmpDir,
    TMP: homes.tmpDir,
    TEMP: homes.tmpDir,
    PWD: homes.workspace
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(child[name], value, name)
  const bare = buildProviderEnv({ apiKey: api }, { workspace: { home } })
  assert.deepEqual(
    bare.names.filter((name) => name.startsWith('ALIVE_')),
    ['ALIVE_SESSION_COOKIE']
  )
  bare.dispose()
})

test('the base URL: a variable for claude, an argument for codex', async (t) => {
  const baseUrl = 'http://127.0.0.1:1/v1'
  const claude = makeEnv(t, {}, { baseUrl }).env
  assert.equal((await printed(claude)).ANTHROPIC_BASE_URL, baseUrl)
  const codex = makeEnv(t, { provider: 'codex' }, { baseUrl }).env
  const { stdout } = await run(codex, 'env; printf "%s\\n" "$@"', { delivery: 'env' })
  assert.match(stdout, /^openai_base_url="http:\/\/127\.0\.0\.1:1\/v1"$/m)
  assert.doesNotMatch(stdout, /BASE_URL=/)
})

test('with the broker, the base URL is the broker’s, and the caller’s is nowhere in the child', { skip: needsLinux }, async (t) => {
  const baseUrl = 'http://127.0.0.1:1/v1'
  const codex = await run(makeEnv(t, { provider: 'codex' }, { baseUrl }).env, 'env; printf "%s\\n" "$@"', { delivery: 'broker' })
  const claude = await run(makeEnv(t, {}, { baseUrl }).env, 'env', { delivery: 'broker' })
  assert.match(codex.stdout, /^openai_base_url="http:\/\/127\.0\.0\.1:\d{2,5}\/v1"$/m)
  assert.match(claude.stdout, /^ANTHROPIC_BASE_URL=http:\/\/provider-env\.invalid$/m)
  assert.match(claude.stdout, /^ANTHROPIC_UNIX_SOCKET=\/./m)
  for (const { stdout } of [codex, claude]) assert.doesNotMatch(stdout, /127\.0\.0\.1:1\//)
})
