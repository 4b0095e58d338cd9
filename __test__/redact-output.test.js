// `redactOutput`: what reaches the worker of what a child writes, on the native start and on the portable one.
'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const { memoryProtection, spawnProvider } = require('../index.js')
const { ids, makeEnv, needsLinux, outcome, startScript } = require('./support/launch.js')
const { until } = require('./support/kernel.js')

const KEY = 'sk-ant-api03-made-up-key'
/** With everything that some encoding writes in another way. */
const SPELLED = 'made-up/value+"with\\all&that é'
const COOKIE = 'session-cookie-made-up'
const VALUE = 'postgres://user:made-up@db/app'

/** Every form that the documentation names, by Node's own encoders. @type {Record<string, (text: string) => string>} */
const FORMS = {
  itself: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64').replace(/=+$/, ''),
  'base64 after one byte': (text) => Buffer.from(`x${text}`).toString('base64').slice(2).replace(/=+$/, ''),
  'base64 after two bytes': (text) => Buffer.from(`xy${text}`).toString('base64').slice(3).replace(/=+$/, ''),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  URL: encodeURIComponent,
  JSON: (text) => JSON.stringify(text).slice(1, -1)
}

/** Both starts. @type {Record<string, (env: any, script: string, options?: any) => any>} */
const STARTS = {
  native: startScript,
  portable: (env, script, { args = [], ...options } = {}) =>
    spawnPortable(env, { ...ids, command: '/bin/sh', args: ['-c', script, ...args], workspaceTrust: 'trusted', ...options })
}

/** @param {any} t */
function makeLaunchEnv(t) {
  // As escapes for the shell's `printf`, so that no variable has the text itself.
  const set = Object.fromEntries(
    Object.entries(FORMS).map(([, form], index) => [
      `FORM_${index}`,
      [...Buffer.from(form(SPELLED))].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')
    ])
  )
  return makeEnv(t, { apiKey: KEY, sessionCookie: COOKIE, userEnvKeys: { DB: VALUE, SPELLED, SHORT: 'true' } }, { set })
}

/** A script that writes a variable's text to a stream, at once or cut in two by a pause. @param {number} index @param {boolean} cut */
const writes = (index, cut, to = 2) =>
  cut
    ? `text=$(printf '%b' "$FORM_${index}"; echo .); text=\${text%.}; half=$((\${#text} / 2)); printf '%s' "[$(printf '%s' "$text" | head -c $half)" >&${to}; sleep 0.05; printf '%s' "$(printf '%s' "$text" | tail -c +$((half + 1)))]" >&${to}`
    : `printf '[%b]' "$FORM_${index}" >&${to}`

for (const [name, start] of Object.entries(STARTS)) {
  test(`${name}: every form of a value is masked on stderr, whole and cut in two`, { skip: needsLinux }, async (t) => {
    const { env } = makeLaunchEnv(t)
    for (const [index, [formName, form]] of Object.entries(FORMS).entries()) {
      for (const cut of [false, true]) {
        const { stderr, error } = await outcome(start(env, writes(index, cut)))
        if (error) throw error
        assert.equal(stderr.length, Buffer.byteLength(form(SPELLED)) + 2, formName)
        // Base64 leaves the last digit, part of which what follows decides.
        assert.match(stderr, /^\[\*+.?\]$/, `${formName}: ${stderr}`)
      }
    }
  })

  test(`${name}: by default stderr and not stdout; by word both, one, or none`, { skip: needsLinux }, async (t) => {
    const { env } = makeLaunchEnv(t)
    const script = 'echo "$USER_DB $ALIVE_SESSION_COOKIE $USER_SHORT"; echo "$USER_DB $ALIVE_SESSION_COOKIE $USER_SHORT" >&2'
    const [plain, scrubbed] = [`${VALUE} ${COOKIE} true\n`, `${'*'.repeat(VALUE.length)} ${'*'.repeat(COOKIE.length)} true\n`]
    for (const [redactOutput, stdout, stderr] of [
      [undefined, plain, scrubbed],
      [true, scrubbed, scrubbed],
      [false, plain, plain],
      [{ stdout: true }, scrubbed, scrubbed],
      [{ stderr: false }, plain, plain],
      [{ stdout: true, stderr: false }, scrubbed, plain]
    ]) {
      const seen = await outcome(start(env, script, { redactOutput }))
      assert.deepEqual([seen.stdout, seen.stderr], [stdout, stderr], JSON.stringify(redactOutput))
    }
  })

  test(`${name}: what has no secret in it comes through as it is`, { skip: needsLinux }, async (t) => {
    const { env, homes } = makeLaunchEnv(t)
    const child = start(env, 'head -c 30000000 /dev/urandom > "$TMPDIR/written"; cat "$TMPDIR/written" >&2')
    const hash = createHash('sha256')
    child.stderr.on('data', (/** @type {Buffer} */ bytes) => hash.update(bytes))
    await new Promise((resolve) => child.once('close', resolve))
    const written = fs.readFileSync(path.join(homes.tmpDir, 'written'))
    assert.equal(written.length, 30_000_000)
    assert.equal(hash.digest('hex'), createHash('sha256').update(written).digest('hex'))
  })
}

test('a stream of many chunks is the same with and without, byte by byte', { skip: needsLinux }, async (t) => {
  const { env } = makeLaunchEnv(t)
  // Beginnings of the key all over, none of which goes on.
  const script =
    'i=0; while [ $i -lt 4000 ]; do echo "$i sk-ant-api03-made-up and sk-ant-api03-made-up-ke session-cook $i"; i=$((i + 1)); done'
  const [plain, scrubbed] = await Promise.all([false, true].map((redactOutput) => outcome(startScript(env, script, { redactOutput }))))
  assert.ok(plain.stdout.length > 200_000)
  assert.equal(scrubbed.stdout, plain.stdout)
})

test('backpressure holds: who does not read is not read for', { skip: needsLinux }, async (t) => {
  const { env } = makeLaunchEnv(t)
  const child = startScript(env, 'head -c 50000000 /dev/zero; echo done', { redactOutput: true })
  await child.spawned
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(child.stdout.readableLength < 1_000_000, `${child.stdout.readableLength} bytes were taken`)
  let length = 0
  child.stdout.on('data', (/** @type {Buffer} */ bytes) => (length += bytes.length))
  await new Promise((resolve) => child.once('close', resolve))
  assert.equal(length, 50_000_005)
})

test('what is looked for outlives dispose(), and goes with the last stream', { skip: needsLinux }, async (t) => {
  const before = memoryProtection().allocations
  const { env } = makeLaunchEnv(t)
  const child = startScript(env, 'sleep 0.1; echo "$USER_DB" >&2')
  env.dispose()
  const { stderr } = await outcome(child)
  assert.equal(stderr, `${'*'.repeat(VALUE.length)}\n`)
  await until('all secrets are gone', () => memoryProtection().allocations === before)
})

test('a launch that writes nothing makes nothing to look for', { skip: needsLinux }, async (t) => {
  const { env } = makeLaunchEnv(t)
  const child = startScript(env, 'echo out')
  let most = 0
  const look = setInterval(() => (most = Math.max(most, memoryProtection().allocatedBytes)), 1)
  await outcome(child)
  clearInterval(look)
  // The environment's own secrets, and its block before it was executed.
  assert.ok(most < 16_000, `${most} bytes`)
})

test('what is held back is not printed after what goes through', { skip: needsLinux }, async (t) => {
  const { env } = makeLaunchEnv(t)
  const child = startScript(env, 'printf "hello %s" "$(printf "$USER_DB" | head -c 20)" >&2; read line')
  const first = await new Promise((resolve) => child.stderr.once('data', resolve))
  assert.equal(String(first), 'hello ')
  assert.ok(!Buffer.from(first.buffer).includes(VALUE.slice(0, 12)))
  child.stdin.end()
  await new Promise((resolve) => child.once('close', resolve))
})

test('an error while scrubbing ends the stream, not the worker, and lets nothing through', { skip: needsLinux }, async (t) => {
  // Every character there is: none is left to mask with.
  const all = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1)).join('')
  const { env } = makeEnv(t, { userEnvKeys: { ALL: all } })
  assert.equal((await outcome(startScript(env, 'echo through >&2'))).stderr, 'through\n', 'NUL is left: no variable can have one')
  const child = startScript(env, 'echo one >&2; sleep 0.1; echo two >&2')
  const { NativeRedactorStream } = require('./support/addon.js')
  const { feed } = NativeRedactorStream.prototype
  t.after(() => (NativeRedactorStream.prototype.feed = feed))
  NativeRedactorStream.prototype.feed = () => {
    throw Object.assign(new Error('not JSON, as a panic would be'), { code: 'GenericFailure' })
  }
  const errors = /** @type {any[]} */ ([])
  let text = ''
  child.stderr
    .on('error', (/** @type {any} */ error) => errors.push(error.code))
    .on('data', (/** @type {Buffer} */ bytes) => (text += bytes))
  child.stdout.resume()
  await new Promise((resolve) => child.once('close', resolve))
  assert.deepEqual([errors, text], [['ERR_PROVIDER_INTERNAL'], ''])
})

test('streams that nobody reads, and that are destroyed, let go of it too', { skip: needsLinux }, async (t) => {
  const before = memoryProtection().allocations
  for (const act of [() => {}, (/** @type {any} */ child) => child.stderr.destroy(), (/** @type {any} */ child) => child.kill('SIGKILL')]) {
    const { env } = makeLaunchEnv(t)
    const child = startScript(env, 'echo "$USER_DB" >&2; sleep 0.2', { redactOutput: true })
    env.dispose()
    await child.spawned
    act(child)
    await new Promise((resolve) => child.once('close', resolve))
  }
  const failed = makeLaunchEnv(t)
  await assert.rejects(spawnProvider(failed.env, { ...ids, command: '/nowhere', redactOutput: true }).spawned)
  failed.env.dispose()
  await until('all secrets are gone', () => memoryProtection().allocations === before)
})

test('a stream that does not pass through here is refused when requested, and reported when not', { skip: needsLinux }, async (t) => {
  const { env } = makeLaunchEnv(t)
  for (const [stdio, redactOutput] of [
    [['ignore', 'pipe', 'inherit'], { stderr: true }],
    [['ignore', 'inherit', 'pipe'], true],
    ['inherit', true]
  ]) {
    assert.throws(() => startScript(env, ':', { stdio, redactOutput }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /names std(out|err), which does not pass through this process/
    })
  }
  for (const [stdio, missing] of [
    ['ignore', []],
    ['pipe', []],
    [['ignore', 'pipe', 'inherit'], ['stderr-redaction']],
    [['ignore', 'ignore', 2], ['stderr-redaction']]
  ]) {
    const child = startScript(env, ':', { stdio })
    assert.deepEqual(child.missingProtections, missing)
    await child.exited
  }
  for (const redactOutput of ['yes', null, 1, { stdin: true }, { stdout: 'yes' }]) {
    assert.throws(() => startScript(env, ':', { redactOutput }), TypeError)
  }
})
