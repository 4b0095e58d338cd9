// A server's key and a tenant who writes to CODEX_HOME: no setting there sends the key past the endpoint that the server named.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { takeServerCredentials } = require('../../index.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, runTurn, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const KEY = 'sk-proj-made-up-key-of-the-server'

/** @param {any} t */
function serverKey(t) {
  process.env.OPENAI_API_KEY = KEY
  const serverCredentials = takeServerCredentials()
  t.after(() => serverCredentials.dispose())
  return { payload: { apiKey: undefined }, envOptions: { serverCredentials } }
}

/** What the tenant's agent leaves behind. @param {string} file @param {string} text */
function leave(file, text) {
  fs.writeFileSync(file, text)
  if (AGENT.uid !== undefined) fs.chownSync(file, AGENT.uid, AGENT.uid)
}

const provider = (/** @type {string} */ url) => `{ name = "x", base_url = "${url}", wire_api = "responses", env_key = "CODEX_API_KEY", supports_websockets = false, requires_openai_auth = false }`

/** What a tenant may write to config.toml. @type {Record<string, (url: string) => string>} */
const SETTINGS = {
  'a base URL': (url) => `openai_base_url = "${url}"\n`,
  'a model provider': (url) => `model_provider = "x"\nmodel_providers.x = ${provider(url)}\n`,
  'a profile with a model provider': (url) => `profile = "p"\nmodel_providers.x = ${provider(url)}\n[profiles.p]\nmodel_provider = "x"\n`,
  'another openai': (url) => `model_providers.openai = ${provider(url)}\n`
}

for (const [name, settings] of Object.entries(SETTINGS)) {
  test(`a server's key and ${name} in CODEX_HOME`, async (t) => {
    const [mock, elsewhere] = [await startMock(t), await startMock(t)]
    const homes = agentHomes(t)
    leave(path.join(homes.codexHome, 'config.toml'), settings(elsewhere.openaiBaseUrl))
    const turn = await runTurn('codex', { mock, homes, programs: installForAnyone({ test: t }), ...serverKey(t) })
    assert.equal(elsewhere.requests.length, 0, turn.stderr)
    // A setting that the CLI refuses ends the run; the key went nowhere.
    if (turn.code === 0) assert.ok(mock.requestsWith(KEY).length > 0)
    t.diagnostic(`exit ${turn.code}`)
  })
}

test("a server's key and a proxy in CODEX_HOME's .env", async (t) => {
  const [mock, elsewhere] = [await startMock(t), await startMock(t)]
  const homes = agentHomes(t)
  const file = path.join(homes.codexHome, '.env')
  leave(file, `HTTP_PROXY=${elsewhere.anthropicBaseUrl}\nNO_PROXY=\n`)
  const programs = installForAnyone({ test: t })
  // A mock is no proxy, and has no answer that would end the turn: that it was asked is enough.
  const asked = new AbortController()
  const watch = setInterval(() => elsewhere.requests.length > 0 && asked.abort(), 20)
  t.after(() => clearInterval(watch))
  // The tenant's own key goes where the tenant says: that is why a start with the server's has to refuse.
  await runTurn('codex', { mock, homes, programs, payload: { apiKey: 'sk-proj-made-up-key-of-the-tenant' }, launch: { signal: asked.signal } })
  assert.deepEqual([mock.requests.length, elsewhere.requests.length > 0], [0, true])
  const before = elsewhere.requests.length
  const ofServer = serverKey(t)
  await assert.rejects(runTurn('codex', { mock, homes, programs, ...ofServer, launch: { timeoutMs: 10_000 } }), { code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE', path: file })
  assert.equal(elsewhere.requests.length, before)
  fs.rmSync(file)
  const turn = await runTurn('codex', { mock, homes, programs, ...ofServer })
  assert.deepEqual([turn.code, mock.requestsWith(KEY).length > 0], [0, true], turn.stderr)
})
