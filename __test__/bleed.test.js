// Many tenants at once: no value of one is in the environment of another, and nothing is left open afterwards.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const test = require('node:test')
const { buildProviderEnv, spawnProvider } = require('../index.js')
const { ids, needsLinux, workspaceOf } = require('./support/launch.js')
const { makeHomes } = require('./support/homes.js')
const { descriptors, environ, pause, until, zombies } = require('./support/kernel.js')

const PROVIDERS = /** @type {const} */ (['claude', 'codex'])
const TENANTS = 50

/** Everything of a tenant's payload has this in it, and nothing of another's. @param {number} tenant */
const mark = (tenant) => `tenant-${String(tenant).padStart(3, '0')}-`
/** Marks of tenants in a text. @param {string} text */
const marks = (text) => [...new Set(text.match(/tenant-\d{3}-/g))]

/** Every third tenant is sparse: what an earlier request left would show there. @param {number} tenant @param {string} provider @param {boolean} bytes */
function payloadOf(tenant, provider, bytes) {
  const own = (/** @type {string} */ name) => (bytes ? new TextEncoder().encode(`${mark(tenant)}${name}`) : `${mark(tenant)}${name}`)
  const full = tenant % 3 !== 0
  return /** @type {any} */ ({
    provider,
    apiKey: own('key'),
    ...(full && { sessionCookie: own('cookie'), userEnvKeys: { [`OF_${tenant}`]: own('user'), SHARED: own('shared') } })
  })
}

/** What the tenant's environment must have of it. @param {number} tenant @param {string} provider */
function expected(tenant, provider) {
  const key = {
    claude: { ANTHROPIC_API_KEY: `${mark(tenant)}key` },
    codex: { CODEX_API_KEY: `${mark(tenant)}key`, OPENAI_API_KEY: `${mark(tenant)}key` }
  }
  const full = {
    ALIVE_SESSION_COOKIE: `${mark(tenant)}cookie`,
    [`USER_OF_${tenant}`]: `${mark(tenant)}user`,
    USER_SHARED: `${mark(tenant)}shared`
  }
  return { .../** @type {any} */ (key)[provider], ...(tenant % 3 !== 0 ? full : { ALIVE_SESSION_COOKIE: '' }) }
}

/** Only the variables that a payload decides. @param {Record<string, string>} variables */
function decided(variables) {
  const names = /^(USER_|ALIVE_SESSION_COOKIE$|ANTHROPIC_API_KEY$|CODEX_API_KEY$|OPENAI_API_KEY$)/
  return Object.fromEntries(Object.entries(variables).filter(([name]) => names.test(name)))
}

const sorted = (/** @type {object} */ object) => Object.fromEntries(Object.entries(object).sort())

test('10 000 interleaved environments of 50 tenants', () => {
  const before = { ...process.env }
  const held = /** @type {{ env: any, tenant: number, provider: 'claude' | 'codex' }[]} */ ([])
  const check = ({ env, tenant, provider } = held[0]) => {
    const variables = env.exposeSecrets()
    assert.deepEqual(sorted(decided(variables)), sorted(expected(tenant, provider)))
    assert.deepEqual(marks(JSON.stringify(variables)), [mark(tenant)])
    env.dispose()
  }
  for (let index = 0; index < 10_000; index += 1) {
    const [tenant, provider] = [(index * 7) % TENANTS, PROVIDERS[index % 2]]
    const env = buildProviderEnv(payloadOf(tenant, provider, index % 3 === 0), { workspace: { home: '/home/w' } })
    held.push({ env, tenant, provider })
    // Many are alive at once, and they do not end in their order.
    if (held.length > 100) check(held.splice((index * 31) % held.length, 1)[0])
  }
  assert.equal(held.length, 100)
  for (const one of held) check(one)
  assert.deepEqual({ ...process.env }, before)
})

/** The name of a thread of this process; empty when it has ended. @param {string} id */
function nameOf(id) {
  try {
    return fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

test('500 real starts, 50 at a time: each process has its own tenant’s values and no others', { skip: needsLinux }, async (t) => {
  const workspace = workspaceOf(makeHomes({ uid: ids.uid, test: t }))
  const before = { ...process.env }
  const start = async (/** @type {number} */ index) => {
    const [tenant, provider] = [index % TENANTS, PROVIDERS[(index >> 3) % 2]]
    const env = buildProviderEnv(payloadOf(tenant, provider, index % 2 === 0), { workspace })
    const child = spawnProvider(env, {
      ...ids,
      command: '/bin/sh',
      args: ['-c', 'cat <&3 2>/dev/null; echo; read line'],
      // The broker would keep the key, and with it the tenant's mark.
      delivery: provider === 'claude' ? 'fd' : 'env',
      workspaceTrust: 'trusted'
    })
    env.dispose()
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (more) => (text += more))
    await child.spawned
    await until('it has read its key', () => text.includes('\n'))
    const block = environ(child.pid)
    assert.deepEqual(marks(JSON.stringify(block) + text), [mark(tenant)])
    // Claude's key comes on a pipe; its variable is blank.
    const onPipe = provider === 'claude'
    const wanted = { ...expected(tenant, provider), ...(onPipe && { ANTHROPIC_API_KEY: '' }) }
    assert.deepEqual(sorted(decided(block)), sorted(wanted))
    assert.equal(text, onPipe ? `${mark(tenant)}key\n` : '\n')
    child.stdin?.end('\n')
    await new Promise((resolve) => child.once('close', resolve))
    assert.equal(child.exitCode, 0)
  }
  const batch = (/** @type {number} */ number) => Promise.all(Array.from({ length: 50 }, (_, index) => start(number * 50 + index)))
  // Where a busy machine holds up the spawner, another one takes its place at any time, with its own descriptor.
  const isSpawners = (/** @type {string} */ name) => name.endsWith('/oom_score_adj') || name === 'pe-spawner'
  const open = () => [...descriptors('self').values()].filter((name) => !isSpawners(name)).length
  const threads = () => fs.readdirSync('/proc/self/task').filter((id) => !isSpawners(nameOf(id))).length

  await batch(0) // what is made once is there now
  await pause(50)
  const base = { open: open(), threads: threads() }
  for (let number = 1; number < 10; number += 1) await batch(number)
  await until(`descriptors are back at ${base.open}`, () => open() <= base.open)
  await until(`threads are back at ${base.threads}`, () => threads() <= base.threads)
  await until('no zombie is left', () => zombies().length === 0)
  assert.deepEqual({ ...process.env }, before)
})
