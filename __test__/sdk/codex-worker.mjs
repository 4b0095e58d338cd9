// A worker that is the agent's uid already, as the Codex SDK needs it: runs one turn and prints what the SDK said.
import { readFileSync } from 'node:fs'
import { Codex } from '@openai/codex-sdk'
import { buildProviderEnv, codexOptions, UsageLedger, UsageMeter } from '../../index.mjs'

const { payload, envOptions, launch, config, thread, prompts, metered } = JSON.parse(readFileSync(0, 'utf8'))
const ledger = new UsageLedger()
try {
  const env = buildProviderEnv(payload, envOptions)
  const options = codexOptions(env, launch)
  env.dispose()
  const codex = new Codex({ ...options, config })
  const conversation = codex.startThread(thread)
  const turns = []
  for (const prompt of prompts) turns.push(metered ? await runMetered(conversation, prompt) : await conversation.run(prompt))
  options.dispose()
  report({ turns, ledger: ledger.toJSON(), uid: process.getuid(), names: Object.keys(options.env), own: process.env })
} catch (error) {
  report({ error: { code: error.code, message: error.message } })
}

/** A turn whose events are read by its own meter, as whoever uses the SDK would. */
async function runMetered(conversation, prompt) {
  const meter = new UsageMeter('codex', { workspace: 'ws_sdk', subagents: false })
  ledger.track(meter, { workspace: 'ws_1' })
  const { events } = await conversation.runStreamed(prompt)
  let told
  try {
    for await (const event of events) {
      if (event.type === 'turn.completed') told = event.usage
      meter.event(event)
    }
  } catch {
    // The SDK throws when the CLI ends with another code than 0.
  }
  meter.end()
  return { usage: meter.usage, failure: meter.failure, told }
}

function report(value) {
  process.stdout.write(JSON.stringify(value))
}
