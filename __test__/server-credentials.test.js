// takeServerCredentials() in its own process, whose environment is read from outside: /proc/PID/environ.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { fork } = require('node:child_process')
const test = require('node:test')
const { needsLinux } = require('./support/launch.js')

const CLAUDE = 'sk-ant-api03-server-sentinel'
const CODEX = 'sk-proj-server-sentinel'
const OTHER = 'sk-svcacct-server-sentinel'
const NAMES = ['ANTHROPIC_API_KEY', 'CODEX_API_KEY', 'OPENAI_API_KEY']

/**
 * A server with these variables beside the usual ones.
 * @param {{ after(fn: () => void): void }} t
 * @param {Record<string, string>} keys
 */
function startServer(t, keys) {
  const { PATH = '', HOME = '/' } = process.env
  const server = fork(path.join(__dirname, 'fixtures', 'server.js'), { env: { PATH, HOME, BEFORE: 'kept-1', ...keys, BEHIND: 'kept-2' } })
  t.after(() => server.kill('SIGKILL'))
  const ask = (/** @type {string} */ command, /** @type {any} */ argument) =>
    new Promise((resolve, reject) => {
      server.once('message', (/** @type {any} */ { answer, error }) =>
        error ? reject(Object.assign(new Error(error.message), error)) : resolve(answer)
      )
      server.send({ command, argument })
    })
  return {
    ask: /** @type {(command: string, argument?: any) => Promise<any>} */ (ask),
    block: () => fs.readFileSync(`/proc/${server.pid}/environ`, 'latin1')
  }
}

test('keys and names leave process.env and the block that the kernel shows', { skip: needsLinux }, async (t) => {
  const { ask, block } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE, OPENAI_API_KEY: CODEX })
  await ask('names')
  for (const text of [`ANTHROPIC_API_KEY=${CLAUDE}`, `OPENAI_API_KEY=${CODEX}`]) assert.ok(block().includes(text), 'it is there before')
  const { providers, names, shown } = await ask('take')
  assert.deepEqual(
    [providers, names.sort()],
    [
      ['claude', 'codex'],
      ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY']
    ]
  )
  assert.doesNotMatch(shown, /sentinel/)
  for (const text of ['sentinel', ...NAMES]) assert.ok(!block().includes(text), `${text} in /proc/PID/environ`)
  for (const text of ['BEFORE=kept-1', 'BEHIND=kept-2']) assert.ok(block().includes(text), 'its neighbours are not touched')
  const left = await ask('names')
  assert.deepEqual([NAMES.filter((name) => left.includes(name)), left.includes('BEHIND')], [[], true])
  assert.doesNotMatch(await ask('childNames'), /sentinel|_API_KEY/)
})

test('they are a fallback only where they are handed in, and behind the payload', { skip: needsLinux }, async (t) => {
  const { ask } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE, CODEX_API_KEY: CODEX, OPENAI_API_KEY: OTHER })
  const { prints } = await ask('take')
  for (const provider of ['claude', 'codex']) {
    await assert.rejects(ask('build', { payload: { provider } }), {
      code: 'ERR_PROVIDER_CREDENTIAL_MISSING',
      message: /There is no credential for/
    })
  }
  const claude = await ask('build', { payload: {}, from: 0 })
  assert.deepEqual(
    [claude.apiKeySource, claude.source, claude.fingerprint, claude.variables.ANTHROPIC_API_KEY],
    ['server', 'server', prints[0], CLAUDE]
  )
  const codex = await ask('build', { payload: { provider: 'codex' }, from: 0 })
  assert.deepEqual(
    [codex.variables.CODEX_API_KEY, codex.variables.OPENAI_API_KEY, codex.fingerprint],
    [CODEX, CODEX, prints[1]],
    'CODEX_API_KEY comes first'
  )
  const own = await ask('build', { payload: { apiKey: 'sk-of-the-tenant' }, from: 0 })
  assert.deepEqual([own.apiKeySource, own.variables.ANTHROPIC_API_KEY], ['user', 'sk-of-the-tenant'])
  await assert.rejects(ask('build', { payload: { provider: 'codex', oauthAccessToken: 'sk-ant-oat01-x' }, from: 0 }), {
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: /cannot pass payload\.oauthAccessToken/
  })
  await ask('dispose', 0)
  await assert.rejects(ask('build', { payload: {}, from: 0 }), {
    code: 'ERR_PROVIDER_DISPOSED',
    message: /options\.serverCredentials was disposed of/
  })
})

test('a variable that JavaScript overwrote: the new value is taken, and the old one wiped too', { skip: needsLinux }, async (t) => {
  const { ask, block } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE })
  await ask('set', { ANTHROPIC_API_KEY: 'sk-ant-api03-newer' })
  assert.ok(block().includes(CLAUDE), 'the initial block has the old value for as long as nobody wipes it')
  await ask('take')
  assert.ok(!block().includes('sentinel') && !block().includes('ANTHROPIC_API_KEY'))
  assert.equal((await ask('build', { payload: {}, from: 0 })).variables.ANTHROPIC_API_KEY, 'sk-ant-api03-newer')
})

test('a second call finds nothing, and the first one’s keys stay', { skip: needsLinux }, async (t) => {
  const { ask } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE })
  await ask('take')
  assert.deepEqual((({ providers, names, prints }) => ({ providers, names, prints }))(await ask('take')), {
    providers: [],
    names: [],
    prints: [null, null]
  })
  await assert.rejects(ask('build', { payload: {}, from: 1 }), {
    code: 'ERR_PROVIDER_CREDENTIAL_MISSING',
    message: /no credential for Claude Code/
  })
  assert.equal((await ask('build', { payload: {}, from: 0 })).variables.ANTHROPIC_API_KEY, CLAUDE)
})

test('rotation: set again, taken again, and each handle has its own', { skip: needsLinux }, async (t) => {
  const { ask, block } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE })
  const first = await ask('take')
  await ask('set', { ANTHROPIC_API_KEY: 'sk-ant-api03-rotated' })
  const second = await ask('take')
  assert.notEqual(first.prints[0], second.prints[0])
  assert.ok(!(await ask('names')).includes('ANTHROPIC_API_KEY') && !block().includes('rotated'))
  const key = async (/** @type {number} */ from) => (await ask('build', { payload: {}, from })).variables.ANTHROPIC_API_KEY
  assert.deepEqual([await key(0), await key(1)], [CLAUDE, 'sk-ant-api03-rotated'])
})

test('a worker thread is refused, and nothing is taken', { skip: needsLinux }, async (t) => {
  const { ask, block } = startServer(t, { ANTHROPIC_API_KEY: CLAUDE })
  const { code, message } = await ask('thread')
  assert.equal(code, 'ERR_PROVIDER_UNSUPPORTED')
  assert.match(message, /on the main thread only.*before you start worker threads/)
  assert.ok((await ask('names')).includes('ANTHROPIC_API_KEY') && block().includes(CLAUDE))
})

/** Keys of which one cannot be, the code and what its message says. */
const REFUSED = /** @type {any[]} */ ([
  [
    { ANTHROPIC_API_KEY: 'two sentinel words', OPENAI_API_KEY: CODEX },
    'ERR_PROVIDER_KEY_MALFORMED',
    /ANTHROPIC_API_KEY contains white space/
  ],
  [
    { ANTHROPIC_API_KEY: CLAUDE, OPENAI_API_KEY: 'sentinel\u00e9' },
    'ERR_PROVIDER_KEY_MALFORMED',
    /OPENAI_API_KEY contains characters that do not occur in a key/
  ],
  [
    { ANTHROPIC_API_KEY: 'undefined' },
    'ERR_PROVIDER_KEY_MALFORMED',
    /ANTHROPIC_API_KEY is a word that programs print when a value is missing/
  ],
  [
    { ANTHROPIC_API_KEY: CLAUDE, CODEX_API_KEY: 'op://sentinel/item' },
    'ERR_PROVIDER_KEY_MALFORMED',
    /CODEX_API_KEY is the name of a key or the place where a key is kept/
  ],
  [{ ANTHROPIC_API_KEY: `${CLAUDE},` }, 'ERR_PROVIDER_KEY_MALFORMED', /ANTHROPIC_API_KEY begins or ends with punctuation/],
  [{ ANTHROPIC_API_KEY: CODEX }, 'ERR_PROVIDER_KEY_WRONG_PROVIDER', /ANTHROPIC_API_KEY holds an OpenAI project key/]
])

test('one bad key: it is named, and none is taken', { skip: needsLinux }, async (t) => {
  for (const [keys, code, pattern] of REFUSED) {
    const { ask, block } = startServer(t, keys)
    await assert.rejects(ask('take'), (/** @type {any} */ error) => {
      assert.equal(error.code, code)
      assert.match(error.message, pattern)
      assert.doesNotMatch(JSON.stringify(error) + error.message, /sentinel/)
      return true
    })
    const names = await ask('names')
    for (const name of Object.keys(keys)) assert.ok(names.includes(name) && block().includes(`${name}=`), name)
  }
})

test('an empty variable is no key', { skip: needsLinux }, async (t) => {
  const { ask } = startServer(t, { ANTHROPIC_API_KEY: '', CODEX_API_KEY: '', OPENAI_API_KEY: CODEX })
  assert.deepEqual((await ask('take')).providers, ['codex'])
  assert.deepEqual(
    (await ask('names')).filter((/** @type {string} */ name) => NAMES.includes(name)),
    []
  )
})
