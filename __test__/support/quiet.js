// The variables and arguments that switch off what the real CLIs do in the background, offline above all.
'use strict'

// Codex otherwise asks github.com and chatgpt.com, which costs five seconds a run when they can not be reached.
const CODEX_ARGS = Object.freeze(['--disable', 'plugins', '--disable', 'apps', '-c', 'analytics.enabled=false'])

const CLAUDE_ENV = Object.freeze({
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  DISABLE_TELEMETRY: '1',
  // One refused request is an answer; the default is ten retries with growing pauses.
  CLAUDE_CODE_MAX_RETRIES: '0'
})

/** @type {Record<'codex' | 'claude', { env: Record<string, string>, args: string[] }>} */
const quiet = {
  codex: { env: {}, args: [...CODEX_ARGS] },
  claude: { env: { ...CLAUDE_ENV }, args: [] }
}

module.exports = { quiet }
