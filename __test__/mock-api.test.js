// The mock of the providers' APIs: what it keeps of a client that it does not know has a bound.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const test = require('node:test')
const { startMockApi } = require('./support/mock-api/index.js')

const MIB = 1024 * 1024

/**
 * The status of an answer; what is not sent yet when it comes is not sent.
 * @param {number} port
 * @param {{ method?: string, path?: string, headers?: Record<string, string | number>, chunks?: (string | Buffer)[] }} request
 * @returns {Promise<number | undefined>}
 */
function status(port, { method = 'POST', path = '/v1/messages', headers = {}, chunks = ['{}'] }) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      resolve(response.statusCode)
      request.destroy()
    })
    request.on('error', reject)
    if (chunks.length === 0) return void request.flushHeaders()
    for (const chunk of chunks) request.write(chunk)
    request.end()
  })
}

test('a body larger than the mock takes is refused, by its announced length or as it comes', async (t) => {
  const mock = await startMockApi()
  t.after(() => mock.close())
  assert.equal(await status(mock.port, { headers: { 'content-length': MIB + 1 }, chunks: [] }), 413)
  assert.equal(await status(mock.port, { chunks: [Buffer.alloc(MIB, 0x20), '{}'] }), 413)
  assert.equal(mock.requests.length, 0)
  assert.equal(await status(mock.port, { chunks: [Buffer.alloc(MIB - 2, 0x20), '{}'] }), 200)
  assert.deepEqual(
    mock.requests.map(({ body }) => body),
    [{}]
  )
})

test("with its own credential, it reads no body of another's", async (t) => {
  const mock = await startMockApi({ credential: 'k' })
  t.after(() => mock.close())
  // Never ends: an answer means that nobody waits for the body.
  assert.equal(await status(mock.port, { headers: { 'x-api-key': 'other', 'content-length': 9 }, chunks: [] }), 401)
  assert.equal(await status(mock.port, { headers: { authorization: 'Bearer k' } }), 200)
  assert.equal(await status(mock.port, { method: 'GET', path: '/v1/models', chunks: [] }), 200)
  assert.deepEqual(
    mock.requests.map(({ body }) => body),
    [null, {}, null]
  )
  assert.equal(mock.requestsWith('k').length, 1)
})

test('it records a bounded number of requests', async (t) => {
  const mock = await startMockApi({ maxRequests: 2 })
  t.after(() => mock.close())
  for (const expected of [200, 200, 503, 503]) assert.equal(await status(mock.port, {}), expected)
  assert.equal(mock.requests.length, 2)
  mock.requests.length = 0
  assert.equal(await status(mock.port, {}), 200)
})

/**
 * What a client is sent, and whether the connection broke off.
 * @param {number} port
 * @param {string} path
 * @param {object} body
 * @returns {Promise<{ text: string, broke: boolean }>}
 */
function answer(port, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', path }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (/** @type {string} */ more) => (text += more))
      response.on('error', () => {})
      response.on('close', () => resolve({ text, broke: !response.complete }))
    })
    request.on('error', reject)
    request.end(JSON.stringify(body))
  })
}

test('an answer calls any tool, ends in an error, or breaks off, in the dialect of either API', async (t) => {
  const call = { call: 'made_up', input: { a: 1 } }
  for (const [reply, claude, codex, broke] of /** @type {[any, RegExp, RegExp, boolean][]} */ ([
    [
      call,
      /"type":"tool_use","id":"[^"]+","name":"made_up","input":\{\}/,
      /"type":"function_call",[^}]*"name":"made_up","arguments":"\{\\"a\\":1\}"/,
      false
    ],
    [{ ...call, namespace: 'n' }, /"name":"made_up"/, /"name":"made_up","namespace":"n"/, false],
    [
      { failed: { type: 'overloaded_error', message: 'no', code: 'c' } },
      /event: error\ndata: .*"overloaded_error"/,
      /"type":"response\.failed".*"code":"c","message":"no"/,
      false
    ],
    [{ cut: true }, /^event: message_start/, /^event: response\.created/, true]
  ])) {
    const mock = await startMockApi({ answer: () => reply })
    t.after(() => mock.close())
    for (const [path, expected] of /** @type {const} */ ([
      ['/v1/messages', claude],
      ['/v1/responses', codex]
    ])) {
      const seen = await answer(mock.port, path, { stream: true })
      assert.match(seen.text, expected)
      assert.equal(seen.broke, broke, path)
    }
  }
})

test('a thread is summed up when Codex requests it, whatever the script says', async (t) => {
  const mock = await startMockApi({ answer: () => ({ text: 'made up' }) })
  t.after(() => mock.close())
  const { text } = await answer(mock.port, '/v1/responses', { stream: true, input: [{ type: 'compaction_trigger' }] })
  assert.match(text, /"type":"compaction","encrypted_content":"mock summary"/)
  assert.doesNotMatch(text, /made up/)
})
