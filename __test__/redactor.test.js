// class Redactor: the worker's own text.
'use strict'

const assert = require('node:assert/strict')
const { Readable } = require('node:stream')
const { text: readText } = require('node:stream/consumers')
const test = require('node:test')
const util = require('node:util')
const { Redactor, Secret, buildProviderEnv, memoryProtection } = require('../index.js')

const KEY = 'sk-ant-api03-made-up-key'
const stars = (/** @type {string} */ text) => '*'.repeat(text.length)

test('the secrets of every kind of source are masked in text and in bytes', () => {
  const env = buildProviderEnv(
    { apiKey: KEY, sessionCookie: 'cookie-made-up', userEnvKeys: { A: 'value-made-up' } },
    { workspace: { home: '/tmp' } }
  )
  const bytes = Buffer.from('bytes-made-up')
  const secret = Secret.from(Buffer.from('handle-made-up'))
  const redactor = new Redactor([env, secret, bytes, 'string-made-up'])
  assert.deepEqual(bytes, Buffer.alloc(13), 'bytes are consumed')
  env.dispose()
  secret.dispose()
  const all = [KEY, 'cookie-made-up', 'value-made-up', 'handle-made-up', 'bytes-made-up', 'string-made-up']
  assert.equal(redactor.redact(`<${all.join('> <')}>`), `<${all.map(stars).join('> <')}>`)
  const buffer = Buffer.from(`a ${KEY} b`)
  assert.equal(redactor.redact(buffer), buffer)
  assert.equal(String(buffer), `a ${stars(KEY)} b`)
  assert.equal(
    redactor.redact(`key=${encodeURIComponent(KEY)} ${Buffer.from(KEY).toString('hex')}`),
    `key=${stars(KEY)} ${'*'.repeat(KEY.length * 2)}`
  )
})

test('a value is masked as programs print it: trimmed, line by line, run together, quoted', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nTm90QVJlYWxLZXkx\nTm90QVJlYWxLZXky\n-----END PRIVATE KEY-----\n'
  const json = '{\n  "type": "made-up",\n  "private_key": "made-up \\"quoted\\" 0123"\n}\n'
  const core = 'hunter-0-correct-horse'
  /** @type {[string, string, string[]][]} Value, what is printed, what must not be in it then. */
  const cases = [
    [`${core}\n`, core, [core]],
    [` ${core}`, core, [core]],
    [`\t${core}\r\n`, `${core}\n`, [core]],
    [`\u00a0\ufeff${core}\u2003`, `'${core}'`, [core]],
    [`${core}\n`, Buffer.from(core).toString('base64'), [Buffer.from(core).toString('base64').slice(0, -3)]],
    [`${core}\n`, Buffer.from(core).toString('hex'), [Buffer.from(core).toString('hex')]],
    [`${core}é\n`, JSON.stringify({ core: `${core}é` }), [core]],
    [pem, pem.trimEnd(), ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem, pem.replaceAll('\n', '\r\n'), ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem.replaceAll('\n', '\r\n'), pem, ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem, pem.replaceAll('\n', ' '), ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem, JSON.stringify({ pem: pem.trim() }), ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem, 'key: |\n  ' + pem.replaceAll('\n', '\n  '), ['Tm90QVJlYWxLZXkx', 'Tm90QVJlYWxLZXky']],
    [pem, 'bad line: Tm90QVJlYWxLZXky', ['Tm90QVJlYWxLZXky']],
    [json, JSON.stringify({ message: json.split('\n')[2] }), ['made-up \\\\\\"quoted', '0123']],
    [`correct  horse\tbattery`, 'correct horse battery', ['horse']],
    ["it's-made-up-0123", "'it'\\''s-made-up-0123'", ['made-up']]
  ]
  for (const [value, printed, leaks] of cases) {
    const scrubbed = new Redactor([value]).redact(`failed for "${printed}" at db.internal`)
    for (const leak of leaks) {
      assert.ok(printed.includes(leak), `the case has ${leak}`)
      assert.ok(!scrubbed.includes(leak), `${JSON.stringify(value)} printed as ${JSON.stringify(printed)}: ${scrubbed}`)
    }
    assert.ok(scrubbed.startsWith('failed for "') && scrubbed.endsWith('" at db.internal'), scrubbed)
  }
  // What every key of its kind has is no secret, and nothing is masked for white space's sake.
  const label = 'expected -----BEGIN PRIVATE KEY----- here'
  assert.equal(new Redactor([pem]).redact(label), label)
  const short = new Redactor(['  true    \n'])
  assert.deepEqual([short.skipped, short.redact('true')], [1, 'true'])
})

test('text without a secret is the very same, half characters and all', () => {
  const redactor = new Redactor([KEY])
  for (const text of ['', 'nothing here', 'half \ud800 of one', 'ü→😀']) assert.equal(redactor.redact(text), text)
})

test('short secrets are skipped, and the least may be moved', () => {
  const redactor = new Redactor(['true', '1234567', ''])
  assert.deepEqual([redactor.skipped, redactor.redact('true 1234567')], [2, 'true 1234567'])
  const strict = new Redactor(['true', '1234567'], { minLength: 4 })
  assert.deepEqual([strict.skipped, strict.redact('true 1234567')], [0, '**** *******'])
  for (const minLength of [3, 1025, 2 ** 32 + 8, -1, 'x'])
    assert.throws(() => new Redactor([KEY], /** @type {any} */ ({ minLength })), TypeError)
})

test('a stream is scrubbed across chunk borders, and its chunks are left alone', async () => {
  const whole = `one ${KEY} two ${KEY}`
  for (const size of [1, 2, 7, 100]) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
      Buffer.from(whole.slice(index * size, (index + 1) * size))
    )
    const scrubbed = await readText(Readable.from(chunks).pipe(new Redactor([KEY]).stream()))
    assert.equal(scrubbed, `one ${stars(KEY)} two ${stars(KEY)}`)
    assert.equal(Buffer.concat(chunks).toString(), whole)
  }
})

test('its streams end with it, and each lets go when it has ended', async () => {
  const before = memoryProtection().allocations
  const redactor = new Redactor([KEY])
  const ended = redactor.stream()
  ended.end('text')
  await readText(ended)
  await new Promise((resolve) => setImmediate(resolve))
  const open = redactor.stream()
  redactor.dispose()
  // Fewer, where the collector came for what other tests left.
  assert.ok(memoryProtection().allocations <= before)
  const error = await new Promise((resolve) => open.once('error', resolve).write('text'))
  assert.equal(error.code, 'ERR_PROVIDER_DISPOSED')
})

test('nothing is kept where no redactor comes of it', () => {
  const before = memoryProtection().allocations
  assert.throws(() => new Redactor(/** @type {any} */ ([Buffer.from(KEY), 'text-of-a-secret', 5])))
  assert.ok(memoryProtection().allocations <= before)
})

test('bytes of every size come out scrubbed', () => {
  const redactor = new Redactor([KEY])
  for (const size of [KEY.length, 64, 65, 1000]) {
    const bytes = new Uint8Array(size).fill(0x2e)
    bytes.set(Buffer.from(KEY))
    redactor.redact(bytes)
    assert.equal(Buffer.from(bytes).toString(), stars(KEY).padEnd(size, '.'))
  }
})

test('bytes of any content are accepted, zeros too', () => {
  const redactor = new Redactor([KEY])
  for (const size of [0, 1, 64, 65, 1000]) {
    const zeros = new Uint8Array(size)
    assert.equal(redactor.redact(zeros), zeros)
    assert.deepEqual(zeros, new Uint8Array(size))
  }
})

test('bytes that are refused keep their content', () => {
  const redactor = new Redactor([KEY])
  const shared = new Uint8Array(new SharedArrayBuffer(16)).fill(0x2e)
  assert.throws(() => redactor.redact(shared), { code: 'ERR_INVALID_ARG_TYPE' })
  redactor.dispose()
  const small = new Uint8Array(16).fill(0x2e)
  assert.throws(() => redactor.redact(small), { code: 'ERR_PROVIDER_DISPOSED' })
  for (const bytes of [shared, small]) assert.ok(bytes.every((byte) => byte === 0x2e))
})

test('it shows nothing, and nothing after it was disposed of', () => {
  const redactor = new Redactor([KEY])
  assert.doesNotMatch([util.inspect(redactor, { showHidden: true }), JSON.stringify(redactor), String(redactor)].join(), /made-up/)
  redactor.dispose()
  assert.throws(() => redactor.redact('x'), { code: 'ERR_PROVIDER_DISPOSED' })
  const env = buildProviderEnv({ apiKey: KEY }, { workspace: { home: '/tmp' } })
  env.dispose()
  assert.throws(() => new Redactor([env]), { code: 'ERR_PROVIDER_DISPOSED' })
})

test('wrong types consume what bytes there are', () => {
  for (const wrong of [undefined, null, 5, 'text', {}])
    assert.throws(() => new Redactor(/** @type {any} */ (wrong)), { code: 'ERR_INVALID_ARG_TYPE' })
  const bytes = Buffer.from(KEY)
  assert.throws(() => new Redactor(/** @type {any} */ ([5, bytes])), { code: 'ERR_INVALID_ARG_TYPE', message: /sources\[0\] must be/ })
  assert.deepEqual(bytes, Buffer.alloc(bytes.length))
  for (const wrong of [undefined, 5, {}])
    assert.throws(() => new Redactor([KEY]).redact(/** @type {any} */ (wrong)), { code: 'ERR_INVALID_ARG_TYPE' })
})
