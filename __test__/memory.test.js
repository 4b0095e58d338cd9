// No copy of a key is left in the worker's memory when it was let go of, whichever way, seen from another process; while
// it is held, every copy is in guarded memory; a leak is found.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Lockbox } = require('../index.js')
const { countInMemory } = require('./support/memory-scan.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'holds-a-key.js')
const skip =
  process.platform !== 'linux' ? 'reads /proc' : process.getuid?.() === 0 ? false : 'needs root: reads the memory of another process'

/**
 * What is done; how many copies there are while it is held, and how many of them outside of guarded memory; how many
 * when it was let go of.
 * @type {Record<string, { live: (count: number) => boolean, outside?: (count: number) => boolean, after?: (count: number) => boolean, node?: string[] }>}
 */
const ROWS = {
  // One for the key, one for each of the other values.
  'bytes, codex': { live: (n) => n === 4 },
  'bytes, codex in its environment': { live: (n) => n === 4 },
  'bytes, claude': { live: (n) => n === 4 },
  'bytes, claude by the broker': { live: (n) => n === 4 },
  'JSON, codex': { live: (n) => n === 2 },
  'JSON, claude': { live: (n) => n === 2 },
  message: { live: (n) => n === 2 },
  handle: { live: (n) => n === 1 },
  'sealed, codex': { live: (n) => n === 1 },
  'sealed, claude': { live: (n) => n === 1 },
  'build errors': { live: (n) => n === 0 },
  'spawn errors': { live: (n) => n === 0 },
  lockbox: { live: (n) => n === 1 },
  'master key': { live: (n) => n === 1 },
  'master key in hex': { live: (n) => n === 1 },
  'small arrays': { live: (n) => n === 3 },
  // The handle's own.
  'validated keys': { live: (n) => n === 1 },
  redactor: { live: (n) => n === 1 },
  exit: { live: (n) => n === 4 },
  throw: { live: (n) => n === 4 },
  collected: { live: (n) => n === 4, node: ['--expose-gc'] },
  thread: { live: (n) => n === 4 },
  // The controls: V8 keeps a string, a Buffer is on the heap, and the scanner sees both.
  string: { live: (n) => n >= 2, outside: (n) => n >= 1, after: (n) => n >= 1 },
  leak: { live: (n) => n === 5, outside: (n) => n === 1, after: (n) => n === 1 }
}

/** @param {any} t @param {string} what @param {string[]} [node] */
function startFixture(t, what, node = []) {
  const secret = Buffer.from(`sentine${randomBytes(12).toString('hex')}`)
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'memory-'))
  const reversed = Buffer.from(secret).reverse().toString('latin1')
  const child = spawn(process.execPath, [...node, FIXTURE, what, reversed, home], { stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => {
    child.kill('SIGKILL')
    fs.rmSync(home, { recursive: true, force: true })
  })
  let complaint = ''
  child.stderr.on('data', (more) => (complaint += more))
  let text = ''
  /** @type {((line: string) => void)[]} */
  const waiting = []
  const lines = /** @type {string[]} */ ([])
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more
    const whole = text.split('\n')
    text = whole.pop() ?? ''
    for (const line of whole) (waiting.shift() ?? ((each) => lines.push(each)))(line)
  })
  const ended = new Promise((_, reject) => child.once('close', () => reject(new Error(`the fixture ended: ${complaint}`))))
  ended.catch(() => {})
  const next = () =>
    lines.length > 0 ? Promise.resolve(lines.shift()) : Promise.race([ended, new Promise((resolve) => waiting.push(resolve))])
  const go = (line = '') => child.stdin.write(`${line}\n`)
  return { secret, pid: Number(child.pid), next, go }
}

/** A secret sealed in this process, which holds it anyway. @param {Buffer} secret @param {string} publicKey */
function sealFor(secret, publicKey) {
  const lockbox = new Lockbox({ masterKeys: [randomBytes(32)] })
  const context = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
  const row = lockbox.seal(Buffer.from(secret), context)
  return lockbox.unsealFor(row, context, publicKey, { workspace: 'ws_1', field: 'apiKey', request: 'r' })
}

for (const [what, { live, outside = (n) => n === 0, after = (n) => n === 0, node }] of Object.entries(ROWS)) {
  test(`copies of a key: ${what}`, { skip }, async (t) => {
    const { secret, pid, next, go } = startFixture(t, what, node)
    if (what.startsWith('sealed')) go(sealFor(secret, String(await next())))
    assert.equal(await next(), 'live')
    const held = countInMemory(pid, secret)
    go()
    assert.equal(await next(), 'gone')
    const left = countInMemory(pid, secret)
    t.diagnostic(`${held.all} live, ${held.all - held.guarded} of them outside of guarded memory; ${left.all} afterwards`)
    assert.ok(live(held.all), `${held.all} while it is held`)
    assert.ok(outside(held.all - held.guarded), `${held.all - held.guarded} outside of guarded memory`)
    assert.ok(after(left.all), `${left.all} afterwards`)
  })
}
