// A worker that is the agent's uid already, as the Codex SDK needs it: runs one turn and prints what the SDK said.
import { readFileSync } from 'node:fs'
import { Codex } from '@openai/codex-sdk'
import { buildProviderEnv, codexOptions } from '../../index.mjs'

const { payload, envOptions, launch, config, thread, prompts } = JSON.parse(readFileSync(0, 'utf8'))
try {
  const env = buildProviderEnv(payload, envOptions)
  const options = codexOptions(env, launch)
  env.dispose()
  const codex = new Codex({ ...options, config })
  const conversation = codex.startThread(thread)
  const turns = []
  for (const prompt of prompts) turns.push(await conversation.run(prompt))
  report({ turns, uid: process.getuid(), names: Object.keys(options.env), own: process.env })
} catch (error) {
  report({ error: { code: error.code, message: error.message } })
}

function report(value) {
  process.stdout.write(JSON.stringify(value))
}
