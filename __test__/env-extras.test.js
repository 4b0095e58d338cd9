// `inherit`, `set` and the base names of buildProviderEnv(), what they may not say, and the kernel's limits.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { buildProviderEnv } = require('../index.js')
const { makeEnv, run } = require('./support/launch.js')

const payload = { apiKey: 'sk-made-up-api' }
const workspace = { home: '/home/w', tmpDir: '/tmp/w' }
const build = (/** @type {any} */ options) => buildProviderEnv(payload, { workspace, ...options })

/** Sets variables of this process for the length of a test. */
function setOwn(/** @type {any} */ t, /** @type {Record<string, string>} */ values) {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]))
  Object.assign(process.env, values)
  t.after(() => {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })
}

test('nothing of process.env passes but base names and what inherit names', (t) => {
  setOwn(t, {
    MADE_UP_ONE: '1',
    MADE_UP_TWO: '2',
    TZ: 'UTC',
    LC_TIME: 'C',
    NODE_ENV: 'test',
    ANTHROPIC_API_KEY: 'sk-of-the-server',
    USER_LEFTOVER: 'of another'
  })
  const env = build({ inherit: ['MADE_UP_ONE', 'MADE_UP_ABSENT'] })
  const variables = env.exposeSecrets()
  assert.deepEqual([variables.MADE_UP_ONE, variables.TZ, variables.LC_TIME, variables.NODE_ENV], ['1', 'UTC', 'C', 'test'])
  for (const name of ['MADE_UP_TWO', 'MADE_UP_ABSENT', 'USER_LEFTOVER']) assert.equal(Object.hasOwn(variables, name), false, name)
  assert.equal(variables.ANTHROPIC_API_KEY, payload.apiKey)
  env.dispose()
})

test('set takes the place of a base name and of an inherited one', (t) => {
  setOwn(t, { TZ: 'UTC', MADE_UP_ONE: '1' })
  const env = build({ inherit: ['MADE_UP_ONE'], set: { TZ: 'Asia/Tokyo', MADE_UP_ONE: 'one', PATH: '/opt/bin', GONE: undefined } })
  assert.deepEqual([env.get('TZ'), env.get('MADE_UP_ONE'), env.get('PATH'), env.get('GONE')], ['Asia/Tokyo', 'one', '/opt/bin', undefined])
  env.dispose()
})

/** Names that neither `inherit` nor `set` may contain, and the reason that is reported. */
const FORBIDDEN = /** @type {[string, RegExp][]} */ ([
  ...[
    'LD_PRELOAD',
    'ld_library_path',
    'DYLD_INSERT_LIBRARIES',
    'NODE_OPTIONS',
    'BUN_OPTIONS',
    'NAPI_RS_NATIVE_LIBRARY_PATH',
    'BASH_ENV',
    'SHELL'
  ].map((name) => [name, /can load code/]),
  ...[
    'HTTPS_PROXY',
    'http_proxy',
    'ANTHROPIC_BASE_URL',
    'OPENAI_BASE_URL',
    'NODE_EXTRA_CA_CERTS',
    'CODEX_CA_CERTIFICATE',
    'ssl_cert_file'
  ].map((name) => [name, /redirect or expose traffic/]),
  ...['RUST_LOG', 'NODE_DEBUG', 'OTEL_LOG_USER_PROMPTS'].map((name) => [name, /disclose a key/]),
  ...['CLAUDE_CODE_REMOTE', 'CLAUDE_CODE_USE_BEDROCK'].map((name) => [name, /another service or mode/]),
  ...[
    'ANTHROPIC_API_KEY',
    'openai_api_key',
    'CLAUDE_CODE_OAUTH_TOKEN',
    'AWS_PROFILE',
    'LOCKBOX_MASTER_KEY',
    'DATABASE_URL',
    'MY_SECRET_THING'
  ].map((name) => [name, /can carry a credential/]),
  ['USER_X', /can only come from payload\.userEnvKeys/],
  ['', /not a valid name of a variable/],
  ['A=B', /not a valid name of a variable/],
  ['A\0B', /not a valid name of a variable/]
])

test('forbidden names are refused by name, in inherit and in set, also where they are absent', () => {
  for (const [name, why] of FORBIDDEN) {
    for (const options of [{ inherit: [name] }, { set: { [name]: 'sentinel-value' } }]) {
      assert.throws(
        () => build(options),
        (/** @type {any} */ error) => {
          assert.deepEqual([error.code, error.names], ['ERR_PROVIDER_ENV_FORBIDDEN', [name]])
          assert.match(error.message, why)
          if (/CA_CERT|SSL_CERT/i.test(name)) assert.match(error.message, /or pass the certificate authority in options\.caFile\.$/)
          assert.doesNotMatch(error.message, /sentinel-value/)
          return true
        }
      )
    }
  }
})

test('what this package sets cannot be set again, and no value can have a NUL', () => {
  // Each that docs/providers.md names, and no other of ours: the agent's own programs have ALIVE_ variables too.
  const docs = fs.readFileSync(path.join(__dirname, '..', 'docs', 'providers.md'), 'utf8')
  const sentence = docs.match(/Names that this package sets\*\* cannot be in `inherit` or `set`: ([^.]*)\./)?.[1] ?? ''
  const ours = [...sentence.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)
  assert.equal(ours.length, 11)
  for (const name of ours) {
    assert.throws(() => build({ set: { [name]: '/x' } }), {
      code: 'ERR_PROVIDER_ENV_FORBIDDEN',
      message: /is set by this package/,
      names: [name]
    })
  }
  const { names } = build({ workspace: { ...workspace, dir: '/w', key: 'k', id: 'i', userId: 'u' } })
  assert.deepEqual(
    names.filter((name) => name.startsWith('ALIVE_') && !ours.includes(name)),
    [],
    'every name of ours is in the docs'
  )
  assert.equal(build({ set: { ALIVE_API_URL: 'https://api.example' } }).get('ALIVE_API_URL'), 'https://api.example')
  assert.throws(() => build({ set: { A: 'x\0y' } }), {
    code: 'ERR_PROVIDER_ENV_FORBIDDEN',
    message: /value of A in options\.set contains a NUL/
  })
  assert.throws(() => build({ workspace: { home: '/a\0b' } }), { code: 'ERR_INVALID_ARG_VALUE', message: /workspace\.home contains a NUL/ })
})

/** Options of a wrong type or value. */
const INVALID = /** @type {any[]} */ ([
  [{ inherit: 'PATH' }, 'ERR_INVALID_ARG_TYPE', /options\.inherit must be an array of strings/],
  [{ inherit: [1] }, 'ERR_INVALID_ARG_TYPE', /options\.inherit\[0\] must be a string/],
  [{ set: ['A'] }, 'ERR_INVALID_ARG_TYPE', /options\.set must be an object/],
  [{ workspace: 'dir' }, 'ERR_INVALID_ARG_TYPE', /options\.workspace must be an object/],
  [{ workspace: { codexHome: 5 } }, 'ERR_INVALID_ARG_TYPE', /options\.workspace\.codexHome must be a string/],
  [{ workspace: { home: 'rel' } }, 'ERR_INVALID_ARG_VALUE', /workspace\.home must be an absolute path/],
  [{ workspace: { home: '/h', claudeConfigDir: 'rel' } }, 'ERR_INVALID_ARG_VALUE', /workspace\.claudeConfigDir must be an absolute path/],
  ...['example.com', 'ftp://a', 'http://', 'http:///x', 'https://u:p@h', 'https://h?q', 'https://h#f', 'https://h /', 'https://h\n'].map(
    (baseUrl) => [{ baseUrl }, 'ERR_INVALID_ARG_VALUE', /options\.baseUrl must be/]
  )
])

test('options of a wrong type or value are refused by name', () => {
  for (const [options, code, message] of INVALID) assert.throws(() => build(options), { code, message }, JSON.stringify(options))
})

test('HOME is needed, and its absence named', (t) => {
  const { HOME } = process.env
  t.after(() => {
    if (HOME !== undefined) process.env.HOME = HOME
  })
  delete process.env.HOME
  assert.throws(() => buildProviderEnv(payload), {
    code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE',
    message: /needs HOME.*options\.workspace\.home/,
    names: ['HOME']
  })
})

test('one string: the kernel takes exactly what is let through', async (t) => {
  // MAX_ARG_STRLEN: name, "=", value and NUL.
  const most = 128 * 1024 - 'USER_A'.length - 2
  const { env } = makeEnv(t, { userEnvKeys: { A: 'x'.repeat(most) } })
  assert.equal((await run(env, 'printf %s "$USER_A" | wc -c')).stdout.trim(), String(most))
  const more = { userEnvKeys: { A: 'x'.repeat(most + 1) } }
  assert.throws(() => makeEnv(t, more), {
    code: 'ERR_PROVIDER_ENV_TOO_LARGE',
    message: /allows 131072 bytes for one variable or argument, and USER_A has 131073/,
    names: ['USER_A']
  })
})

test('all strings together: what is let through starts, and what is not is refused before', async (t) => {
  const fill = (/** @type {number} */ count) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, 'x'.repeat(130_000)]))
  let count = 1
  const fits = () => {
    try {
      buildProviderEnv({ ...payload, userEnvKeys: fill(count + 1) }, { workspace }).dispose()
      return true
    } catch (error) {
      assert.equal(/** @type {any} */ (error).code, 'ERR_PROVIDER_ENV_TOO_LARGE')
      assert.match(/** @type {any} */ (error).message, /bytes long together; this system allows \d+\./)
      return false
    }
  }
  while (fits()) assert.ok((count += 1) < 100, 'there is a limit')
  const { env } = makeEnv(t, { userEnvKeys: fill(count) })
  assert.equal((await run(env, `printf %s "$USER_V${count - 1}" | wc -c`)).stdout.trim(), '130000')
})

test('a start whose arguments go over the limit says so', async (t) => {
  const { env } = makeEnv(t)
  await assert.rejects(run(env, ':', { args: ['x'.repeat(131_072)] }), {
    code: 'ERR_PROVIDER_ENV_TOO_LARGE',
    message: /and one of options\.args has 131073\./
  })
  await assert.rejects(run(env, ':', { args: Array(80).fill('x'.repeat(100_000)) }), {
    code: 'ERR_PROVIDER_ENV_TOO_LARGE',
    message: /bytes long together/
  })
})
