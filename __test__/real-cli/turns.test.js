// Real turns of both CLIs: which key the API receives, and where in the agent's reach it can be seen.
'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { promisify } = require('node:util')
const { buildProviderEnv, takeServerCredentials } = require('../../index.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { until } = require('../support/kernel.js')
const { environOf, statusOf } = require('../support/proc.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, credentialsSeen, prepareTurn, runTurn, startHeldMock, startMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })

const SERVER = { claude: 'sk-ant-api03-made-up-server-key', codex: 'sk-proj-made-up-server-key' }
process.env.ANTHROPIC_API_KEY = SERVER.claude
process.env.OPENAI_API_KEY = SERVER.codex
const serverCredentials = takeServerCredentials()

const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const TOKEN = 'sk-ant-oat01-made-up-tenant-token'
const LOGIN = 'sk-ant-oat01-made-up-login-token'
const LOGIN_FILE = '.credentials.json'
const EVERY_KEY = [...Object.values(KEY), ...Object.values(SERVER), TOKEN, LOGIN]

const CODEX = [
  { name: 'API key', payload: { apiKey: KEY.codex }, sent: `authorization ${KEY.codex}` },
  { name: 'API key, workspace-write', sandbox: 'workspace-write', payload: { apiKey: KEY.codex }, sent: `authorization ${KEY.codex}` },
  { name: 'server key', payload: {}, server: true, sent: `authorization ${SERVER.codex}` },
  { name: 'tenant key before server key', payload: { apiKey: KEY.codex }, server: true, sent: `authorization ${KEY.codex}` }
]

// `delivery`: as requested; without one it is the broker, or nothing for a login that the CLI finds by itself.
// `environ`: whether the CLI's block has the key. The agent's commands get it in no variable of their own.
/** @type {any[]} */
const CASES = [
  { name: 'API key by fd', provider: 'claude', payload: { apiKey: KEY.claude }, delivery: 'fd', sent: `x-api-key ${KEY.claude}` },
  { name: 'API key by the broker', provider: 'claude', payload: { apiKey: KEY.claude }, sent: `x-api-key ${KEY.claude}` },
  {
    name: 'API key by env',
    provider: 'claude',
    payload: { apiKey: KEY.claude },
    delivery: 'env',
    sent: `x-api-key ${KEY.claude}`,
    environ: true
  },
  {
    name: 'OAuth token by fd',
    provider: 'claude',
    payload: { oauthAccessToken: TOKEN },
    delivery: 'fd',
    sent: `authorization ${TOKEN}`
  },
  {
    name: 'OAuth token by env',
    provider: 'claude',
    payload: { oauthAccessToken: TOKEN },
    delivery: 'env',
    sent: `authorization ${TOKEN}`,
    environ: true
  },
  {
    name: 'API key before OAuth token',
    provider: 'claude',
    payload: { apiKey: KEY.claude, oauthAccessToken: TOKEN },
    sent: `x-api-key ${KEY.claude}`
  },
  { name: 'server key by fd', provider: 'claude', payload: {}, delivery: 'fd', server: true, sent: `x-api-key ${SERVER.claude}` },
  { name: 'server key by the broker', provider: 'claude', payload: {}, server: true, sent: `x-api-key ${SERVER.claude}` },
  {
    name: 'tenant key before server key',
    provider: 'claude',
    payload: { apiKey: KEY.claude },
    server: true,
    sent: `x-api-key ${KEY.claude}`
  },
  { name: 'login in the config directory', provider: 'claude', payload: {}, login: LOGIN, sent: `authorization ${LOGIN}` },
  {
    name: 'API key before a login in the config directory',
    provider: 'claude',
    payload: { apiKey: KEY.claude },
    login: LOGIN,
    sent: `x-api-key ${KEY.claude}`
  },
  ...CODEX.map((row) => ({ ...row, name: `${row.name} by env`, provider: 'codex', delivery: 'env', environ: true })),
  ...CODEX.map((row) => ({ ...row, name: `${row.name} by the broker`, provider: 'codex' }))
]

// `env` alone would also show what the shell itself adds; the parent is the CLI, or its sandbox helper.
const LOOK = 'run: id; echo ENV; env; echo PARENT; tr "\\0" "\\n" < /proc/$PPID/environ'

for (const { name, provider, payload, delivery, server, login, sandbox, sent, environ = false } of CASES) {
  test(`${provider}, ${name}`, async (t) => {
    const homes = agentHomes(t)
    if (login) writeLogin(homes.claudeConfigDir, login)
    const { mock, release, heldCount } = await startHeldMock(t)
    const userEnvKeys = { STRIPE_KEY: 'made-up-user-value' }
    const { child, done } = startTurn(provider, {
      mock,
      homes,
      programs,
      sandbox,
      prompt: LOOK,
      payload: { ...payload, userEnvKeys },
      envOptions: server ? { serverCredentials } : {},
      launch: { delivery }
    })
    await until('the second request', () => heldCount() > 0 || child.exitCode !== null)
    const block = environOf(child.pid)
    const ids = { uid: statusOf(child.pid, 'Uid'), groups: statusOf(child.pid, 'Groups'), noNewPrivs: statusOf(child.pid, 'NoNewPrivs') }
    release()
    const turn = await done

    assert.deepEqual({ code: turn.code, text: turn.text !== '' }, { code: 0, text: true }, turn.stdout + turn.stderr)
    assert.equal(child.delivery, delivery ?? (sent.endsWith(LOGIN) ? null : 'broker'))
    assert.deepEqual(child.missingProtections, [])
    assert.deepEqual(credentialsSeen(mock), [sent])
    const other = EVERY_KEY.filter((key) => !sent.endsWith(key))
    for (const { headers, body } of mock.requests) assert.deepEqual(keysIn([headers, body], other), [])

    const key = sent.split(' ')[1]
    assert.deepEqual(keysIn(block), environ ? [key] : [], 'in /proc/PID/environ')
    if (AGENT.uid) assert.deepEqual(ids, { uid: Array(4).fill(String(AGENT.uid)), groups: [], noNewPrivs: ['1'] })

    const [id, own, parent] = turn.text.split(/^(?:ENV|PARENT)$/m)
    if (AGENT.uid) assert.match(id, new RegExp(`uid=${AGENT.uid} gid=${AGENT.gid}`))
    assert.deepEqual(keysIn(own), [], "in the agent's env")
    assert.doesNotMatch(own, /_FILE_DESCRIPTOR=\d/)
    assert.match(own, /^USER_STRIPE_KEY=made-up-user-value$/m)
    if (!environ) {
      assert.deepEqual(keysIn(parent), [], "in what the agent reads of its parent's environ")
      assert.deepEqual(
        filesWith(homes.root, key).filter((file) => path.basename(file) !== LOGIN_FILE),
        []
      )
    }
  })
}

test('control: codex, started with the same environment but without our arguments, shows the key to the agent', async (t) => {
  const mock = await startMock(t)
  const { env, options } = prepareTurn('codex', {
    mock,
    homes: agentHomes(t),
    programs,
    payload: { apiKey: KEY.codex },
    prompt: 'run: env'
  })
  const args = ['exec', '-c', `openai_base_url="${mock.openaiBaseUrl}"`, ...options.args.slice(1)]
  const running = promisify(execFile)(options.command, args, { cwd: options.cwd, env: env.exposeSecrets(), ...AGENT })
  running.child.stdin?.end()
  assert.deepEqual(keysIn((await running).stdout), [KEY.codex])
})

/** @param {string} dir @param {string} text */
function filesWith(dir, text) {
  const files = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.map((entry) => path.join(entry.parentPath, entry.name)).filter((file) => fs.readFileSync(file).includes(text))
}

/** @param {unknown} where @param {string[]} [keys] */
function keysIn(where, keys = EVERY_KEY) {
  const text = JSON.stringify(where)
  return keys.filter((key) => text.includes(key))
}

/** What `claude` writes when one logs in. @param {string} dir @param {string} accessToken */
function writeLogin(dir, accessToken) {
  const file = path.join(dir, LOGIN_FILE)
  const login = {
    accessToken,
    refreshToken: 'made-up',
    expiresAt: Date.now() + 3_600_000,
    scopes: ['user:inference'],
    subscriptionType: 'max'
  }
  fs.writeFileSync(file, JSON.stringify({ claudeAiOauth: login }), { mode: 0o600 })
  if (AGENT.uid) fs.chownSync(file, AGENT.uid, AGENT.gid)
}

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: two tenants at once`, async (t) => {
    const { mock, release, heldCount } = await startHeldMock(t)
    const tenants = ['alpha', 'beta'].map((name) => ({ name, key: `${KEY[provider]}-${name}`, homes: agentHomes(t) }))
    const turns = tenants.map(({ name, key, homes }) =>
      startTurn(provider, {
        mock,
        homes,
        programs,
        payload: { apiKey: key, userEnvKeys: { WHO: name } },
        prompt: `tenant ${name}\nrun: echo I am $USER_WHO; env`
      })
    )
    // Both are in mid-turn: neither goes on before the other has come here.
    await until('both second requests', () => heldCount() === 2)
    release()
    const results = await Promise.all(turns.map(({ done }) => done))

    for (const [index, { name, key }] of tenants.entries()) {
      const foreign = tenants[1 - index]
      assert.equal(results[index].code, 0)
      assert.match(results[index].text, new RegExp(`I am ${name}`))
      const own = mock.requestsWith(key)
      assert.ok(own.length >= 2)
      for (const request of own) {
        assert.deepEqual(
          request.credentials.map(({ value }) => value),
          [key]
        )
        assert.doesNotMatch(
          JSON.stringify([request.headers, request.body]),
          new RegExp(`${foreign.key}|tenant ${foreign.name}|WHO=${foreign.name}`)
        )
      }
      assert.doesNotMatch(results[index].stdout, new RegExp(foreign.key))
    }
    assert.equal(
      mock.requests.filter(({ method }) => method !== 'HEAD').length,
      tenants.flatMap(({ key }) => mock.requestsWith(key)).length
    )
  })

  test(`${provider}: a new key serves the next launch, in the same home`, async (t) => {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    for (const key of [`${KEY[provider]}-old`, `${KEY[provider]}-new`]) {
      mock.requests.length = 0
      const { code } = await runTurn(provider, { mock, homes, programs, payload: { apiKey: key } })
      assert.equal(code, 0)
      assert.deepEqual(credentialsSeen(mock), [`${provider === 'claude' ? 'x-api-key' : 'authorization'} ${key}`])
    }
  })
}

test('codex without a key is refused before any process, whatever its home holds', async (t) => {
  const homes = agentHomes(t)
  fs.writeFileSync(path.join(homes.codexHome, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: KEY.codex }))
  const mock = await startMock(t)
  for (const payload of [{}, { apiKey: '' }, { apiKey: null }]) {
    assert.throws(
      () =>
        buildProviderEnv(
          { provider: 'codex', ...payload },
          { baseUrl: mock.openaiBaseUrl, workspace: { home: homes.home, codexHome: homes.codexHome } }
        ),
      { code: 'ERR_PROVIDER_CREDENTIAL_MISSING', provider: 'codex' }
    )
  }
  assert.equal(mock.requests.length, 0)
})
