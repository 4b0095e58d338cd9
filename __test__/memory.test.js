// No copy of a key is left in the worker's memory after dispose(), seen from another process; a leak is found.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { countInMemory } = require('./support/memory-scan.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'holds-a-key.js')
const skip = process.platform !== 'linux' ? 'reads /proc' : false

/** @type {{ provider: string, form: string, leak?: boolean, live: (count: number) => boolean, after: (count: number) => boolean }[]} */
const ROWS = [
  // One for the key, one for each of the other values.
  { provider: 'codex', form: 'bytes', live: (n) => n === 4, after: (n) => n === 0 },
  { provider: 'claude', form: 'bytes', live: (n) => n === 4, after: (n) => n === 0 },
  { provider: 'codex', form: 'json', live: (n) => n === 2, after: (n) => n === 0 },
  { provider: 'claude', form: 'json', live: (n) => n === 2, after: (n) => n === 0 },
  { provider: 'claude', form: 'refused', live: (n) => n === 0, after: (n) => n === 0 },
  // The control: V8 keeps a string, and the scanner sees it.
  { provider: 'claude', form: 'string', live: (n) => n >= 2, after: (n) => n >= 1 },
  { provider: 'claude', form: 'bytes', leak: true, live: (n) => n === 5, after: (n) => n === 1 }
]

for (const { provider, form, leak, live, after } of ROWS) {
  test(`${provider}, ${form}${leak ? ', with a deliberate leak' : ''}`, { skip }, async (t) => {
    const sentinel = Buffer.from(`sentinel-${Math.random().toString(36).slice(2)}-${Date.now()}`)
    const reversed = Buffer.from(sentinel).reverse().toString('latin1')
    const codexHome = fs.mkdtempSync(path.join(os.tmpdir(), 'memory-'))
    const env = leak ? { ...process.env, LEAK: '1' } : process.env
    const child = spawn(process.execPath, [FIXTURE, provider, form, reversed, codexHome], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => {
      child.kill('SIGKILL')
      fs.rmSync(codexHome, { recursive: true })
    })
    assert.equal(String((await once(child.stdout, 'data'))[0]), 'live\n')
    const whileLive = countInMemory(Number(child.pid), sentinel)
    child.stdin.write('go\n')
    assert.equal(String((await once(child.stdout, 'data'))[0]), 'disposed\n')
    const whenDisposed = countInMemory(Number(child.pid), sentinel)
    t.diagnostic(`${whileLive} live, ${whenDisposed} after dispose()`)
    assert.ok(live(whileLive), `${whileLive} while live`)
    assert.ok(after(whenDisposed), `${whenDisposed} after dispose()`)
  })
}
