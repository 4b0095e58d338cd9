// Every code is in the types, in Rust and in docs/errors.md, and is raised here for real, without a value in any part.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const util = require('node:util')
const { translate } = require('./support/internals.js')
const binding = require('./support/addon.js')
const {
  CredentialStore,
  Lockbox,
  ProviderError,
  buildProviderEnv,
  claudeAgentOptions,
  codexOptions,
  createRecipient,
  resolveProgram,
  revoke,
  spawnProvider
} = require('../index.js')
const { UID, isRoot, makeEnv, needsLinux, needsRoot, outcome, startScript, workspaceOf } = require('./support/launch.js')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { writeLogin } = require('./support/token-endpoint.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const read = (/** @type {string[]} */ ...name) => fs.readFileSync(path.join(__dirname, '..', ...name), 'utf8')
const inText = (/** @type {string} */ text) => [...new Set(text.match(/ERR_PROVIDER_[A-Z_]+/g))].sort()
/** The addon's list, of which `ProviderErrorCode` is made. */
const CODES = inText(Object.values(/** @type {any} */ (binding).ErrorCode).join())

/** Stands in everything that a case is given. */
const SENTINEL = 'sentinelValueNeverShown'
/** In arguments: a launch's own secrets are refused there. */
const ARGUMENT = 'argumentNeverShown'
const KEY = `sk-${SENTINEL}`
const workspace = { home: '/home/w', dir: '/srv/w' }
const build = (/** @type {any} */ payload, options = {}) => buildProviderEnv(payload, { workspace, ...options })
const withKey = (/** @type {any} */ payload) => ({ apiKey: KEY, sessionCookie: SENTINEL, userEnvKeys: { A: SENTINEL }, ...payload })
const json = (/** @type {string} */ text) => new TextEncoder().encode(text)
/** A start that fails, or runs into its end. */
const start = async (
  /** @type {any} */ t,
  /** @type {any} */ options,
  /** @type {any} */ payload = {},
  script = 'exec sleep 60',
  /** @type {any} */ envOptions = {}
) => {
  const { error } = await outcome(
    startScript(makeEnv(t, withKey(payload), { set: { EXTRA: SENTINEL }, ...envOptions }).env, script, { args: [ARGUMENT], ...options })
  )
  throw error
}

/** A shell in the place of a version that is too old. */
const OLD = oldClaude()

function oldClaude() {
  const dir = makeOpenDir('provider-env-old-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  fs.mkdirSync(path.join(dir, 'versions'))
  const file = path.join(dir, 'versions/2.0.77')
  fs.copyFileSync(fs.realpathSync('/bin/sh'), file)
  return file
}

/** A store of a login that has expired, whose endpoint listens nowhere. @param {any} t @param {any} [tokens] */
const expiredStore = async (t, tokens = {}) => {
  const { claudeConfigDir: dir } = makeHomes({ test: t })
  writeLogin(dir, 'claude', { access: `sk-ant-oat01-${SENTINEL}`, refresh: SENTINEL, expiresAt: 1, ...tokens })
  return await CredentialStore.open('claude', { dir, tokenUrl: 'http://127.0.0.1:1/' })
}

/**
 * How each code comes about; fields that it has beside `code`; its message.
 * @type {Record<string, { raise: (t: any) => any, fields?: object, message: RegExp, skip?: string | false }[]>}
 */
const CASES = {
  ERR_PROVIDER_PAYLOAD_INVALID: [
    { raise: () => build(json(`{"apiKey":"${KEY}`)), message: /^The payload ends too early \(line 1, column \d+\)\.$/ },
    { raise: () => build(json(`{"apiKey":{"${KEY}":1}}`)), fields: { names: ['apiKey'] }, message: /payload\.apiKey must be a string/ },
    {
      raise: () => build(withKey({ apiKey: `${KEY}\0` })),
      fields: { names: ['apiKey'] },
      message: /contains a NUL byte.*Pass a value that is UTF-8 text without NUL bytes/
    },
    {
      raise: () => build(withKey({ userEnvKeys: { B: `${SENTINEL}\0` } })),
      fields: { names: ['userEnvKeys', 'USER_B'] },
      message: /contains a NUL byte/
    }
  ],
  ERR_PROVIDER_PAYLOAD_TOO_LARGE: [
    {
      raise: () => build(json(`{"apiKey":"${KEY}"}`.padEnd(10 * 1024 * 1024 + 1))),
      message: /is 10485761 bytes long; the limit is 10485760/
    }
  ],
  ERR_PROVIDER_UNKNOWN: [
    { raise: () => build(withKey({ provider: SENTINEL })), fields: { names: ['provider'] }, message: /claude, codex/ },
    { raise: () => resolveProgram(/** @type {any} */ (SENTINEL)), fields: { names: ['provider'] }, message: /claude, codex/ }
  ],
  ERR_PROVIDER_CREDENTIAL_MISSING: [
    {
      raise: () => build(withKey({ apiKey: '' })),
      fields: { provider: 'claude', names: ['apiKey', 'oauthAccessToken'] },
      message:
        /Pass one of: payload\.apiKey, payload\.oauthAccessToken, options\.credentialStore, options\.serverCredentials.*claudeConfigDir/
    },
    {
      raise: () => build(withKey({ provider: 'codex', apiKey: '' })),
      fields: { provider: 'codex', names: ['apiKey'] },
      message: /no credential for OpenAI Codex/
    }
  ],
  ERR_PROVIDER_KEY_MALFORMED: [
    {
      raise: () => build(withKey({ apiKey: `${KEY}\n` })),
      fields: { provider: 'claude', names: ['apiKey'] },
      message: /contains white space/
    },
    { raise: () => build(withKey({ apiKey: `"${KEY}"` })), fields: { provider: 'claude', names: ['apiKey'] }, message: /quotation marks/ },
    {
      raise: () => build(withKey({ apiKey: `${KEY}é` })),
      fields: { provider: 'claude', names: ['apiKey'] },
      message: /characters that do not occur in a key/
    },
    {
      raise: () => build(withKey({ apiKey: KEY.padEnd(17_000, 'x') })),
      fields: { provider: 'claude', names: ['apiKey'] },
      message: /is 17000 bytes long/
    }
  ],
  ERR_PROVIDER_KEY_WRONG_PROVIDER: [
    {
      raise: () => build(withKey({ provider: 'codex', apiKey: `sk-ant-api03-${SENTINEL}` })),
      fields: { provider: 'codex', names: ['apiKey'] },
      message: /holds an Anthropic API key, which OpenAI Codex does not accept/
    }
  ],
  ERR_PROVIDER_CREDENTIAL_REVOKED: [
    {
      raise: () => {
        const env = build(withKey({ apiKey: `${KEY}-revoked-before` }))
        revoke(env)
        build(withKey({ apiKey: `${KEY}-revoked-before` }))
      },
      fields: { provider: 'claude' },
      message: /^The credential with the fingerprint [0-9a-f]{8} was revoked in this process\. Pass the credential that replaced it/
    },
    {
      raise: (t) => {
        const { env } = makeEnv(t, withKey({ apiKey: `${KEY}-revoked-after` }))
        revoke(env)
        startScript(env, ':')
      },
      fields: { provider: 'claude' },
      message: /was revoked/
    }
  ],
  ERR_PROVIDER_ENV_FORBIDDEN: [
    {
      raise: () => build(withKey({}), { set: { LD_PRELOAD: SENTINEL } }),
      fields: { names: ['LD_PRELOAD'] },
      message: /LD_PRELOAD.*can load code\. Omit it/
    },
    { raise: () => build(withKey({}), { set: { A: `${SENTINEL}\0` } }), fields: { names: ['A'] }, message: /NUL byte/ },
    { raise: () => build(withKey({})).get('USER_A'), fields: { names: ['USER_A'] }, message: /USER_A holds a secret/ }
  ],
  ERR_PROVIDER_ENV_TOO_LARGE: [
    {
      raise: () => build(withKey({ userEnvKeys: { A: SENTINEL.repeat(10_000) } })),
      fields: { names: ['USER_A'] },
      message: /allows 131072 bytes for one variable or argument, and USER_A has \d+/
    }
  ],
  ERR_PROVIDER_CREDENTIAL_SUPERSEDED: [
    {
      raise: () => {
        const credentialStore = CredentialStore.of('claude', KEY)
        const env = build({}, { credentialStore })
        credentialStore.rotate(`${KEY}2`)
        spawnProvider(env, { command: '/bin/true', cwd: '/', allowRoot: true })
      },
      fields: { provider: 'claude', names: ['credentialStore'] },
      message: /has a newer credential.*Build a new environment/
    }
  ],
  ERR_PROVIDER_CREDENTIAL_EXPIRED: [
    {
      raise: async (t) => build({}, { credentialStore: await expiredStore(t) }),
      fields: { provider: 'claude', names: ['credentialStore'] },
      message: /has expired\. Await credentialStore\.fresh\(\)/
    }
  ],
  ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE: [
    {
      raise: () => CredentialStore.open('claude', { dir: '/nowhere' }),
      fields: { path: '/nowhere', errno: -2, syscall: 'openat' },
      message: /cannot be opened/
    }
  ],
  ERR_PROVIDER_LOGIN_REQUIRED: [
    {
      raise: () => CredentialStore.open('codex', { dir: '/etc' }),
      fields: { path: '/etc/auth.json' },
      message: /does not run an interactive login/
    },
    {
      raise: async (t) => (await expiredStore(t, { refresh: '' })).fresh(),
      fields: { provider: 'claude' },
      message: /no refresh token\. Log in again/
    }
  ],
  ERR_PROVIDER_REFRESH_FAILED: [
    {
      raise: async (t) => (await expiredStore(t)).fresh(),
      fields: { provider: 'claude' },
      message: /returned no new tokens\. Nothing listens/
    }
  ],
  ERR_PROVIDER_PROGRAM_NOT_FOUND: [
    {
      raise: (t) => start(t, { command: '/nowhere/claude' }),
      fields: { errno: -2, syscall: 'spawn', path: '/nowhere/claude', provider: 'claude' },
      message: /no executable file at/
    }
  ],
  ERR_PROVIDER_PROGRAM_UNREACHABLE: [
    {
      raise: (t) => start(t, { command: '/etc/passwd' }),
      fields: { errno: -13, syscall: 'spawn', path: '/etc/passwd', provider: 'claude' },
      message: /cannot be run as uid.*mode 0\d{3}.*Install Claude Code system-wide/
    }
  ],
  ERR_PROVIDER_CA_FILE_UNUSABLE: [
    {
      raise: (t) => start(t, {}, {}, ':', { caFile: '/none.pem' }),
      fields: { path: '/none.pem', provider: 'claude', names: ['caFile'] },
      message: /^Claude Code was not started, because options\.caFile cannot be trusted or used: \/none\.pem: No such file/
    }
  ],
  ERR_PROVIDER_PROGRAM_OUTDATED: [
    {
      raise: (t) => start(t, { command: OLD }),
      fields: { path: OLD, provider: 'claude' },
      message: /is Claude Code 2\.0\.77, which is not supported: versions before \d.*Install \d+\.\d+\.\d+ or newer/
    }
  ],
  ERR_PROVIDER_STATE_DIR_UNUSABLE: [
    {
      raise: (t) => {
        const { env, homes } = makeEnv(t, withKey({ provider: 'codex' }))
        fs.rmdirSync(homes.codexHome)
        return outcome(startScript(env, ':')).then(({ error }) => {
          error.path = 'checked elsewhere'
          throw error
        })
      },
      fields: {
        errno: -2,
        syscall: 'faccessat',
        path: 'checked elsewhere',
        step: 'state-directory',
        provider: 'codex',
        names: ['CODEX_HOME']
      },
      message: /CODEX_HOME .* does not exist\. Create it/
    }
  ],
  ERR_PROVIDER_PRIVILEGE_REFUSED: [
    {
      raise: () => spawnProvider(build(withKey({})), { uid: 5 }),
      fields: { names: ['gid'] },
      message: /options\.uid requires options\.gid/
    }
  ],
  ERR_PROVIDER_PRIVILEGE_FAILED: [
    {
      skip: needsRoot,
      raise: async (t) => {
        const input = { workspace: workspaceOf(makeHomes({ uid: UID, test: t })), key: KEY }
        const body = `const child = main.spawnProvider(main.buildProviderEnv({ apiKey: input.key }, { workspace: input.workspace }), { command: '/bin/sh', uid: 5, gid: 5, args: [input.key.slice(3)] })
        await child.spawned.catch((error) => say({ ...error, message: error.message, names: error.names }))`
        const details = await startWorker(t, body, { main: copyPackage(t), input, spawn: { uid: UID, gid: UID, cwd: '/' } }).next()
        throw new ProviderError({ ...details, errno: -details.errno })
      },
      fields: { errno: -1, syscall: 'setgroups', step: 'groups', provider: 'claude' },
      message: /step groups: Operation not permitted.*Start the worker as root, or as the target/
    }
  ],
  ERR_PROVIDER_SPAWN_FAILED: [
    {
      raise: (t) => start(t, { cwd: '/nowhere' }),
      fields: { errno: -2, syscall: 'chdir', path: '/nowhere', step: 'working-directory', provider: 'claude' },
      message: /step working-directory \(\/nowhere\).*Create the directory, or name another in options\.cwd/
    }
  ],
  ERR_PROVIDER_UNSUPPORTED: [
    {
      raise: () => build({ provider: 'codex', oauthAccessToken: SENTINEL }),
      fields: { provider: 'codex', names: ['oauthAccessToken'] },
      message: /Pass payload\.apiKey instead/
    },
    {
      raise: (t) => start(t, { delivery: 'broker' }, { apiKey: undefined }, ':', { workspace: { claudeConfigDir: '/home/w/.claude' } }),
      fields: { provider: 'claude', names: ['delivery'] },
      message:
        /reads the login in its state directory itself, so the broker has no credential to add\. Open the login with CredentialStore\.open\(\), or use delivery "auto", with which the agent can read it\./
    },
    {
      raise: (t) => start(t, { delivery: 'fd' }, { provider: 'codex' }),
      fields: { provider: 'codex', names: ['delivery'] },
      message: /cannot read its api-key from a descriptor/
    },
    {
      raise: () => claudeAgentOptions(build(withKey({ provider: 'codex' }))),
      message: /needs an environment for claude, but this one is for codex/
    },
    {
      raise: () => codexOptions(build(withKey({ provider: 'codex' })), {}),
      fields: { names: ['exposeSecrets'] },
      message: /the session cookie and the values of userEnvKeys as JavaScript strings.*Pass exposeSecrets: true/
    },
    {
      raise: () => codexOptions(build({ provider: 'codex', apiKey: KEY }), { delivery: 'env' }),
      fields: { names: ['exposeSecrets'] },
      message: /needs the key as a JavaScript string.*Pass exposeSecrets: true/
    }
  ],
  ERR_PROVIDER_ABORTED: [
    { raise: (t) => start(t, { signal: AbortSignal.timeout(50) }), fields: { provider: 'claude' }, message: /^The run was aborted\.$/ }
  ],
  ERR_PROVIDER_TIMEOUT: [
    { raise: (t) => start(t, { timeoutMs: 50 }), fields: { provider: 'claude' }, message: /longer than options\.timeoutMs/ }
  ],
  ERR_PROVIDER_CREDENTIAL_MISMATCH: [
    {
      raise: (t) =>
        start(
          t,
          { usage: true, onCredentialMismatch: 'stop' },
          {},
          `echo '{"type":"system","subtype":"init","apiKeySource":"${ARGUMENT}"}'; exec sleep 60`
        ),
      fields: { provider: 'claude' },
      message: /a credential other than the one that it received, and was stopped\. Check its settings for an apiKeyHelper/
    }
  ],
  ERR_PROVIDER_UNSEAL_FAILED: [
    {
      raise: () =>
        new Lockbox({ masterKeys: [Buffer.alloc(32, 1)] }).open(
          { ciphertext: '\\x00', iv: Buffer.alloc(12), authTag: Buffer.alloc(16), keyMeta: `v2:${SENTINEL}` },
          { tenant: SENTINEL, purpose: 'p', name: 'n', rowVersion: 1 }
        ),
      message: /^The row does not open\. Its master key must be one of/
    },
    {
      raise: () =>
        new Lockbox({ masterKeys: [Buffer.alloc(32, 1)] }).open(
          { ciphertext: `${SENTINEL}`, iv: '', authTag: '', keyMeta: '' },
          { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
        ),
      fields: { names: ['ciphertext'] },
      message: /The row's ciphertext does not begin with \\x/
    },
    {
      raise: () =>
        build(withKey({ apiKey: `provider-env-sealed.v1.${SENTINEL}` }), {
          recipient: createRecipient(),
          requestId: 'r',
          workspace: { ...workspace, id: 'w' }
        }),
      message: /^A sealed secret does not open\./
    }
  ],
  ERR_PROVIDER_LOCKBOX_KEY_INVALID: [
    {
      raise: () => new Lockbox({ masterKeys: [Buffer.from(SENTINEL)] }),
      message: /It has 23 characters; a master key must be 32 bytes or 64 hex digits/
    },
    {
      raise: () => new Lockbox({ masterKeys: [{ file: '/nowhere/key' }] }),
      fields: { path: '/nowhere/key' },
      message: /cannot be read from \/nowhere\/key: No such file/
    },
    {
      raise: () => new Lockbox({ masterKeys: [{ env: 'NO_SUCH_VARIABLE' }] }),
      fields: { names: ['NO_SUCH_VARIABLE'] },
      message: /The environment has no variable NO_SUCH_VARIABLE/
    }
  ],
  ERR_PROVIDER_MEMORY_UNPROTECTED: [
    {
      skip: needsRoot,
      raise: async (t) => {
        const body = `try { main.Secret.from(Buffer.from(input), { requireLocked: true }) } catch (error) { say({ ...error, message: error.message }) }`
        // A uid without CAP_IPC_LOCK is held to its limit.
        const limited = {
          main: copyPackage(t),
          input: KEY,
          before: ['prlimit', '--memlock=4096:4096'],
          spawn: /** @type {any} */ ({ uid: UID, gid: UID, cwd: '/' })
        }
        const details = await startWorker(t, body, limited).next()
        throw new ProviderError({ ...details, errno: -details.errno })
      },
      fields: { errno: -12, syscall: 'mlock', names: ['locked'] },
      message: /lacks the protection "locked": mlock: Cannot allocate memory.*RLIMIT_MEMLOCK is 4096 bytes/
    }
  ],
  ERR_PROVIDER_BUSY: [
    {
      skip: needsRoot,
      raise: async (t) => {
        const body = `
        require('node:child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=1:1'])
        main.checkKey('codex', input, { baseUrl: 'http://127.0.0.1:1' }).then(() => say({}), (error) => say({ ...error, message: error.message }))`
        const limited = { main: copyPackage(t), input: KEY, spawn: /** @type {any} */ ({ uid: UID, gid: UID, cwd: '/' }) }
        const details = await startWorker(t, body, limited).next()
        throw new ProviderError({ ...details, errno: -details.errno })
      },
      fields: { errno: -11, syscall: 'pthread_create' },
      message: /cannot create a thread.*Try again later/
    }
  ],
  ERR_PROVIDER_DISPOSED: [
    {
      raise: () => {
        const env = build(withKey({}))
        env.dispose()
        env.exposeSecrets()
      },
      fields: { provider: 'claude' },
      message: /Build a new one with buildProviderEnv\(\)/
    }
  ],
  ERR_PROVIDER_INTERNAL: [
    {
      raise: () =>
        translate(() => {
          throw Object.assign(new Error(`panicked at ${SENTINEL}`), { code: 'GenericFailure' })
        }),
      message: /defect in @webalive\/provider-env.*no secrets/
    }
  ]
}

test('the table here has every code of the list in Rust, and the facade raises no other', () => {
  assert.ok(CODES.length >= 30, `${CODES.length} codes`)
  assert.deepEqual(Object.keys(CASES).sort(), CODES)
  const facade = fs
    .readdirSync(path.join(__dirname, '..', 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
  assert.deepEqual(inText([read('src', 'error.rs'), ...facade.map((file) => read('lib', file))].join()), CODES)
})

test('an error crosses as an object with every part, whatever is on Object.prototype', (t) => {
  for (const name of ['code', 'errno', 'path', 'step']) {
    Object.defineProperty(Object.prototype, name, { configurable: true, get: () => SENTINEL, set: () => {} })
    t.after(() => Reflect.deleteProperty(Object.prototype, name))
  }
  assert.throws(
    () => binding.revoke('none'),
    (/** @type {any} */ thrown) => {
      assert.equal(util.types.isNativeError(thrown), false, 'its stack would be made for nothing')
      assert.deepEqual(Object.keys(thrown).sort(), ['code', 'errno', 'message', 'names', 'path', 'provider', 'step', 'syscall'])
      assert.equal(thrown.code, 'ERR_INVALID_ARG_VALUE')
      return true
    }
  )
  for (const name of ['code', 'errno', 'path', 'step']) Reflect.deleteProperty(Object.prototype, name)
  assert.throws(
    () => resolveProgram(/** @type {any} */ (SENTINEL)),
    (/** @type {any} */ error) => {
      assert.deepEqual(Object.keys(error), ['code', 'names'], 'what is not known is left out')
      return error.stack.includes(__filename)
    }
  )
})

test('an error repeats no more than the addon’s limits, whichever side made it', () => {
  const limits = binding.errorLimits()
  const long = 'ä'.repeat(100_000)
  const made = new /** @type {any} */ (ProviderError)({
    code: 'ERR_PROVIDER_UNKNOWN',
    message: long,
    path: long,
    names: Array(1000).fill(long)
  })
  const bytes = [made.message, made.path, made.names[0]].map((text) => Buffer.byteLength(text))
  // A character of two bytes may not fit any more.
  for (const [index, most] of [limits.message, limits.path, limits.name].entries())
    assert.ok(bytes[index] <= most && bytes[index] > most - 8, `${bytes[index]} of ${most}`)
  assert.equal(made.names.length, limits.names)
  assert.throws(
    () => resolveProgram('claude', { command: `/nowhere/${long}` }),
    (/** @type {any} */ error) => {
      assert.ok(
        Buffer.byteLength(error.message) <= limits.message && Buffer.byteLength(error.path ?? '') <= limits.path,
        error.message.length
      )
      return true
    }
  )
})

test('docs/errors.md has a row for each code, and for no other', () => {
  const documented = [...read('docs', 'errors.md').matchAll(/^\| `(ERR_PROVIDER_[A-Z_]+)` \|/gm)].map(([, code]) => code)
  assert.deepEqual(documented.toSorted(), CODES)
})

test('docs/errors.md has each step that an error can name, in their order', () => {
  const steps = [...read('src', 'sys', 'step.rs').matchAll(/(?:\(Self::\w+,|^ {4}\w+ =) "([a-z-]+)"/gm)].map(([, name]) => name)
  assert.ok(steps.length >= 18, `${steps.length} steps`)
  const [, table = ''] = read('docs', 'errors.md').split('## Steps of a start')
  assert.deepEqual(
    [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, step]) => step),
    steps
  )
})

/** Every part of an error as text. @param {any} error */
function everything(error) {
  const fields = Object.fromEntries(Reflect.ownKeys(error).map((key) => [String(key), error[key]]))
  return [
    error.message,
    error.stack,
    String(error),
    JSON.stringify(fields),
    util.inspect(error, { depth: 9, showHidden: true, getters: true })
  ].join('\n')
}

for (const [code, cases] of Object.entries(CASES)) {
  for (const [index, { raise, fields, message, skip = needsLinux }] of cases.entries()) {
    test(`${code} (${index + 1})`, { skip }, async (t) => {
      const error = await (async () => raise(t))().then(
        () => assert.fail('nothing was thrown'),
        (/** @type {any} */ thrown) => thrown
      )
      assert.ok(error instanceof ProviderError && error instanceof Error, String(error))
      const { cause, ...own } = /** @type {any} */ (error)
      assert.deepEqual(own, { code, ...fields })
      assert.match(error.message, message)
      assert.equal(error.name, { ERR_PROVIDER_ABORTED: 'AbortError', ERR_PROVIDER_TIMEOUT: 'TimeoutError' }[code] ?? 'ProviderError')
      for (const text of [SENTINEL, ARGUMENT]) assert.ok(!everything(error).includes(text), everything(error))
    })
  }
}

test('wrong types and values are TypeErrors with Node’s own codes, and show no value either', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t, withKey({}))
  const ids = isRoot ? { uid: UID, gid: UID } : {}
  for (const [options, code, message] of /** @type {any[]} */ ([
    [{ args: SENTINEL }, 'ERR_INVALID_ARG_TYPE', /options\.args must be an array of strings/],
    [{ args: [`--key=${KEY}`] }, 'ERR_INVALID_ARG_VALUE', /options\.args\[0\] contains this launch's credential/],
    [{ args: [`${SENTINEL}\0`] }, 'ERR_INVALID_ARG_VALUE', /options\.args\[0\] contains a NUL/],
    [{ args: ['--setting-sources=project'] }, 'ERR_INVALID_ARG_VALUE', /--setting-sources with project or local/],
    [{ cwd: '' }, 'ERR_INVALID_ARG_VALUE', /options\.cwd must be a path/],
    [{ command: `/${SENTINEL}\0` }, 'ERR_INVALID_ARG_VALUE', /options\.command must be a path/],
    [{ umask: 0o1000 }, 'ERR_INVALID_ARG_VALUE', /options\.umask must be a whole number from 0 to 511/],
    [{ stdio: [SENTINEL, 'pipe', 'pipe'] }, 'ERR_INVALID_ARG_VALUE', /options\.stdio\[0\] must be 'pipe'/],
    [{ stdio: ['pipe'] }, 'ERR_INVALID_ARG_VALUE', /an array of three elements/],
    [{ stdio: ['pipe', 'pipe', 999_999] }, 'ERR_INVALID_ARG_VALUE', /the descriptor 999999, which is not open/],
    [{ signal: SENTINEL }, 'ERR_INVALID_ARG_TYPE', /options\.signal must be an AbortSignal/],
    [{ signal: { aborted: false } }, 'ERR_INVALID_ARG_TYPE', /options\.signal must be an AbortSignal/],
    [{ timeoutMs: -1 }, 'ERR_INVALID_ARG_VALUE', /options\.timeoutMs must be from 0 to \d+ milliseconds/],
    [{ killSignal: SENTINEL }, 'ERR_UNKNOWN_SIGNAL', /signal does not exist/],
    [{ limits: { coreBytes: 1.5 } }, 'ERR_INVALID_ARG_VALUE', /options\.limits\.coreBytes must be a whole number/],
    [{ delivery: SENTINEL }, 'ERR_INVALID_ARG_VALUE', /options\.delivery must be one of/],
    [{ workspaceTrust: SENTINEL }, 'ERR_INVALID_ARG_VALUE', /options\.workspaceTrust must be one of/]
  ])) {
    assert.throws(
      () => spawnProvider(env, { command: '/bin/sh', ...ids, ...options }),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof TypeError && error.code === code, `${error.code}: ${error.message}`)
        assert.match(error.message, message)
        for (const text of [SENTINEL, ARGUMENT]) assert.ok(!everything(error).includes(text), everything(error))
        return true
      }
    )
  }
})
