// The worker: hardened, without the lockbox. It opens in Rust what was sealed for it, and runs the CLI with that.
'use strict'

const { connect } = require('node:net')
const { buildProviderEnv, createRecipient, hardenWorker, memoryProtection, spawnProvider } = require('../..')
const { quiet } = require('../../__test__/support/quiet.js')
const { ARGUMENTS, readAll } = require('../command-line.js')
const { readEvents } = require('../events.js')
const { linesOf, toLine } = require('./lines.js')
const { readSetting } = require('./setting.js')

const hardening = hardenWorker()
const setting = readSetting()
const recipient = createRecipient()
const socket = connect(setting.socket)
/** What was let out on purpose, for the scanner to find. @type {unknown[]} */
const leaks = []

async function main() {
  // Without its parent it has nothing to do; a CLI that still runs ends with it.
  socket.once('close', () => process.exit())
  tell({ pid: process.pid, publicKey: recipient.publicKey, hardening })
  for await (const line of linesOf(socket)) {
    try {
      await serve(JSON.parse(line))
    } catch (error) {
      tell({ failure: /** @type {Error} */ (error).message })
    }
  }
}

/** @param {{ requestId: string, workspaceId: string, provider: 'claude' | 'codex', payload: any, leak?: boolean }} request */
async function serve({ requestId, workspaceId, provider, payload, leak }) {
  const { baseUrl, state } = setting.providers[provider]
  const bytes = new TextEncoder().encode(JSON.stringify({ provider, ...payload }))
  const env = buildProviderEnv(bytes, {
    recipient,
    requestId,
    workspace: { ...setting.workspace, ...state, id: workspaceId },
    baseUrl,
    set: quiet[provider].env
  })
  try {
    if (leak) leaks.push(env.exposeSecrets())
    else await runTurn(env)
  } finally {
    // Not before: the scan while the CLI runs is to find the environment alive.
    env.dispose()
  }
  tell({ requestId, ended: true })
}

/** @param {import('../..').ProviderEnv} env */
async function runTurn(env) {
  const child = spawnProvider(env, {
    command: setting.providers[env.provider].program,
    args: ARGUMENTS[env.provider]({ prompt: `Greet ${setting.tenant}.` }, 'mock'),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...setting.ids,
    redactOutput: { stderr: true },
    timeoutMs: 30_000,
    killGraceMs: 1000
  })
  const output = readAll(child)
  await child.spawned
  tell({ pid: child.pid, delivery: child.delivery, protection: memoryProtection() })
  const [{ code, error }, { events, stderr }] = await Promise.all([child.exited, output])
  if (error) throw error
  const { answer, failure } = readEvents(env.provider, events)
  if (code !== 0 || failure) throw new Error(`${env.provider} ended with ${code}: ${failure ?? stderr.trim().split('\n').at(-1)}`)
  tell({ answer })
}

/** @param {unknown} message */
function tell(message) {
  socket.write(toLine(message))
}

main()
