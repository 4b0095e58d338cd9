// caFile: a turn of each real CLI with an API whose certificate is of a private authority, and without the file none.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { needsRoot } = require('../support/launch.js')
const { makeOpenDir } = require('../support/homes.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, runTurn, startMock } = require('../support/real-turn.js')
const { makeAuthority, startTlsFront, whyNoCertificates } = require('../support/tls.js')

requirePrivateNetwork()

// As itself, a worker that is not root has no file that the CLI's uid cannot change.
const skip = needsRoot || (fs.statSync('/').uid === 0 ? whyNoCertificates() : "in a user namespace nothing is known to be root's")
const VARIABLES = { claude: 'NODE_EXTRA_CA_CERTS', codex: 'CODEX_CA_CERTIFICATE' }
const KEYS = { claude: 'sk-ant-api03-made-up-key', codex: 'sk-proj-made-up-key' }

/** An API behind TLS, and a root-owned directory with the file of its authority and one of another. @param {any} t */
async function privateApi(t) {
  const dir = makeOpenDir('provider-env-authority-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const [authority, other] = [makeAuthority(t), makeAuthority(t)]
  const [file, others] = ['ca.pem', 'other.pem'].map((name) => path.join(dir, name))
  fs.writeFileSync(file, authority.ca, { mode: 0o644 })
  fs.writeFileSync(others, other.ca, { mode: 0o644 })
  const mock = await startMock(t)
  const front = await startTlsFront(t, authority.issue('IP:127.0.0.1'), mock.port)
  return { dir, file, others, mock, front }
}

// With the broker it is the worker that connects to the API. The file is given to the CLI all the same.
for (const [provider, delivery] of /** @type {const} */ ([
  ['claude', 'fd'],
  ['claude', 'broker'],
  ['codex', 'env'],
  ['codex', 'broker']
])) {
  /** @param {any} t @param {Awaited<ReturnType<typeof privateApi>>} api @param {any} [envOptions] @param {any} [turn] */
  const run = (t, { mock, front }, envOptions, turn) => {
    const refused = new AbortController()
    front.onRefusal = () => refused.abort()
    const baseUrl = `https://127.0.0.1:${front.port}${provider === 'codex' ? '/v1' : ''}`
    return runTurn(provider, {
      mock,
      homes: agentHomes(t),
      programs: installForAnyone({ test: t }),
      payload: { apiKey: KEYS[provider] },
      envOptions: { baseUrl, ...envOptions },
      launch: { signal: refused.signal, delivery },
      prompt: `run: printf '%s' "$${VARIABLES[provider]}"`,
      ...turn
    })
  }

  test(`${provider} by ${delivery}: with the file a turn goes to it, and the variable names the file that was proved`, {
    skip
  }, async (t) => {
    const api = await privateApi(t)
    const link = path.join(api.dir, 'link.pem')
    fs.symlinkSync('ca.pem', link)
    for (const credentialOwner of ['workspace', 'server']) {
      const turn = await run(t, api, { caFile: link, credentialOwner })
      assert.deepEqual([turn.code, turn.text, api.front.refusals], [0, fs.realpathSync(api.file), 0], turn.stderr)
    }
    assert.ok(api.mock.requestsWith(KEYS[provider]).length > 0)
  })

  for (const [name, options] of /** @type {[string, (api: any) => any][]} */ ([
    ['without it', () => ({})],
    ["with another authority's", ({ others }) => ({ caFile: others })]
  ])) {
    test(`${provider} by ${delivery}: ${name} only the handshake gets there`, { skip }, async (t) => {
      const api = await privateApi(t)
      const turn = await run(t, api, options(api))
      // Claude Code 2.1.260 hangs up without a word.
      assert.ok(turn.code !== 0 && api.front.connections > 0, turn.stdout)
      assert.deepEqual([api.front.requests, api.mock.requests.length], [0, 0])
    })
  }

  test(`${provider} by ${delivery}: a file that the tenant can change starts nothing`, { skip }, async (t) => {
    const api = await privateApi(t)
    fs.chownSync(api.file, Number(AGENT.uid), 0)
    await assert.rejects(run(t, api, { caFile: api.file }), {
      code: 'ERR_PROVIDER_CA_FILE_UNUSABLE',
      path: fs.realpathSync(api.file),
      names: ['caFile'],
      message: /the CLI's own uid can change it/
    })
    assert.deepEqual([api.front.refusals, api.mock.requests.length], [0, 0])
  })

  test(`${provider} by ${delivery}: the tenant's own files name no other authority in its place`, { skip }, async (t) => {
    const api = await privateApi(t)
    const homes = agentHomes(t)
    const variable = VARIABLES[provider]
    const [file, text] =
      provider === 'claude'
        ? [path.join(homes.claudeConfigDir, '.claude.json'), JSON.stringify({ env: { [variable]: api.file } })]
        : [path.join(homes.codexHome, '.env'), `${variable}=${api.file}\n`]
    fs.writeFileSync(file, text)
    fs.chownSync(file, Number(AGENT.uid), Number(AGENT.uid))
    const without = await run(t, api, {}, { homes })
    assert.ok(without.code !== 0 && api.front.requests === 0, without.stdout)
    fs.writeFileSync(file, text.replaceAll(api.file, api.others))
    const turn = await run(t, api, { caFile: api.file }, { homes })
    assert.equal(turn.code, 0, turn.stderr)
  })
}
