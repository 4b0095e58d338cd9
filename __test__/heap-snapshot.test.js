// A snapshot of V8's heap has no key on the sealed path, nor on the path of bytes; it has one that came as a string.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const os = require('node:os')
const test = require('node:test')
const { Lockbox } = require('../index.js')
const { countInFile } = require('./support/file-search.js')
const { startWorker } = require('./support/worker.js')

const context = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }

/** How a payload's key is put together, from what crosses to the worker. @type {Record<string, { apiKey: string, found: boolean }>} */
const WAYS = {
  sealed: { apiKey: 'input.sealed', found: false },
  bytes: { apiKey: 'Buffer.from(input.reversed).reverse()', found: false },
  handle: { apiKey: 'main.Secret.from(Buffer.from(input.reversed).reverse())', found: false },
  // Looked at first, as a settings page does: the verdict stays.
  validated: {
    apiKey:
      "(globalThis.verdict = main.validateKey('codex', Buffer.from(input.reversed).reverse()), Buffer.from(input.reversed).reverse())",
    found: false
  },
  // The control: kept, as a worker keeps a payload that it parsed.
  string: { apiKey: "(globalThis.kept = Buffer.from(input.reversed).reverse().toString('latin1'))", found: true }
}

for (const [way, { apiKey, found }] of Object.entries(WAYS)) {
  test(`a heap snapshot, ${way}`, async (t) => {
    const key = `sentinel-${randomBytes(12).toString('hex')}`
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'heap-'))
    const lockbox = new Lockbox({ masterKeys: [randomBytes(32)] })
    t.after(() => fs.rmSync(dir, { recursive: true }))
    // The text is sealed when the worker has said its public key; on stdin, as over a socket.
    const body = `
      const recipient = main.createRecipient()
      say(recipient.publicKey)
      input.sealed = await new Promise((resolve) => process.stdin.setEncoding('utf8').once('data', (text) => resolve(text.trim())))
      const env = main.buildProviderEnv({ apiKey: ${apiKey}, provider: 'codex' }, { recipient, requestId: 'r', workspace: { id: 'w', home: '/tmp' } })
      const child = main.spawnProvider(env, { command: '/bin/sh', args: ['-c', 'echo "$CODEX_API_KEY" >&2'], delivery: 'env', cwd: '/', allowRoot: true, workspaceTrust: 'trusted' })
      child.stdout.resume()
      let scrubbed = ''
      child.stderr.on('data', (bytes) => (scrubbed += bytes))
      await new Promise((resolve) => child.on('error', () => {}).once('close', resolve))
      require('node:v8').writeHeapSnapshot(input.file)
      say({ scrubbed, error: env.disposed })
      await pause(60_000)`
    const file = path.join(dir, 'snapshot.json')
    const worker = startWorker(t, body, { input: { file, reversed: [...key].reverse().join('') } })
    const publicKey = await worker.next()
    const row = lockbox.seal(Buffer.from(key), context)
    worker.stdin.write(`${lockbox.unsealFor(row, context, publicKey, { workspace: 'w', field: 'apiKey', request: 'r' })}\n`)
    const { scrubbed } = await worker.next()
    assert.equal(scrubbed.trim(), '*'.repeat(key.length))
    assert.ok(fs.statSync(file).size > 1_000_000)
    const [count] = countInFile(file, [Buffer.from(key)])
    t.diagnostic(`${count} in the snapshot`)
    assert.equal(count > 0, found)
  })
}
