// Who runs what: four made-up credentials against the mock APIs, or the server's real keys against the real ones.
'use strict'

const { randomBytes } = require('node:crypto')
const { takeServerCredentials } = require('..')
const { startMockApi } = require('../__test__/support/mock-api/index.js')

/** What the agent is made to run, to show what its shell has. */
const SHELL_COMMAND = 'env | sort'

/** @param {string} prefix */
const madeUp = (prefix) => `${prefix}-made-up-${randomBytes(12).toString('hex')}`

/** @typedef {Awaited<ReturnType<typeof mockScene>> | ReturnType<typeof liveScene>} Scene */

/** @param {import('./workshop.js').Workshop} workshop */
async function mockScene(workshop) {
  // Kept as strings only so that the demo can look for them where they must not be.
  const keys = {
    adaClaude: madeUp('sk-ant-api03'),
    adaCodex: madeUp('sk-proj'),
    benClaude: madeUp('sk-ant-oat01'),
    server: madeUp('sk-svcacct')
  }
  // A real key in the shell that this was started from stays out of it.
  for (const name of ['ANTHROPIC_API_KEY', 'CODEX_API_KEY']) delete process.env[name]
  process.env.OPENAI_API_KEY = keys.server
  const serverCredentials = takeServerCredentials()
  const bytes = (/** @type {string} */ key) => new TextEncoder().encode(key)

  const runs = [
    { tenant: 'ada', provider: 'claude', payload: { apiKey: bytes(keys.adaClaude) }, key: keys.adaClaude, shell: true },
    { tenant: 'ada', provider: 'codex', payload: { apiKey: bytes(keys.adaCodex) }, key: keys.adaCodex, shell: true },
    { tenant: 'ben', provider: 'claude', payload: { oauthAccessToken: bytes(keys.benClaude) }, key: keys.benClaude, shell: false },
    { tenant: 'ben', provider: 'codex', payload: {}, key: keys.server, shell: false }
  ]
  /** By key: the command that the agent runs when it is asked for its key. @type {Map<string | null, string>} */
  const searches = new Map()
  const api = await startMockApi({ answer: (turn) => (searches.has(turn.credential) ? searchAnswer(turn, searches) : answer(turn, runs)) })
  workshop.onClose(() => api.close())
  return {
    kind: /** @type {const} */ ('mock'),
    runs: runs.map((run) => ({ ...run, prompt: mockPrompt(run) })),
    serverCredentials,
    api,
    onSearch: (/** @type {string} */ key, /** @type {string} */ command) => void searches.set(key, command)
  }
}

/** @param {{ tenant: string, shell: boolean }} run */
function mockPrompt({ tenant, shell }) {
  return shell ? `run: ${SHELL_COMMAND}` : `Greet ${tenant}.`
}

/**
 * Greets whoever the credential belongs to, not whoever the prompt names.
 * @param {import('../__test__/support/mock-api/types').MockTurn} turn
 * @param {{ tenant: string, key: string }[]} runs
 * @returns {import('../__test__/support/mock-api/types').Reply}
 */
function answer(turn, runs) {
  const owner = runs.find((run) => run.key === turn.credential)?.tenant ?? 'stranger'
  if (turn.prompt.startsWith('run: ') && turn.step === 0) return { run: turn.prompt.slice('run: '.length) }
  return { text: `Hello ${owner}: this credential is yours.` }
}

/**
 * @param {import('../__test__/support/mock-api/types').MockTurn} turn
 * @param {Map<string | null, string>} searches
 * @returns {import('../__test__/support/mock-api/types').Reply}
 */
function searchAnswer(turn, searches) {
  if (turn.step > 0) return { text: 'The search is over.' }
  const command = searches.get(turn.credential) ?? 'false'
  // Codex would not wait for it for longer than ten seconds.
  return turn.provider === 'codex' ? { call: 'exec_command', input: { cmd: command, yield_time_ms: 30_000 } } : { run: command }
}

/**
 * Never run by a test: it needs real keys and a network. What it shares with the mock scene is everything but the keys,
 * the base URL, and the flags that keep the CLIs quiet.
 */
function liveScene() {
  const serverCredentials = takeServerCredentials()
  const { providers } = serverCredentials
  if (providers.length === 0) {
    throw new Error('--live needs ANTHROPIC_API_KEY or OPENAI_API_KEY (or both) in the environment. Without --live no key is needed.')
  }
  const prompts = [
    { tenant: 'ada', shell: true, prompt: `Run the shell command \`${SHELL_COMMAND}\` once. Then answer with the number of lines only.` },
    { tenant: 'ben', shell: false, prompt: 'Greet Ben in one short sentence. Use no tool.' }
  ]
  const runs = prompts.flatMap((part) => providers.map((provider) => ({ ...part, provider, payload: {}, key: undefined })))
  return { kind: /** @type {const} */ ('live'), runs, serverCredentials, api: undefined }
}

module.exports = { SHELL_COMMAND, liveScene, madeUp, mockScene }
