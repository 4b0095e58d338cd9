// After a real turn: how many copies of the key the worker's memory has, by how it came; none outside of guarded memory
// and none after dispose(), but for a string.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')
const test = require('node:test')
const { Lockbox } = require('../../index.js')
const { countInMemory } = require('../support/memory-scan.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, credentialsSeen, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const skip = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'needs root on Linux: reads the memory of another process' : false
const programs = installForAnyone({ test })
const context = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
const SENT = { claude: 'x-api-key', codex: 'authorization' }

/** @param {string} key @param {string} publicKey */
function sealFor(key, publicKey) {
  const lockbox = new Lockbox({ masterKeys: [randomBytes(32)] })
  const row = lockbox.seal(Buffer.from(key), context)
  return lockbox.unsealFor(row, context, publicKey, { workspace: 'ws_1', field: 'apiKey', request: 'req_1' })
}

const reverse = (/** @type {string} */ key) => [...key].reverse().join('')

/** What the worker is sent, and what may be found. @type {Record<string, { send: (key: string, publicKey: string) => string, outside: boolean }>} */
const WAYS = {
  sealed: { send: sealFor, outside: false },
  bytes: { send: reverse, outside: false },
  // V8 keeps it: the number is printed, and the scanner is seen to find something.
  string: { send: reverse, outside: true }
}

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  for (const [way, { send, outside }] of Object.entries(WAYS)) {
    test(`${provider}, ${way}: the worker's memory after a turn`, { skip }, async (t) => {
      const key = `${provider === 'claude' ? 'sk-ant-api03' : 'sk-proj'}-sentinel-${randomBytes(12).toString('hex')}`
      const mock = await startMock(t)
      const homes = agentHomes(t)
      const worker = spawn(process.execPath, [path.join(__dirname, 'turn-worker.js')], { stdio: ['pipe', 'pipe', 'inherit'] })
      t.after(() => worker.kill('SIGKILL'))
      const lines = readline.createInterface({ input: worker.stdout })[Symbol.asyncIterator]()
      const next = async () => JSON.parse((await lines.next()).value)
      const { openaiBaseUrl, anthropicBaseUrl } = mock
      const turn = {
        mock: { openaiBaseUrl, anthropicBaseUrl },
        homes,
        programs,
        prompt: 'run: echo $CODEX_API_KEY $ANTHROPIC_API_KEY over',
        launch: AGENT
      }
      worker.stdin.write(`${JSON.stringify({ provider, way, key: send(key, await next()), turn })}\n`)

      const { code, output, failed } = await next()
      assert.equal(failed, undefined)
      assert.equal(code, 0, output)
      assert.deepEqual(
        credentialsSeen(mock).filter((seen) => seen !== 'none'),
        [`${SENT[provider]} ${key}`]
      )
      assert.ok(!output.includes(key))

      const held = countInMemory(Number(worker.pid), Buffer.from(key))
      worker.stdin.write('go\n')
      assert.equal(await next(), 'gone')
      const left = countInMemory(Number(worker.pid), Buffer.from(key))
      t.diagnostic(`${held.all} live, ${held.all - held.guarded} of them outside of guarded memory; ${left.all} after dispose()`)
      assert.equal(held.guarded, 1, 'one, in guarded memory')
      assert.equal(held.all - held.guarded > 0, outside)
      assert.equal(left.all > 0, outside)
    })
  }
}
