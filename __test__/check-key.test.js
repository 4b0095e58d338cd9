// checkKey() against the mock of both APIs and other servers: every outcome, TLS with a private CA, proxies.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')
const { Secret, checkKey } = require('../index.js')
const { startMockApi } = require('./support/mock-api/index.js')
const { until } = require('./support/kernel.js')
const { makeAuthority, whyNoCertificates } = require('./support/tls.js')

const KEYS = { claude: 'sk-ant-api03-made-up-0123456789', codex: 'sk-proj-made-up-0123456789' }

/**
 * @param {any} t
 * @param {import('node:net').Server} server
 * @param {string} [scheme]
 */
async function listen(t, server, scheme = 'http') {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections()
  })
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return `${scheme}://127.0.0.1:${port}`
}

/** A server that always answers this. @param {any} t @param {number} status @param {any} [body] @param {Record<string, string>} [headers] */
async function answering(t, status, body = {}, headers = {}) {
  /** @type {http.IncomingMessage[]} */
  const requests = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  return { url: await listen(t, server), requests }
}

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: the mock of its API sees one GET with the key where it belongs`, async (t) => {
    const mock = await startMockApi()
    t.after(() => mock.close())
    const bytes = Buffer.from(KEYS[provider])
    const promise = checkKey(provider, bytes, { baseUrl: provider === 'codex' ? mock.openaiBaseUrl : mock.anthropicBaseUrl })
    assert.ok(
      bytes.every((byte) => byte === 0),
      'consumed before the call returned'
    )
    const check = await promise
    assert.equal(check.outcome, 'valid')
    assert.equal(check.status, 200)
    assert.equal(check.reason, null)
    assert.match(check.fingerprint, /^[0-9a-f]{8}$/)
    assert.equal(mock.requests.length, 1)
    const [request] = mock.requests
    assert.equal(request.method, 'GET')
    assert.match(request.path, /^\/v1\/models/)
    assert.deepEqual(request.credentials, [{ header: provider === 'codex' ? 'authorization' : 'x-api-key', value: KEYS[provider] }])
  })
}

test('an OAuth token of Claude goes as a bearer', async (t) => {
  const mock = await startMockApi()
  t.after(() => mock.close())
  const check = await checkKey('claude', 'sk-ant-oat01-made-up', { baseUrl: mock.anthropicBaseUrl })
  assert.equal(check.outcome, 'valid')
  assert.deepEqual(mock.requests[0].credentials, [{ header: 'authorization', value: 'sk-ant-oat01-made-up' }])
  assert.ok(mock.requests[0].headers['anthropic-beta'])
})

/** @type {[number, any, Record<string, string>, Record<string, any>][]} */
const ANSWERS = [
  [401, { error: { message: `Incorrect API key provided: ${KEYS.codex}` } }, {}, { outcome: 'invalid', reason: 'rejected' }],
  [403, { error: { message: 'Missing scopes: api.model.read' } }, {}, { outcome: 'forbidden', reason: 'missing-scope' }],
  [403, { error: { code: 'unsupported_country_region_territory' } }, {}, { outcome: 'forbidden', reason: 'region' }],
  [403, { error: { message: `${'x'.repeat(200)} Your organization has disabled this` } }, {}, { outcome: 'forbidden', reason: 'account' }],
  [401, { error: { code: 'account_deactivated' } }, {}, { outcome: 'forbidden', reason: 'account' }],
  [402, { error: { type: 'billing_error' } }, {}, { outcome: 'forbidden', reason: 'quota' }],
  [
    429,
    {
      error: {
        message: 'Rate limit reached for gpt-x in organization org-x on requests per min. See https://x/account/billing',
        code: 'rate_limit_exceeded'
      }
    },
    {},
    { outcome: 'rate-limited', reason: null }
  ],
  [
    429,
    { error: { type: 'rate_limit_error', message: "This request would exceed your organization's rate limit" } },
    {},
    { outcome: 'rate-limited', reason: null }
  ],
  [403, 'a page of a firewall', {}, { outcome: 'forbidden', reason: null }],
  [429, { error: { type: 'requests' } }, { 'retry-after': '20' }, { outcome: 'rate-limited', reason: null, retryAfterMs: 20_000 }],
  [
    429,
    {},
    { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:49:57 GMT' },
    { outcome: 'rate-limited', reason: null, retryAfterMs: 20_000 }
  ],
  [429, { error: { code: 'insufficient_quota' } }, {}, { outcome: 'rate-limited', reason: 'quota' }],
  [500, {}, {}, { outcome: 'unreachable', reason: 'server-error' }],
  [529, { error: { type: 'overloaded_error' } }, {}, { outcome: 'unreachable', reason: 'server-error' }],
  [404, '<html>', {}, { outcome: 'unreachable', reason: 'unexpected-answer' }],
  [302, '', { location: 'http://127.0.0.1:1/' }, { outcome: 'unreachable', reason: 'unexpected-answer' }]
]
for (const [status, body, headers, expected] of ANSWERS) {
  test(`${status} ${JSON.stringify(body)}`, async (t) => {
    const { url, requests } = await answering(t, status, body, headers)
    const check = await checkKey('codex', KEYS.codex, { baseUrl: url })
    for (const [name, value] of Object.entries(expected)) assert.equal(/** @type {any} */ (check)[name], value, name)
    assert.equal(check.status, status)
    assert.ok(check.message.length > 20)
    assert.ok(!JSON.stringify(check).includes(KEYS.codex), 'an endpoint that echoes the key is not echoed')
    assert.equal(requests.length, 1, 'one request, and no redirect followed')
  })
}

test('out of reach: refused, silent, cut off, no HTTP', async (t) => {
  const closed = net.createServer()
  const refusedUrl = await listen(t, closed)
  closed.close()
  await once(closed, 'close')
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: refusedUrl })).reason, 'refused')

  const silent = await listen(
    t,
    net.createServer(() => {})
  )
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 5)
  const check = await checkKey('codex', KEYS.codex, { baseUrl: silent, timeoutMs: 400 })
  clearInterval(timer)
  assert.equal(check.outcome, 'unreachable')
  assert.equal(check.reason, 'timeout')
  assert.ok(ticks > 1, `the JS thread ran meanwhile: ${ticks} ticks`)

  const babbling = await listen(
    t,
    net.createServer((socket) => socket.end('this is no HTTP\r\n\r\n'))
  )
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: babbling })).reason, 'protocol')

  const broken = await listen(
    t,
    net.createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this'))
  )
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: broken })).reason, 'protocol')
})

test('TLS: a private CA is trusted when it is given, for its name, and nobody else is', { skip: whyNoCertificates() }, async (t) => {
  const authority = makeAuthority(t)
  /** @type {string[]} */
  const seen = []
  const serve = (/** @type {string} */ names) =>
    listen(
      t,
      https.createServer(authority.issue(names), (request, response) => {
        seen.push(String(request.headers.authorization))
        response.end('{}')
      }),
      'https'
    )
  const baseUrl = await serve('IP:127.0.0.1')
  const unknown = await checkKey('codex', KEYS.codex, { baseUrl })
  assert.equal(unknown.reason, 'tls')
  assert.match(unknown.message, /issuer/)
  assert.deepEqual(seen, [], 'no key went to who is not trusted')
  const trusted = await checkKey('codex', KEYS.codex, { baseUrl, ca: authority.ca })
  assert.equal(trusted.outcome, 'valid')
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl, ca: Buffer.from(authority.ca) })).outcome, 'valid')
  const other = await checkKey('codex', KEYS.codex, { baseUrl: await serve('DNS:other.example'), ca: authority.ca })
  assert.equal(other.reason, 'tls')
  assert.match(other.message, /another name/)
  assert.deepEqual(seen, [`Bearer ${KEYS.codex}`, `Bearer ${KEYS.codex}`])
  const plain = await answering(t, 200)
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: plain.url.replace('http', 'https') })).reason, 'tls')
})

test('a proxy is used when it is named, and only then', async (t) => {
  const target = await answering(t, 200)
  /** @type {string[]} */
  const asked = []
  const proxy = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    http.get(String(request.url), { headers: request.headers }, (from) => from.pipe(response.writeHead(from.statusCode ?? 0)))
  })
  proxy.on('connect', (request, socket) => {
    asked.push(`${request.method} ${request.url}`)
    const [host, port] = String(request.url).split(':')
    const up = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      up.pipe(socket).pipe(up)
    })
    for (const one of [up, socket]) one.on('error', () => {})
  })
  const proxyUrl = await listen(t, proxy)
  process.env.HTTP_PROXY = process.env.HTTPS_PROXY = process.env.ALL_PROXY = proxyUrl
  t.after(() => ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].forEach((name) => delete process.env[name]))
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: target.url })).outcome, 'valid')
  assert.deepEqual(asked, [])
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: target.url, proxy: proxyUrl })).outcome, 'valid')
  assert.equal(asked.length, 1)
  const dead = await checkKey('codex', KEYS.codex, { baseUrl: target.url, proxy: 'http://127.0.0.1:1' })
  assert.equal(dead.outcome, 'unreachable')
  assert.equal(dead.reason, 'proxy')
})

test('a key of the other provider, or what can be none, is sent nowhere', async (t) => {
  const { url, requests } = await answering(t, 200)
  for (const [provider, key] of /** @type {const} */ ([
    ['claude', KEYS.codex],
    ['codex', KEYS.claude],
    ['codex', 'two words'],
    ['claude', 'sk-ant-admin01-made-up'],
    ['codex', 'sk-ant-oat01-made-up-made-up']
  ])) {
    const check = await checkKey(provider, key, { baseUrl: url })
    assert.equal(check.outcome, 'invalid')
    assert.equal(check.reason, 'malformed')
    assert.equal(check.status, null)
    assert.ok(!JSON.stringify(check).includes(key))
  }
  assert.equal(requests.length, 0)
})

test('cacheMs: the same question is not asked twice, a handle stays whole', async (t) => {
  const { url, requests } = await answering(t, 401)
  const secret = /** @type {any} */ (Secret).from(Buffer.from('sk-proj-made-up-for-the-cache'))
  t.after(() => secret.dispose())
  const ask = () => checkKey('codex', secret, { baseUrl: url, cacheMs: 60_000 })
  assert.equal((await ask()).cached, false)
  const again = await ask()
  assert.equal(again.cached, true)
  assert.equal(again.outcome, 'invalid')
  assert.equal((await checkKey('codex', secret, { baseUrl: url })).cached, false, 'by default it is asked')
  assert.equal(requests.length, 2)
  assert.equal(secret.disposed, false)
  assert.throws(() => Object.assign(again, { outcome: 'valid' }), TypeError)
})

test('cacheMs: an answer holds for its endpoint; none is kept that says nothing of the key, nor more than 1,000', async (t) => {
  const first = await answering(t, 401)
  const second = await answering(t, 200)
  const ask = (/** @type {string} */ baseUrl, key = KEYS.codex) => checkKey('codex', key, { baseUrl, cacheMs: 60_000 })
  await ask(first.url)
  assert.equal((await ask(second.url)).outcome, 'valid')
  assert.equal((await ask(first.url)).cached, true)
  for (const status of [429, 500]) {
    const { url, requests } = await answering(t, status)
    await ask(url)
    assert.equal((await ask(url)).cached, false)
    assert.equal(requests.length, 2)
  }
  for (let number = 0; number < 1000; number += 1) await ask(second.url, `${KEYS.codex}-${number}`)
  assert.equal((await ask(second.url, `${KEYS.codex}-999`)).cached, true)
  assert.equal((await ask(first.url)).cached, false, 'the oldest went')
})

test('the roots of trust are those of the system: SSL_CERT_FILE, read at each request', { skip: whyNoCertificates() }, async (t) => {
  const authority = makeAuthority(t)
  const baseUrl = await listen(
    t,
    https.createServer(authority.issue('IP:127.0.0.1'), (_, response) => response.end('{}')),
    'https'
  )
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-roots-')), 'roots.pem')
  t.after(() => fs.rmSync(path.dirname(file), { recursive: true }))
  const script = `
    const { checkKey } = require(${JSON.stringify(require.resolve('../index.js'))})
    const ask = async () => { const { outcome, message } = await checkKey('codex', 'sk-proj-made-up-0123456789', { baseUrl: process.argv[1] }); return { outcome, message } }
    ask().then(async (none) => {
      require('node:fs').writeFileSync(process.env.SSL_CERT_FILE, process.argv[2])
      console.log(JSON.stringify([none, await ask()]))
    })`
  const child = spawn(process.execPath, ['-e', script, baseUrl, authority.ca], {
    env: { SSL_CERT_FILE: file },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [none, system] = JSON.parse(await text(child.stdout))
  assert.equal(none.outcome, 'unreachable')
  assert.match(none.message, /no trusted root certificate.*ca-certificates/)
  assert.equal(system.outcome, 'valid')
})

test('an endpoint that does not answer holds up nobody else, and what was aborted before it was sent is not sent', async (t) => {
  let connections = 0
  let isOver = false
  const sockets = /** @type {net.Socket[]} */ ([])
  const silent = await listen(
    t,
    net.createServer((socket) => {
      connections += 1
      sockets.push(socket.on('error', () => {}))
    })
  )
  const controller = new AbortController()
  const stuck = Array.from({ length: 100 }, () =>
    checkKey('codex', KEYS.codex, { baseUrl: silent, timeoutMs: 60_000, signal: controller.signal })
  )
  for (const one of stuck) one.catch(() => {}).then(() => (isOver = true))
  const { url } = await answering(t, 200)
  assert.equal((await checkKey('codex', KEYS.codex, { baseUrl: url })).outcome, 'valid')
  assert.equal(isOver, false, 'it waited for a silent endpoint')
  controller.abort()
  for (const one of stuck) await assert.rejects(one, { code: 'ERR_PROVIDER_ABORTED' })
  await until('the four that were sent arrive', () => connections >= 4)
  assert.equal(connections, 4)
  // Its turns come back when its requests are over, not with the abort.
  for (const socket of sockets) socket.destroy()
  const late = await checkKey('codex', KEYS.codex, { baseUrl: silent, timeoutMs: 5000 })
  assert.equal(late.reason, 'timeout')
  assert.equal(connections, 5)
})

test('a tenant with many silent endpoints delays no other, on the same host or on another', async (t) => {
  const silent = await Promise.all(
    Array.from({ length: 40 }, () =>
      listen(
        t,
        net.createServer(() => {})
      )
    )
  )
  const controller = new AbortController()
  const ask = (/** @type {string} */ baseUrl, /** @type {any} */ options) =>
    checkKey('codex', KEYS.codex, { baseUrl, timeoutMs: 20_000, ...options })
  const stuck = silent.flatMap((url) => Array.from({ length: 8 }, () => ask(url, { signal: controller.signal })))
  for (const one of stuck) one.catch(() => {})
  const { url } = await answering(t, 200)
  const started = Date.now()
  assert.deepEqual(
    (await Promise.all([ask(url), ask(url.replace('127.0.0.1', 'localhost'))])).map(({ outcome }) => outcome),
    ['valid', 'valid']
  )
  assert.ok(Date.now() - started < 10_000, `${Date.now() - started} ms behind silent endpoints`)
  controller.abort()
  await Promise.allSettled(stuck)
})

test('timeoutMs counts from the call, whatever the wait for a turn takes', async (t) => {
  const silent = await listen(
    t,
    net.createServer(() => {})
  )
  const started = Date.now()
  const checks = await Promise.all(Array.from({ length: 12 }, () => checkKey('codex', KEYS.codex, { baseUrl: silent, timeoutMs: 3000 })))
  assert.deepEqual([...new Set(checks.map(({ reason }) => reason))], ['timeout'])
  // The fifth had no turn before the first four were over: in turns, the last would be heard of after 9 seconds.
  assert.ok(Date.now() - started < 5500, `${Date.now() - started} ms for 3000`)
})

test('aborted, and wrong options', async (t) => {
  const silent = await listen(
    t,
    net.createServer(() => {})
  )
  const controller = new AbortController()
  const promise = checkKey('codex', KEYS.codex, { baseUrl: silent, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('why')), 20)
  await assert.rejects(
    promise,
    (/** @type {any} */ error) => error.code === 'ERR_PROVIDER_ABORTED' && error.name === 'AbortError' && error.cause.message === 'why'
  )
  await assert.rejects(checkKey('codex', KEYS.codex, { signal: AbortSignal.abort() }), { code: 'ERR_PROVIDER_ABORTED' })
  await assert.rejects(checkKey(/** @type {any} */ ('nobody'), 'k'), { code: 'ERR_PROVIDER_UNKNOWN' })
  await assert.rejects(checkKey('codex', 'eyJhbGciOiJub25lIn0.e30.x', { baseUrl: 'ftp://x' }), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const options of [
    { proxy: 'socks5://h:1' },
    { proxy: 'http://u:p@h' },
    { ca: 'no PEM' },
    { timeoutMs: 1 },
    { timeout: 5 },
    { baseUrl: 'http://u:pw@h' }
  ]) {
    await assert.rejects(
      checkKey('codex', KEYS.codex, /** @type {any} */ (options)),
      { code: 'ERR_INVALID_ARG_VALUE' },
      JSON.stringify(options)
    )
  }
  const bytes = Buffer.from(KEYS.codex)
  await assert.rejects(checkKey('codex', bytes, /** @type {any} */ ({ timeout: 5 })), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.ok(
    bytes.every((byte) => byte === 0),
    'consumed also where an option is wrong'
  )
  await assert.rejects(checkKey('codex', /** @type {any} */ (7)), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(checkKey('codex', ''), { code: 'ERR_INVALID_ARG_VALUE' })
  await assert.rejects(checkKey('codex', 'provider-env-sealed.v1.x'), { code: 'ERR_INVALID_ARG_VALUE' })
})
