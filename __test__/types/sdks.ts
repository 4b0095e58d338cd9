// What this package returns fits what the two SDKs take.
import { type Options, query, type SpawnedProcess } from '@anthropic-ai/claude-agent-sdk'
import { Codex, type CodexOptions } from '@openai/codex-sdk'
import { claudeAgentOptions, codexOptions, type ProviderEnv, type ProviderProcess } from '../../index.js'

declare const env: ProviderEnv

/** What the adapter's function returns is a process as the Claude Agent SDK wants it. */
export const spawned: SpawnedProcess = claudeAgentOptions(env).spawnClaudeCodeProcess({
  command: 'claude',
  args: [],
  env: {},
  signal: new AbortController().signal
})

export const claude: Options = {
  ...claudeAgentOptions(env, { cwd: '/srv/w', uid: 1000, gid: 1000 }),
  model: 'made-up',
  includePartialMessages: true
}
export const turns = query({ prompt: 'hi', options: { ...claudeAgentOptions(env), cwd: '/srv/w', abortController: new AbortController() } })

export const codex: CodexOptions = codexOptions(env, { cwd: '/srv/w', exposeSecrets: true })
export const thread = new Codex(codexOptions(env, { exposeSecrets: true })).startThread({ workingDirectory: '/srv/w' })

/** Also where the caller has the process itself, from `onSpawn`. */
export const seen: ProviderProcess[] = []
claudeAgentOptions(env, { onSpawn: (child) => void seen.push(child) })
