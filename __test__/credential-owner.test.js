// credentialOwner and requireCredential: whose a credential is, who says so, and what a server's key in the payload is kept
// from, as its tenant sees it.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const {
  CredentialStore,
  Lockbox,
  Secret,
  buildProviderEnv,
  codexOptions,
  createRecipient,
  describeProvider,
  spawnProvider,
  takeServerCredentials
} = require('../index.js')
const { KEYS, ids, knownProgram, makeEnv, needsLinux, outcome, run, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { writeLogin } = require('./support/token-endpoint.js')

const SERVER = Object.freeze({ claude: 'sk-ant-api03-of-the-server', codex: 'sk-proj-of-the-server' })
const CONTEXT = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
const BINDING = /** @type {const} */ ({ workspace: 'ws_1', field: 'apiKey', request: 'req_1' })
const workspace = { id: 'ws_1', home: '/tmp', codexHome: '/tmp/codex', claudeConfigDir: '/tmp/claude' }
const owners = /** @type {const} */ (['workspace', 'server'])

/** What is shown of the environment of a payload. @param {any} payload @param {any} options */
function shown(payload, options) {
  const env = buildProviderEnv(payload, { workspace, requestId: 'req_1', ...options })
  try {
    const { kind, source, owner } = env.credential
    return { kind, source, owner, apiKeySource: env.apiKeySource, billedTo: describeProvider(env).billedTo }
  } finally {
    env.dispose()
  }
}

/** Every form in which a payload has a key. @type {Record<string, (provider: 'claude' | 'codex', key: string) => any>} */
const FORMS = {
  'a string': (provider, apiKey) => ({ provider, apiKey }),
  bytes: (provider, key) => ({ provider, apiKey: Buffer.from(key) }),
  'a handle': (provider, key) => ({ provider, apiKey: Secret.from(Buffer.from(key)) }),
  'JSON bytes': (provider, apiKey) => Buffer.from(JSON.stringify({ provider, apiKey }))
}

for (const [form, payloadOf] of Object.entries(FORMS)) {
  test(`${form}: the caller says whose the key is`, () => {
    for (const provider of /** @type {const} */ (['claude', 'codex'])) {
      const of = (/** @type {any} */ options) => shown(payloadOf(provider, SERVER[provider]), options)
      const mine = { kind: 'api-key', source: 'payload', owner: 'workspace', apiKeySource: 'user', billedTo: 'workspace' }
      assert.deepEqual(of({}), mine)
      assert.deepEqual(of({ credentialOwner: 'workspace' }), mine)
      assert.deepEqual(of({ credentialOwner: 'server' }), { ...mine, owner: 'server', apiKeySource: 'server', billedTo: 'server' })
    }
  })
}

test("a token and a store's key have the owner that is said, a login in a directory has none but its workspace", () => {
  const token = { oauthAccessToken: 'sk-ant-oat01-made-up' }
  assert.deepEqual(shown(token, { credentialOwner: 'server' }), {
    kind: 'oauth-token',
    source: 'payload',
    owner: 'server',
    apiKeySource: 'server',
    billedTo: 'server'
  })
  const store = CredentialStore.of('codex', SERVER.codex)
  for (const owner of owners) assert.equal(shown({ provider: 'codex' }, { credentialStore: store, credentialOwner: owner }).owner, owner)
  assert.deepEqual(shown({}, { credentialOwner: 'server' }), {
    kind: 'config-dir',
    source: 'config-dir',
    owner: 'workspace',
    apiKeySource: 'none',
    billedTo: 'subscription'
  })
})

test('a payload cannot say it, as a tenant could', () => {
  for (const name of ['credentialOwner', 'requireCredential']) {
    for (const value of ['server', 'workspace', true, false, { deep: 1 }]) {
      const payload = { apiKey: KEYS.claude, [name]: value }
      const bytes = Buffer.from(JSON.stringify(payload))
      const refused = {
        code: 'ERR_PROVIDER_PAYLOAD_INVALID',
        names: [name],
        message: new RegExp(`payload\\.${name} is not a field of a payload.*options\\.${name}`)
      }
      for (const given of [payload, bytes]) assert.throws(() => shown(given, { credentialOwner: 'server' }), refused)
      assert.ok(
        bytes.every((byte) => byte === 0),
        'consumed all the same'
      )
    }
    assert.equal(shown({ apiKey: KEYS.claude, [name]: null }, {}).owner, 'workspace', 'null says nothing')
  }
  for (const [value, code] of [
    ['tenant', 'ERR_INVALID_ARG_VALUE'],
    [true, 'ERR_INVALID_ARG_TYPE']
  ]) {
    assert.throws(() => shown({ apiKey: KEYS.claude }, { credentialOwner: value }), { code })
  }
  assert.throws(() => shown({ apiKey: KEYS.claude }, { requireCredential: 'yes' }), { code: 'ERR_INVALID_ARG_TYPE' })
})

/** What a parent seals, from a row and from a handle. @param {any} t */
function sealers(t) {
  const lockbox = new Lockbox({ masterKeys: [Buffer.alloc(32, 7)] })
  t.after(() => lockbox.dispose())
  const row = lockbox.seal(Buffer.from(SERVER.claude), CONTEXT)
  const secret = Secret.from(Buffer.from(SERVER.claude))
  return {
    row: (/** @type {string} */ to, /** @type {any} */ more) => lockbox.unsealFor(row, CONTEXT, to, { ...BINDING, ...more }),
    handle: (/** @type {string} */ to, /** @type {any} */ more) => secret.sealFor(to, { ...BINDING, ...more })
  }
}

test('what was sealed opens for the owner that it was sealed for, and for no other', (t) => {
  for (const [name, seal] of Object.entries(sealers(t))) {
    for (const sealedFor of [undefined, ...owners]) {
      for (const asked of [undefined, ...owners]) {
        const recipient = createRecipient()
        const apiKey = seal(recipient.publicKey, sealedFor && { credentialOwner: sealedFor })
        const open = (/** @type {any} */ owner) => shown({ apiKey }, { recipient, ...(owner && { credentialOwner: owner }) })
        const same = (sealedFor ?? 'workspace') === (asked ?? 'workspace')
        if (same) assert.equal(open(asked).owner, asked ?? 'workspace', `${name}: ${sealedFor} as ${asked}`)
        else {
          assert.throws(
            () => open(asked),
            { code: 'ERR_PROVIDER_UNSEAL_FAILED', message: /^A sealed secret does not open\./ },
            `${name}: ${sealedFor} as ${asked}`
          )
          assert.equal(open(sealedFor).owner, sealedFor ?? 'workspace', 'what did not open was not used')
        }
      }
    }
  }
})

test('only a credential has another owner, and one that can be none is not sealed as one', (t) => {
  const { publicKey } = createRecipient()
  const seal = (/** @type {string} */ text, /** @type {any} */ more) =>
    Secret.from(Buffer.from(text)).sealFor(publicKey, { ...BINDING, ...more })
  for (const field of ['sessionCookie', 'userEnvKeys.A']) {
    assert.throws(() => seal('made-up', { field, credentialOwner: 'server' }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /binding\.credentialOwner can be "server" only for apiKey and oauthAccessToken/
    })
    assert.match(seal('undefined', { field, credentialOwner: 'workspace' }), /^provider-env-sealed\./, 'any text')
  }
  const lockbox = new Lockbox({ masterKeys: [Buffer.alloc(32, 7)] })
  t.after(() => lockbox.dispose())
  for (const field of ['apiKey', 'oauthAccessToken']) {
    for (const text of ['undefined', 'op://vault/item', 'sk-ant-api03-made-up\n', 'sk-proj-made-up,', 'your-api-key']) {
      const row = lockbox.seal(Buffer.from(text), CONTEXT)
      const refused = { code: 'ERR_PROVIDER_KEY_MALFORMED', names: [field] }
      assert.throws(() => seal(text, { field }), refused, text)
      assert.throws(() => lockbox.unsealFor(row, CONTEXT, publicKey, /** @type {any} */ ({ ...BINDING, field })), refused, text)
    }
  }
})

test('where it is required, no store, server or login takes its place', (t) => {
  process.env.ANTHROPIC_API_KEY = SERVER.claude
  const serverCredentials = takeServerCredentials()
  const credentialStore = CredentialStore.of('claude', SERVER.claude)
  t.after(() => serverCredentials.dispose())
  const instead = { store: { credentialStore }, server: { serverCredentials }, 'config-dir': {} }
  for (const [source, options] of Object.entries(instead)) {
    assert.equal(shown({}, options).source, source)
    assert.throws(() => shown({}, { ...options, requireCredential: true }), {
      code: 'ERR_PROVIDER_CREDENTIAL_MISSING',
      provider: 'claude',
      names: ['apiKey', 'oauthAccessToken'],
      message: /^The payload has no credential for Claude Code, and options\.requireCredential/
    })
    assert.equal(shown({ apiKey: KEYS.claude }, { ...options, requireCredential: true }).source, 'payload')
  }
  assert.throws(() => shown({ provider: 'codex', apiKey: '' }, { requireCredential: true }), {
    provider: 'codex',
    names: ['apiKey'],
    message: /OpenAI Codex.*Pass payload\.apiKey\./
  })
  credentialStore.dispose()
  assert.throws(
    () => shown({}, { credentialStore, requireCredential: true }),
    { code: 'ERR_PROVIDER_CREDENTIAL_MISSING' },
    'the store is not asked'
  )
})

/**
 * A start of a script in Codex's place, on a key of that owner.
 * @param {any} t
 * @param {'workspace' | 'server'} owner
 * @param {'env' | 'broker'} [delivery]
 */
function codex(t, owner, delivery = 'env') {
  const { env, homes } = makeEnv(t, { provider: 'codex', apiKey: SERVER.codex }, { credentialOwner: owner })
  const show = knownProgram('codex', '#!/bin/sh\necho "$@"; echo "GIT_CONFIG_GLOBAL=$GIT_CONFIG_GLOBAL"\n')
  const start = (/** @type {string[]} */ args, /** @type {any} */ more) =>
    spawnProvider(env, { ...ids, command: show, args, cwd: homes.workspace, workspaceTrust: 'trusted', delivery, ...more })
  return { env, homes, start }
}

test("arguments, options and variables are the server's where the CLI gets its key", async (t) => {
  const mine = codex(t, 'workspace')
  const theirs = codex(t, 'server')
  assert.doesNotMatch((await outcome(mine.start(['hello']))).stdout, /ignore-user-config|features\.plugins|\/dev\/null/)
  const { stdout } = await outcome(theirs.start(['exec', 'hello']))
  for (const text of [
    'exec --ignore-user-config hello',
    'features.plugins=false',
    'model_provider="openai"',
    'openai_base_url="https://api.openai.com/v1"',
    'GIT_CONFIG_GLOBAL=/dev/null'
  ]) {
    assert.ok(stdout.includes(text), `${text} in ${stdout}`)
  }
  assert.throws(() => theirs.start(['hello']), { code: 'ERR_INVALID_ARG_VALUE', message: /would use the server's key/ })
  assert.throws(() => theirs.start(['exec', '--dangerously-bypass-hook-trust', 'x']), { code: 'ERR_INVALID_ARG_VALUE' })
  const launch = /** @type {const} */ ({ delivery: 'env', exposeSecrets: true, allowRoot: true, cwd: '/tmp', command: '/bin/true' })
  assert.throws(() => codexOptions(theirs.env, launch), { code: 'ERR_PROVIDER_UNSUPPORTED', names: ['credentialOwner'] })
  assert.equal(codexOptions(mine.env, launch).codexPathOverride, fs.realpathSync('/bin/true'))
})

test("with the broker the CLI has no key of the server's to lose, so its arguments are the workspace's", {
  skip: needsLinux
}, async (t) => {
  for (const owner of owners) {
    const { env, homes, start } = codex(t, owner, 'broker')
    fs.writeFileSync(path.join(homes.codexHome, '.env'), 'HTTP_PROXY=http://127.0.0.1:1\n')
    for (const args of [['hello'], ['exec', '--dangerously-bypass-hook-trust', 'x']]) {
      const child = start(args)
      const { code, stdout, error } = await outcome(child)
      assert.deepEqual([error, code, child.delivery], [null, 0, 'broker'], owner)
      assert.ok(stdout.startsWith(`${args.join(' ')} -c `), stdout)
      assert.doesNotMatch(stdout, /ignore-user-config|features\.plugins|\/dev\/null/)
      assert.match(stdout, /-c model_provider="openai" -c openai_base_url="http:\/\/127\.0\.0\.1:\d+\/v1"/)
    }
    const options = codexOptions(env, { allowRoot: true, cwd: '/tmp', command: '/bin/true' })
    t.after(() => options.dispose())
    assert.doesNotMatch(JSON.stringify(options), new RegExp(SERVER.codex))
    assert.match(options.env.CODEX_API_KEY, /^pe-broker-/)
  }
})

test("files by which a tenant could send the server's key elsewhere stop it where the CLI gets it, in a trusted workspace too", async (t) => {
  for (const owner of owners) {
    const { homes, start } = codex(t, owner)
    fs.writeFileSync(path.join(homes.codexHome, '.env'), 'HTTP_PROXY=http://127.0.0.1:1\n')
    const { error, code } = await outcome(start(['exec', 'x']))
    assert.equal(error?.code ?? code, owner === 'server' ? 'ERR_PROVIDER_STATE_DIR_UNUSABLE' : 0, owner)
  }
  for (const owner of owners) {
    const homes = makeHomes({ uid: ids.uid, test: t })
    const env = buildProviderEnv(
      { apiKey: SERVER.claude },
      { credentialOwner: owner, workspace: { ...workspaceOf(homes), claudeConfigDir: homes.claudeConfigDir } }
    )
    t.after(() => env.dispose())
    fs.writeFileSync(path.join(homes.claudeConfigDir, 'remote-settings.json'), '{}')
    for (const delivery of /** @type {const} */ (['fd', 'broker'])) {
      if (delivery === 'broker' && needsLinux) continue
      const started = run(env, 'true', { workspaceTrust: 'trusted', delivery }).then(
        ({ code }) => code,
        ({ code }) => code
      )
      const isRefused = owner === 'server' && delivery === 'fd'
      assert.equal(await started, isRefused ? 'ERR_PROVIDER_STATE_DIR_UNUSABLE' : 0, `${owner}, ${delivery}`)
    }
  }
})

test("a login that Codex reads from a directory of the tenant's cannot be the server's", async (t) => {
  const { codexHome: dir } = makeHomes({ test: t })
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const expiresAt = Date.now() + 3_600_000
  writeLogin(dir, 'codex', { access: `${part({ alg: 'none' })}.${part({ exp: expiresAt / 1000 })}.c2ln`, refresh: 'made-up', expiresAt })
  const credentialStore = await CredentialStore.open('codex', { dir })
  t.after(() => credentialStore.dispose())
  const options = { credentialStore, workspace: { home: '/tmp' } }
  assert.equal(shown({ provider: 'codex' }, options).owner, 'workspace')
  assert.throws(() => shown({ provider: 'codex' }, { ...options, credentialOwner: 'server' }), {
    code: 'ERR_PROVIDER_UNSUPPORTED',
    names: ['credentialOwner']
  })
})

test('a process reports the owner', async (t) => {
  const child = codex(t, 'server').start(['exec', 'x'])
  assert.deepEqual([child.credential.owner, child.credential.source], ['server', 'payload'])
  assert.equal((await outcome(child)).code, 0)
})
