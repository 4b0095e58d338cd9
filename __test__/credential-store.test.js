// CredentialStore: rotation, stored logins of both CLIs, refreshes that happen once, and failures that lose nothing.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { inspect } = require('node:util')
const { CredentialStore, Lockbox, Secret, buildProviderEnv, spawnProvider } = require('../index.js')
const { until } = require('./support/kernel.js')
const { UID } = require('./support/launch.js')
const { LATE, SOON, makeDir, nextOf, openLogin } = require('./support/stored-login.js')
const { startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

/** The environment of a shell that was started with a store. @param {any} env */
async function variablesOf(env) {
  const child = spawnProvider(env, {
    command: '/bin/sh',
    args: ['-c', 'exec env'],
    cwd: '/',
    delivery: 'env',
    allowRoot: true,
    workspaceTrust: 'trusted'
  })
  let text = ''
  child.stdout.on('data', (more) => (text += more))
  child.stderr.resume()
  await child.exited
  await new Promise((resolve) => (child.stdout.closed ? resolve(undefined) : child.stdout.once('close', resolve)))
  return Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/=(.*)/s).slice(0, 2))
  )
}

test('rotate: what is built next has the new key, what was built before starts nothing any more', async () => {
  const store = CredentialStore.of('codex', Buffer.from('sk-proj-made-up-one'))
  const options = { credentialStore: store, workspace: { home: '/tmp' } }
  const old = buildProviderEnv({ provider: 'codex' }, options)
  assert.deepEqual(
    { ...old.credential, fingerprint: null },
    { kind: 'api-key', source: 'store', owner: 'workspace', fingerprint: null, generation: 1 }
  )
  assert.equal(old.apiKeySource, 'user')
  assert.throws(() => store.rotate('sk-ant-api03-made-up'), { code: 'ERR_PROVIDER_KEY_WRONG_PROVIDER' })
  assert.equal(store.generation, 1)
  store.rotate(Buffer.from('sk-proj-made-up-two'))
  assert.equal(store.generation, 2)
  assert.throws(() => spawnProvider(old, { command: '/bin/true', cwd: '/', allowRoot: true }), {
    code: 'ERR_PROVIDER_CREDENTIAL_SUPERSEDED'
  })
  const env = buildProviderEnv({ provider: 'codex' }, options)
  assert.equal((await variablesOf(env)).CODEX_API_KEY, 'sk-proj-made-up-two')
  assert.equal(env.credential.generation, 2)
  // A payload with its own key does not use the store.
  const own = buildProviderEnv({ provider: 'codex', apiKey: 'sk-proj-own' }, options)
  assert.deepEqual([own.credential.source, own.credential.generation], ['payload', null])
  assert.throws(() => buildProviderEnv({ provider: 'claude' }, options), { code: 'ERR_INVALID_ARG_VALUE' })
  await assert.rejects(store.refresh(), { code: 'ERR_PROVIDER_UNSUPPORTED' })
  assert.equal((await store.fresh()).how, 'not-needed')
  store.dispose()
  assert.throws(() => buildProviderEnv({ provider: 'codex' }, options), { code: 'ERR_PROVIDER_DISPOSED' })
})

test('rotation under load: no launch that begins after rotate() has returned uses the old key', async () => {
  const key = (/** @type {number} */ number) => `sk-proj-made-up-${number}`
  const store = CredentialStore.of('codex', key(0))
  const options = { credentialStore: store, workspace: { home: '/tmp' } }
  let current = 0
  /** @type {Promise<void>[]} */
  const running = []
  let superseded = 0
  for (let round = 0; round < 300; round += 1) {
    // Built before a rotation, started before or after it.
    const early = buildProviderEnv({ provider: 'codex' }, options)
    const builtAt = current
    if (round % 3 === 0) store.rotate(Buffer.from(key((current += 1))))
    for (const [env, begunAt] of /** @type {[any, number][]} */ ([
      [early, current],
      [buildProviderEnv({ provider: 'codex' }, options), current]
    ])) {
      try {
        const child = spawnProvider(env, {
          command: '/bin/sh',
          args: ['-c', 'echo "$CODEX_API_KEY"'],
          // With the broker, a launch uses the newest key at every request, and has none itself.
          delivery: 'env',
          cwd: '/',
          allowRoot: true,
          workspaceTrust: 'trusted'
        })
        running.push(
          (async () => {
            let text = ''
            child.stdout.on('data', (more) => (text += more))
            child.stderr.resume()
            try {
              await child.exited
            } catch (error) {
              assert.equal(/** @type {any} */ (error).code, 'ERR_PROVIDER_CREDENTIAL_SUPERSEDED')
              superseded += 1
              return
            }
            await new Promise((resolve) => (child.stdout.closed ? resolve(undefined) : child.stdout.once('close', resolve)))
            const used = Number(text.trim().split('-').at(-1))
            assert.ok(used >= begunAt, `began at ${begunAt} and used ${used}`)
          })()
        )
      } catch (error) {
        assert.equal(/** @type {any} */ (error).code, 'ERR_PROVIDER_CREDENTIAL_SUPERSEDED')
        assert.ok(builtAt < current, 'refused only what was built with an older one')
        superseded += 1
      }
    }
    if (round % 20 === 0) await new Promise(setImmediate)
  }
  await Promise.all(running)
  assert.ok(superseded >= 100, `${superseded} were refused`)
  store.dispose()
})

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: refreshed ahead of expiry, written whole: 0600, unknown fields kept`, async (t) => {
    const { endpoint, file, store, first } = await openLogin(
      t,
      {},
      { provider, lifetimeMs: 3600_000, first: provider === 'claude' ? { expiresAt: SOON() } : {} }
    )
    fs.chmodSync(file, 0o644)
    const before = JSON.parse(fs.readFileSync(file, 'utf8'))
    const result = provider === 'claude' ? await store.fresh() : await store.refresh()
    assert.equal(result.how, 'here')
    assert.equal(result.failure, null)
    assert.equal(result.generation, 2)
    assert.ok(Number(result.expiresAt) > Date.now() + 3500_000)
    assert.equal(endpoint.posts.length, 1)
    const { body, contentType } = endpoint.posts[0]
    assert.equal(contentType, 'application/json')
    assert.equal(body.grant_type, 'refresh_token')
    assert.equal(body.refresh_token, first.refresh)
    assert.equal(body.client_id, provider === 'claude' ? '9d1c250a-e61b-44d9-88ed-5944d1962f5e' : 'app_EMoamEEZ73f0CkXaXp7hrann')
    assert.equal(body.scope, provider === 'claude' ? 'user:inference user:profile' : undefined)
    const after = JSON.parse(fs.readFileSync(file, 'utf8'))
    assert.deepEqual(tokensOf(provider, file), { access: endpoint.issued[1].access, refresh: endpoint.issued[1].refresh })
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
    // Everything else is as it was.
    const strip = (/** @type {any} */ document) => {
      const { accessToken, refreshToken, expiresAt, ...oauth } = document.claudeAiOauth ?? {}
      const { access_token, refresh_token, id_token, ...tokens } = document.tokens ?? {}
      return { ...document, claudeAiOauth: oauth, tokens, last_refresh: null }
    }
    assert.deepEqual(strip(after), strip(before))
    assert.deepEqual(
      fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith('.next')),
      []
    )
    assert.equal((await store.fresh()).how, 'not-needed')
    assert.equal(endpoint.posts.length, 1)
  })
}

test('claude: the access token is handed over, and the refresh token is nowhere in the child', async (t) => {
  const { store, first } = await openLogin(t)
  const env = buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } })
  assert.deepEqual([env.credential.kind, env.credential.source, env.apiKeySource], ['oauth-token', 'store', 'oauth'])
  const variables = await variablesOf(env)
  assert.equal(variables.CLAUDE_CODE_OAUTH_TOKEN, first.access)
  assert.ok(!JSON.stringify(variables).includes(first.refresh))
})

test('codex: its state directory is that of the login, and no other', async (t) => {
  const { store, dir, first } = await openLogin(t, {}, { provider: 'codex' })
  const env = buildProviderEnv({ provider: 'codex' }, { credentialStore: store, workspace: { home: '/tmp' } })
  assert.equal(env.get('CODEX_HOME'), dir)
  assert.equal(env.get('CODEX_API_KEY'), '')
  assert.ok(!JSON.stringify(await variablesOf(env)).includes(first.access))
  assert.throws(() => buildProviderEnv({ provider: 'codex' }, { credentialStore: store, workspace: { home: '/tmp', codexHome: '/tmp' } }), {
    code: 'ERR_INVALID_ARG_VALUE'
  })
})

test('a hundred callers at once: one request, and all have its tokens', async (t) => {
  const { endpoint, store } = await openLogin(t, {}, { first: { expiresAt: LATE() } })
  const results = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 ? store.fresh() : store.refresh())))
  assert.equal(endpoint.granted(), 1)
  assert.equal(endpoint.posts.length, 1)
  assert.ok(results.every(({ generation, failure }) => generation === 2 && failure === null))
})

test('two stores of one file: the second takes what the first got', async (t) => {
  const { endpoint, dir, store } = await openLogin(t, {}, { first: { expiresAt: SOON() } })
  const other = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url })
  const [one, two] = await Promise.all([store.refresh(), other.refresh()])
  assert.deepEqual([one.how, two.how].sort(), ['elsewhere', 'here'])
  assert.equal(endpoint.posts.length, 1)
  assert.equal(store.fingerprint, other.fingerprint)
  other.dispose()
})

test('failures lose nothing: the old token serves while it is good, the file stays as it is', async (t) => {
  /** @type {{ status: number, body: any } | undefined} */
  let answer = { status: 500, body: {} }
  const { endpoint, file, store } = await openLogin(t, {}, { first: { expiresAt: SOON() }, instead: async () => answer })
  let before = fs.readFileSync(file)
  const failed = async () => {
    // It asks however often it has failed.
    const { how, failure } = await store.refresh()
    assert.equal(how, 'not-needed')
    assert.deepEqual(fs.readFileSync(file), before)
    return failure?.code
  }
  assert.equal(await failed(), 'ERR_PROVIDER_REFRESH_FAILED')
  answer = { status: 200, body: { access_token: 'a token with spaces' } }
  assert.equal(await failed(), 'ERR_PROVIDER_REFRESH_FAILED')
  answer = { status: 200, body: { access_token: 'sk-proj-of-somebody-else' } }
  assert.equal(await failed(), 'ERR_PROVIDER_REFRESH_FAILED')
  buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } }).dispose()
  answer = undefined
  assert.equal((await store.refresh()).how, 'here')
  assert.equal(endpoint.granted(), 1)
  before = fs.readFileSync(file)
  answer = { status: 400, body: { error: 'invalid_grant' } }
  assert.equal(await failed(), 'ERR_PROVIDER_LOGIN_REQUIRED')
  buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } }).dispose()
})

test('an expired token: launches are refused, and so is what cannot be refreshed', async (t) => {
  const { store, endpoint } = await openLogin(t, {}, { first: { expiresAt: LATE(), refresh: 'made-up-rt-used-before' } })
  assert.throws(() => buildProviderEnv({ provider: 'claude' }, { credentialStore: store, workspace: { home: '/tmp' } }), {
    code: 'ERR_PROVIDER_CREDENTIAL_EXPIRED'
  })
  await assert.rejects(
    store.fresh(),
    (/** @type {any} */ error) => error.code === 'ERR_PROVIDER_LOGIN_REQUIRED' && !inspect(error).includes('used-before')
  )
  assert.equal(endpoint.granted(), 0)
})

test('a directory that takes no new file: the refresh token is not spent', async (t) => {
  const { store, file, endpoint } = await openLogin(t, {}, { first: { expiresAt: SOON() } })
  // In the way for root as well.
  const obstacle = nextOf(file)
  fs.mkdirSync(obstacle)
  const { how, failure } = await store.fresh()
  assert.deepEqual([how, failure?.code], ['not-needed', 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'])
  assert.equal(endpoint.posts.length, 0)
  fs.rmdirSync(obstacle)
  assert.equal((await store.fresh()).how, 'here')
})

test('a file that cannot be written after all: the tokens live in this process, and are written later', async (t) => {
  /** @type {() => void} */
  let beforeAnswer = () => {}
  const { store, file, endpoint } = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: async () => beforeAnswer() })
  const before = fs.readFileSync(file, 'utf8')
  // What was made ready is gone: it cannot take the place of anything.
  beforeAnswer = () => fs.rmSync(nextOf(file))
  const result = await store.fresh()
  assert.deepEqual([result.how, result.persisted, result.failure?.code], ['here', false, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'])
  assert.equal(fs.readFileSync(file, 'utf8'), before)
  assert.equal(store.generation, 2)
  beforeAnswer = () => {}
  const last = await store.reload()
  assert.equal(last.failure, null)
  assert.deepEqual(tokensOf('claude', file), { access: endpoint.issued[1].access, refresh: endpoint.issued[1].refresh })
  assert.equal(endpoint.posts.length, 1)
  assert.equal((await store.refresh()).how, 'here')
  assert.equal(endpoint.granted(), 2)
})

test('what the CLI writes beside the tokens meanwhile stays, and the new tokens go into it', async (t) => {
  const { store, file, endpoint, first } = await openLogin(
    t,
    {},
    {
      first: { expiresAt: SOON() },
      beforeAnswer: async () =>
        fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), mcpOAuth: { added: true } }))
    }
  )
  const result = await store.fresh()
  assert.deepEqual([result.how, result.persisted, result.failure], ['here', true, null])
  assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).mcpOAuth.added, true)
  assert.deepEqual(tokensOf('claude', file), { access: endpoint.issued[1].access, refresh: endpoint.issued[1].refresh })
  await store.refresh()
  assert.deepEqual(
    endpoint.posts.map(({ body }) => body.refresh_token),
    [first.refresh, endpoint.issued[1].refresh],
    'each once'
  )
})

test('an answer that would break the file does not', async (t) => {
  /** @type {any} */
  let body
  const { store, file } = await openLogin(t, {}, { first: { expiresAt: SOON() }, instead: async () => ({ status: 200, body }) })
  body = { access_token: 'sk-ant-oat01-fine', expires_in: 1e308 }
  assert.equal((await store.fresh()).failure, null)
  const { claudeAiOauth } = JSON.parse(fs.readFileSync(file, 'utf8'))
  assert.ok(claudeAiOauth.expiresAt < Date.now() + 3601_000, 'a life that nobody believes is none')
  const whole = fs.readFileSync(file, 'utf8')
  for (body of [
    { access_token: 'sk-ant-oat01-"x' },
    { access_token: 'sk-ant-oat01-x\\' },
    { access_token: 'sk-ant-oat01-x', refresh_token: 'a"b' }
  ]) {
    assert.equal((await store.refresh()).failure?.code, 'ERR_PROVIDER_REFRESH_FAILED')
    assert.equal(fs.readFileSync(file, 'utf8'), whole)
  }
})

test('a field that has no place for new tokens: nothing is asked', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const dir = makeDir(t)
  writeLogin(dir, 'claude', { ...endpoint.issue(), expiresAt: SOON() })
  const store = await CredentialStore.open('claude', { dir, tokenUrl: endpoint.url, fields: { expiresAt: 'meta.exp' } })
  assert.equal((await store.refresh()).failure?.code, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE')
  assert.equal(endpoint.posts.length, 0)
})

test("a directory of somebody else in the place of the tenant's: nothing is made in it", {
  skip: process.getuid?.() !== 0 && 'needs root'
}, async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const [mine, theirs] = [makeDir(t), makeDir(t)]
  for (const [dir, uid] of /** @type {const} */ ([
    [mine, UID],
    [theirs, UID + 1]
  ])) {
    fs.chownSync(writeLogin(dir, 'claude', { ...endpoint.issue(), expiresAt: SOON() }), uid, uid)
    fs.chownSync(dir, uid, uid)
  }
  const store = await CredentialStore.open('claude', { dir: mine, owner: UID, tokenUrl: endpoint.url })
  fs.renameSync(mine, `${mine}.away`)
  t.after(() => fs.rmSync(`${mine}.away`, { recursive: true }))
  fs.symlinkSync(theirs, mine)
  assert.equal((await store.refresh()).failure?.code, 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE')
  await assert.rejects(CredentialStore.open('claude', { dir: theirs, owner: UID }), { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' })
  assert.deepEqual(fs.readdirSync(theirs), ['.credentials.json'])
  assert.equal(endpoint.posts.length, 0)
})

test('state that could not be published is published with the next call', async (t) => {
  let redis = /** @type {string | null} */ (null)
  let isDown = false
  const { store, endpoint } = await openLogin(
    t,
    {
      name: 'ws_1',
      lockbox: new Lockbox({ masterKeys: [Buffer.alloc(32, 9)] }),
      /** @type {import('../index.js').WithLock} */
      async withLock(_name, critical) {
        const next = await critical(redis)
        if (isDown) throw new Error('Redis is down')
        if (next !== null) redis = next
      }
    },
    { first: { expiresAt: SOON() } }
  )
  isDown = true
  const result = await store.fresh()
  assert.deepEqual([result.how, result.failure?.code], ['here', 'ERR_PROVIDER_REFRESH_FAILED'])
  assert.equal(/** @type {any} */ (result.failure)?.cause.message, 'Redis is down')
  isDown = false
  await store.fresh()
  assert.ok(redis)
  // Another machine, whose refresh token was used up, takes what was left.
  const dir = makeDir(t)
  writeLogin(dir, 'claude', { ...endpoint.issued[0], expiresAt: SOON() })
  const other = await CredentialStore.open('claude', {
    dir,
    tokenUrl: endpoint.url,
    name: 'ws_1',
    lockbox: new Lockbox({ masterKeys: [Buffer.alloc(32, 9)] }),
    withLock: async (_, critical) => critical(redis)
  })
  assert.equal((await other.fresh()).how, 'elsewhere')
  assert.equal(other.fingerprint, store.fingerprint)
  assert.equal(endpoint.posts.length, 1)
})

test('what a person put there meanwhile stays: the winner is adopted', async (t) => {
  /** @type {() => void} */
  let write = () => {}
  const context = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: async () => write() })
  const theirs = { access: 'sk-ant-oat01-of-a-new-login', refresh: 'made-up-rt-new-login', expiresAt: Date.now() + 3600_000 }
  write = () => void writeLogin(context.dir, 'claude', theirs)
  const result = await context.store.fresh()
  assert.equal(result.how, 'elsewhere')
  assert.deepEqual(tokensOf('claude', context.file), { access: theirs.access, refresh: theirs.refresh })
  const env = buildProviderEnv({ provider: 'claude' }, { credentialStore: context.store, workspace: { home: '/tmp' } })
  assert.equal(env.exposeSecrets().CLAUDE_CODE_OAUTH_TOKEN, theirs.access)
})

test('an OAuth provider as data: another endpoint, client, file, fields and format', async (t) => {
  const endpoint = await startTokenEndpoint(t)
  const dir = makeDir(t)
  const first = endpoint.issue()
  fs.writeFileSync(
    path.join(dir, 'login.json'),
    JSON.stringify({ login: { at: first.access, rt: first.refresh, until: Math.floor(Date.now() / 1000) + 10 } }),
    { mode: 0o600 }
  )
  const store = await CredentialStore.open('claude', {
    dir,
    file: 'login.json',
    tokenUrl: endpoint.url,
    clientId: 'our-own-client',
    format: 'form',
    fields: { accessToken: 'login.at', refreshToken: 'login.rt', expiresAt: 'login.until', expiresAtUnit: 's' }
  })
  assert.equal((await store.fresh()).how, 'here')
  assert.equal(endpoint.posts[0].contentType, 'application/x-www-form-urlencoded')
  assert.deepEqual(endpoint.posts[0].body, { grant_type: 'refresh_token', refresh_token: first.refresh, client_id: 'our-own-client' })
  const { login } = JSON.parse(fs.readFileSync(path.join(dir, 'login.json'), 'utf8'))
  assert.equal(login.at, endpoint.issued[1].access)
  assert.ok(Math.abs(login.until - Date.now() / 1000 - 3600) < 10)
  store.dispose()
})

test("logins that are none, and files that are not the tenant's", async (t) => {
  const dir = makeDir(t)
  const file = path.join(dir, 'auth.json')
  const open = (/** @type {any} */ options = {}) => CredentialStore.open('codex', { dir, ...options })
  const put = (/** @type {any} */ content, mode = 0o600) => {
    fs.rmSync(file, { force: true })
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode })
    fs.chmodSync(file, mode)
  }
  await assert.rejects(
    open(),
    (/** @type {any} */ error) =>
      error.code === 'ERR_PROVIDER_LOGIN_REQUIRED' && /interactive login/.test(error.message) && error.path === file
  )
  put({ auth_mode: 'chatgpt', tokens: null })
  await assert.rejects(
    open(),
    (/** @type {any} */ error) => error.code === 'ERR_PROVIDER_LOGIN_REQUIRED' && /interactive login/.test(error.message)
  )
  put({ auth_mode: 'agentIdentity' })
  await assert.rejects(open(), { code: 'ERR_PROVIDER_UNSUPPORTED' })
  put('not JSON: made-up-secret')
  await assert.rejects(
    open(),
    (/** @type {any} */ error) => error.code === 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' && !inspect(error).includes('made-up-secret')
  )
  put({ OPENAI_API_KEY: 'sk-ant-api03-of-the-other' })
  await assert.rejects(open(), { code: 'ERR_PROVIDER_KEY_WRONG_PROVIDER' })
  put({ OPENAI_API_KEY: 'sk-proj-made-up' }, 0o666)
  await assert.rejects(open(), { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' })
  put({ OPENAI_API_KEY: 'sk-proj-made-up' })
  await assert.rejects(open({ owner: (process.getuid?.() ?? 0) + 1 }), { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' })
  const store = await open()
  assert.deepEqual([store.kind, store.expiresAt], ['api-key', null])
  assert.equal((await store.refresh()).how, 'not-needed')
  const env = buildProviderEnv({ provider: 'codex' }, { credentialStore: store, workspace: { home: '/tmp' } })
  assert.equal((await variablesOf(env)).CODEX_API_KEY, 'sk-proj-made-up')
  fs.rmSync(file)
  fs.symlinkSync('/etc/hostname', file)
  await assert.rejects(open(), { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' })
  await assert.rejects(CredentialStore.open('codex', { dir: path.join(dir, 'missing') }), { code: 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE' })
  for (const options of [
    { dir: 'relative' },
    { tokenUrl: 'http://example.com/' },
    { file: '../x' },
    { fields: { accessToken: 'a"b' } },
    { lockbox: 1 },
    { name: 'x' },
    { clientId: '' },
    { expiry: 1 },
    { file: 'other.json' },
    { owner: undefined },
    { owner: 2 ** 32 },
    { timeoutMs: 1000 }
  ]) {
    await assert.rejects(open(options), { code: 'ERR_INVALID_ARG_VALUE' }, JSON.stringify(options))
  }
})

test('nothing of a store shows a token', async (t) => {
  const { store, first } = await openLogin(t)
  const shown = [inspect(store, { showHidden: true, depth: 9 }), JSON.stringify(store), String(store), inspect(await store.fresh())].join()
  assert.ok(!shown.includes(first.access) && !shown.includes(first.refresh))
  assert.match(shown, /oauth-token/)
  store.dispose()
  assert.match(inspect(store), /disposed: true/)
  await assert.rejects(store.fresh(), { code: 'ERR_PROVIDER_DISPOSED' })
  const handle = Secret.from(Buffer.from('sk-proj-made-up-handle'))
  const other = CredentialStore.of('codex', handle)
  assert.equal(other.fingerprint, handle.fingerprint)
  assert.equal(handle.disposed, false)
})

test('an abort ends the waiting of one', async (t) => {
  /** @type {() => void} */
  let release = () => {}
  const gate = new Promise((resolve) => (release = () => resolve(undefined)))
  const { store, endpoint } = await openLogin(t, {}, { first: { expiresAt: SOON() }, beforeAnswer: () => gate })
  const controller = new AbortController()
  const mine = store.fresh({ signal: controller.signal })
  const other = store.fresh()
  await until('it asks', () => endpoint.posts.length > 0)
  controller.abort()
  await assert.rejects(mine, { code: 'ERR_PROVIDER_ABORTED' })
  release()
  assert.equal((await other).how, 'here')
  assert.equal(endpoint.posts.length, 1)
})
