// A worker in a separate process that makes one real turn with a key that it is sent, and holds the environment until told
// to let go of it. The key comes sealed for its public key, or reversed.
'use strict'

const readline = require('node:readline')
const { createRecipient, spawnProvider } = require('../../index.js')
const { prepareTurn } = require('../support/real-turn.js')

const say = (/** @type {unknown} */ value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const reverse = (/** @type {string} */ reversed) => Buffer.from(reversed).reverse()

/** How the key gets into the payload. @type {Record<string, (key: string) => any>} */
const WAYS = {
  sealed: (key) => key,
  bytes: reverse,
  string: (key) => reverse(key).toString('latin1')
}

async function main() {
  const recipient = createRecipient()
  say(recipient.publicKey)
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const { provider, way, key, turn } = JSON.parse((await lines.next()).value)
  const { env, options } = prepareTurn(provider, {
    ...turn,
    payload: { apiKey: WAYS[way](key) },
    envOptions: { recipient, requestId: 'req_1', workspace: { id: 'ws_1' } }
  })
  const child = spawnProvider(env, { ...options, stdio: ['ignore', 'pipe', 'pipe'], redactOutput: true })
  let output = ''
  child.stdout?.on('data', (/** @type {Buffer} */ bytes) => (output += bytes))
  child.stderr?.resume()
  await new Promise((resolve) => child.once('close', resolve))
  say({ code: child.exitCode, output })
  await lines.next()
  env.dispose()
  say('gone')
  await lines.next()
}

main().catch((error) => {
  say({ failed: error.message })
  process.exit(1)
})
