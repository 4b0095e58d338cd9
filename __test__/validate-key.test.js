// validateKey(): the corpus and its verdicts, the same from every form of input and from buildProviderEnv; no echo of any input.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const util = require('node:util')
const {
  CredentialStore,
  Lockbox,
  ProviderError,
  Secret,
  buildProviderEnv,
  checkKey,
  createRecipient,
  takeServerCredentials,
  validateKey
} = require('../index.js')
const { startMockApi } = require('./support/mock-api/index.js')
const { makeHomes } = require('./support/homes.js')
const { writeLogin } = require('./support/token-endpoint.js')
const { rows } = require('./fixtures/key-shapes.json')

const CHARACTERS = 'aB3dE5gH7jK9mN2pQ4sT6vW8'
/** `{n}` is n made-up characters. @param {string} pattern */
const expand = (pattern) =>
  pattern.replace(/\{(\d+)\}/g, (_, count) => CHARACTERS.repeat(Math.ceil(count / CHARACTERS.length)).slice(0, Number(count)))
const CORPUS = rows.map(([provider, kind, pattern, code, className, belongsTo]) => ({
  provider,
  kind,
  pattern,
  key: expand(String(pattern)),
  code,
  class: className,
  belongsTo
}))
/** @type {Record<string, string>} */
const FIELDS = { 'api-key': 'apiKey', 'oauth-token': 'oauthAccessToken' }
const workspace = { home: '/home/w' }

/** @param {any} row @param {any} [input] @returns {any} */
const look = ({ provider, kind, key }, input = key) => validateKey(provider, input, { kind })

/** What buildProviderEnv says of it. @param {any} row */
function built({ provider, kind, key }) {
  try {
    buildProviderEnv({ provider, [FIELDS[kind]]: key }, { workspace }).dispose()
    return 'taken'
  } catch (error) {
    return /** @type {any} */ (error).code
  }
}

test('every made-up key of the corpus has its verdict', () => {
  assert.ok(CORPUS.length > 100)
  for (const row of CORPUS) {
    const { code, class: found, belongsTo, provider, ...rest } = look(row)
    assert.deepEqual(
      { code, class: found, belongsTo, provider },
      { code: row.code, class: row.class, belongsTo: row.belongsTo, provider: row.provider },
      row.pattern
    )
    assert.equal(rest.fingerprint === null, rest.verdict === 'invalid', row.pattern)
    assert.equal(rest.className === null, found === null)
    assert.match(rest.message, /^[A-Z].{10,}\.$/)
    assert.doesNotMatch(rest.message, /[{}]/, 'a word that was not put in')
  }
})

test('the types name every code and every class of the corpus, and no other', () => {
  const text = fs.readFileSync(path.join(__dirname, '..', 'index.d.ts'), 'utf8')
  const union = (/** @type {string} */ name) => {
    const body = text.slice(text.indexOf(`export type ${name} =`)).split(/\n(?! )/, 1)[0]
    return [...body.matchAll(/^ {2}\| '([^']+)'/gm)].map(([, word]) => word).sort()
  }
  const inCorpus = (/** @type {'code' | 'class'} */ field) => [...new Set(CORPUS.map((row) => row[field]).filter(Boolean))].sort()
  assert.deepEqual(union('KeyFindingCode'), inCorpus('code'))
  assert.deepEqual(union('KeyClass'), inCorpus('class'))
})

test('docs/credentials.md has every code', () => {
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'credentials.md'), 'utf8')
  for (const { code } of CORPUS) assert.ok(text.includes(`\`${code}\``), String(code))
})

test('buildProviderEnv refuses what is invalid, and takes the rest', () => {
  /** Texts that are recognized before the shape is looked at. @type {Record<string, string>} */
  const otherwise = {
    empty: 'ERR_PROVIDER_CREDENTIAL_MISSING',
    sealed: 'ERR_PROVIDER_PAYLOAD_INVALID',
    'kind-not-taken': 'ERR_PROVIDER_UNSUPPORTED'
  }
  const wrong = ['wrong-provider', 'wrong-kind', 'not-for-launch']
  for (const row of CORPUS) {
    const { verdict, code } = look(row)
    const refused = wrong.includes(code) ? 'ERR_PROVIDER_KEY_WRONG_PROVIDER' : 'ERR_PROVIDER_KEY_MALFORMED'
    const expected = verdict !== 'invalid' ? 'taken' : (otherwise[code] ?? refused)
    // A NUL is refused with the payload; a token for Codex before anybody looks at it.
    const before = row.key.includes('\0')
      ? 'ERR_PROVIDER_PAYLOAD_INVALID'
      : row.provider === 'codex' && row.kind === 'oauth-token'
        ? 'ERR_PROVIDER_UNSUPPORTED'
        : expected
    assert.equal(built(row), before, row.pattern)
  }
})

test('what is malformed is malformed wherever a key is taken, and sent nowhere', async (t) => {
  const mock = await startMockApi()
  t.after(() => mock.close())
  const { claudeConfigDir: dir } = makeHomes({ test: t })
  const malformed = { code: 'ERR_PROVIDER_KEY_MALFORMED' }
  // An empty one is none, and one that is longer than any key is none of a login's.
  const rows = CORPUS.filter(
    ({ code, provider, key }) => !['empty', 'too-long'].includes(code) && built({ provider, kind: 'api-key', key }) === malformed.code
  )
  assert.ok(rows.length > 60)
  for (const { provider, pattern, key } of rows) {
    assert.throws(() => CredentialStore.of(provider, key), malformed, pattern)
    const check = await checkKey(provider, key, { baseUrl: mock.baseUrls[/** @type {'claude' | 'codex'} */ (provider)] })
    assert.deepEqual([check.outcome, check.reason], ['invalid', 'malformed'], pattern)
    process.env[provider === 'claude' ? 'ANTHROPIC_API_KEY' : 'OPENAI_API_KEY'] = key
    assert.throws(() => takeServerCredentials(), malformed, pattern)
    delete process.env.ANTHROPIC_API_KEY
    delete process.env.OPENAI_API_KEY
    // With a refresh token beside it, it is opened to be refreshed.
    writeLogin(dir, 'claude', { access: key, refresh: '', expiresAt: Date.now() + 3_600_000 })
    await assert.rejects(CredentialStore.open('claude', { dir }), malformed, pattern)
    const seal = () => Secret.from(Buffer.from(key)).sealFor(createRecipient().publicKey, { workspace: 'w', field: 'apiKey', request: 'r' })
    assert.throws(seal, malformed, pattern)
  }
  assert.equal(mock.requests.length, 0)
})

test('a string, bytes, JSON’s bytes and a handle are one and the same', () => {
  for (const row of CORPUS.filter(({ key }) => key !== '')) {
    const expected = look(row)
    const bytes = Buffer.from(new TextEncoder().encode(row.key).buffer)
    const handle = Secret.from(Buffer.from(row.key))
    assert.deepEqual(look(row, handle), expected)
    assert.equal(handle.disposed, false)
    assert.deepEqual(look(row, bytes), expected)
    assert.ok(
      bytes.every((byte) => byte === 0),
      'consumed'
    )
  }
})

test('the fingerprint is that of the environment, the handle and the server', () => {
  const key = expand('sk-ant-api03-{93}AA')
  const { fingerprint } = validateKey('claude', key)
  const env = buildProviderEnv({ apiKey: key }, { workspace })
  assert.match(String(fingerprint), /^[0-9a-f]{8}$/)
  assert.equal(env.credential.fingerprint, fingerprint)
  assert.equal(Secret.from(Buffer.from(key)).fingerprint, fingerprint)
  process.env.ANTHROPIC_API_KEY = key
  const server = takeServerCredentials()
  assert.equal(server.fingerprint('claude'), fingerprint)
})

test('a sealed secret is named, whole', () => {
  const context = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
  const lockbox = new Lockbox({ masterKeys: [Buffer.alloc(32, 7)] })
  const row = lockbox.seal(Buffer.from('made-up'), context)
  const sealed = lockbox.unsealFor(row, context, createRecipient().publicKey, { workspace: 'w', field: 'apiKey', request: 'r' })
  assert.equal(validateKey('claude', sealed).code, 'sealed')
})

test('what is no input is refused with nothing of it, and bytes are consumed all the same', () => {
  const gone = Secret.from(Buffer.from('made-up'))
  gone.dispose()
  const secret = 'sentinel-of-this-test'
  for (const [args, code] of /** @type {[any[], string][]} */ ([
    [['other', secret], 'ERR_PROVIDER_UNKNOWN'],
    [[secret, 'x'], 'ERR_PROVIDER_UNKNOWN'],
    [[undefined, secret], 'ERR_INVALID_ARG_VALUE'],
    [[5, secret], 'ERR_INVALID_ARG_TYPE'],
    [['claude', [secret]], 'ERR_INVALID_ARG_TYPE'],
    [['claude', null], 'ERR_INVALID_ARG_TYPE'],
    [['claude', new Uint16Array(3)], 'ERR_INVALID_ARG_TYPE'],
    [['claude', secret, { kind: secret }], 'ERR_INVALID_ARG_VALUE'],
    [['claude', secret, { kinds: 1 }], 'ERR_INVALID_ARG_VALUE'],
    [['claude', secret, null], 'ERR_INVALID_ARG_TYPE'],
    [['claude', Buffer.alloc(40)], 'ERR_INVALID_ARG_VALUE'],
    [['claude', gone], 'ERR_PROVIDER_DISPOSED']
  ])) {
    assert.throws(
      () => /** @type {any} */ (validateKey)(...args),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof TypeError || error instanceof ProviderError)
        assert.equal(error.code, code)
        assert.ok(!util.inspect(error, { depth: 9, showHidden: true }).replaceAll(__filename, '').includes(secret))
        return true
      }
    )
  }
  for (const options of [{ kind: 'x' }, undefined]) {
    const bytes = Buffer.from(secret.repeat(9))
    assert.throws(() => validateKey(/** @type {any} */ ('other'), bytes, /** @type {any} */ (options)))
    assert.ok(bytes.every((byte) => byte === 0))
  }
})

/** A generator with a seed, so that a failure can be repeated (xorshift32). @param {number} seed */
function random(seed) {
  let state = seed || 1
  return (/** @type {number} */ below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const PIECES = [
  ...new Set(CORPUS.map(({ key }) => String(key).slice(0, 14))),
  '=',
  'Bearer ',
  '\u{feff}',
  'é',
  '𝕜',
  '\ud800',
  '"',
  ' ',
  '***',
  'x'.repeat(30),
  '.eyJ',
  'T3BlbkFJ',
  'your-'
]

test('no random input panics or is echoed, in a verdict or an error', (t) => {
  const seed = process.env.SEED ? Number(process.env.SEED) : Date.now() % 2 ** 31
  t.diagnostic(`SEED=${seed}`)
  const next = random(seed)
  // What is ours: prefixes and words that a sentence may have on its own account are no echo.
  const odd = ['claude', 'codex'].flatMap((provider) =>
    Object.keys(FIELDS).flatMap((kind) => ['', '\ud800'].map((key) => ({ provider, kind, key })))
  )
  const ours = new Set(
    [...CORPUS, ...odd]
      .flatMap((row) => [look(row).message, row.provider, row.kind, row.code, row.class, row.belongsTo, ...messagesOf(row)])
      .filter(Boolean)
  )
  const vocabulary = [...ours, ...odd.flatMap((row) => texts(look(row))), 'ok', 'warning', 'invalid'].join('\n')
  let checked = 0
  for (let turn = 0; turn < 3000; turn += 1) {
    const key = Array.from({ length: next(6) }, () => (next(2) ? PIECES[next(PIECES.length)] : letters(next))).join('')
    const provider = next(2) ? 'claude' : 'codex'
    const kind = next(4) ? 'api-key' : 'oauth-token'
    const { fingerprint, ...seen } = look({ provider, kind, key })
    const shown = [...texts(seen), ...messagesOf({ provider, kind, key })].join('\n')
    for (let at = 0; at + 4 <= key.length; at += 1) {
      const window = key.slice(at, at + 4)
      if (vocabulary.includes(window)) continue
      checked += 1
      assert.ok(!shown.includes(window), `${seen.code} shows ${JSON.stringify(window)}`)
    }
    assert.ok(fingerprint === null || /^[0-9a-f]{8}$/.test(fingerprint))
  }
  assert.ok(checked > 20_000, `${checked} windows`)
})

/** All that an object shows; not as JSON, whose own marks a random key can have. @param {any} value @returns {string[]} */
function texts(value) {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [String(value)]
}

/** @param {(below: number) => number} next */
function letters(next) {
  return Array.from({ length: next(40) }, () => String.fromCharCode(33 + next(94))).join('')
}

/** Every text of the error that buildProviderEnv refuses it with. @param {any} row @returns {string[]} */
function messagesOf({ provider, kind, key }) {
  try {
    buildProviderEnv({ provider, [FIELDS[kind]]: key }, { workspace }).dispose()
    return []
  } catch (error) {
    const { stack, ...rest } = /** @type {any} */ (error)
    return [String(error), ...texts(rest), String(stack).split('\n    at ', 1)[0]]
  }
}
