// A turn of a real CLI that nothing of this package starts: with these variables and arguments alone, and those that keep it quiet.
'use strict'

const { spawn } = require('node:child_process')
const { quiet } = require('./quiet.js')
const { AGENT, CLAUDE_ARGS, codexArgs, livesIn, readTurn } = require('./real-turn.js')

/** Longer than any turn on a busy machine, and shorter than what a test may take. */
const LIMIT_MS = 120_000

/**
 * @typedef {object} PlainTurn
 * @property {import('./homes.js').Homes} homes
 * @property {string} program
 * @property {Record<string, string>} env beside HOME, PATH, TMPDIR and the CLI's own directory
 * @property {string[]} [args] beside those of every turn
 * @property {string} [prompt]
 * @property {string[]} [resume] of Codex: what stands before the prompt
 */

/**
 * @param {'claude' | 'codex'} provider
 * @param {PlainTurn} turn
 */
function startPlain(provider, { homes, program, env, args = [], prompt = 'hello', resume }) {
  const { home, tmpDir, workspace, codexHome, claudeConfigDir } = homes
  const own = provider === 'codex' ? { CODEX_HOME: codexHome } : { CLAUDE_CONFIG_DIR: claudeConfigDir }
  const all =
    provider === 'codex'
      ? ['exec', ...quiet.codex.args, ...codexArgs('danger-full-access'), ...args, ...(resume ?? ['--']), prompt]
      : [...CLAUDE_ARGS, ...args, '--', prompt]
  const variables = {
    HOME: home,
    TMPDIR: tmpDir,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    ...quiet[provider].env,
    ...own,
    ...env
  }
  const child = spawn(program, all, {
    ...AGENT,
    cwd: workspace,
    env: variables,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL'
  })
  livesIn(homes, child)
  return { child, done: readTurn(provider, child) }
}

/** @param {'claude' | 'codex'} provider @param {PlainTurn} turn */
const runPlain = (provider, turn) => startPlain(provider, turn).done

module.exports = { runPlain, startPlain }
