// The command line of each CLI for one turn, and the parser of its output.
'use strict'

const { createInterface } = require('node:readline')
const { quiet } = require('../__test__/support/quiet.js')

/** @type {Record<string, (run: any, kind: 'mock' | 'live') => string[]>} */
const ARGUMENTS = {
  claude: ({ prompt }, kind) => [
    '-p',
    '--output-format=stream-json',
    '--verbose',
    '--max-turns=5',
    ...(kind === 'mock' ? ['--model=claude-sonnet-4-5'] : []),
    '--allowedTools=Bash',
    prompt
  ],
  codex: ({ prompt }, kind) => [
    'exec',
    ...(kind === 'mock' ? quiet.codex.args : []),
    '--experimental-json',
    '--skip-git-repo-check',
    // The mock's one command is ours, and not every machine lets a sandbox be made.
    `--sandbox=${kind === 'mock' ? 'danger-full-access' : 'read-only'}`,
    '--',
    prompt
  ]
}

/**
 * Lines of JSON from stdout, text from stderr.
 * @param {import('..').ProviderProcess} child
 */
async function readAll(child) {
  /** @type {any[]} */
  const events = []
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text))
  for await (const line of createInterface({ input: /** @type {any} */ (child.stdout) })) {
    try {
      events.push(JSON.parse(line))
    } catch {
      // A warning in between; the demo does not need it.
    }
  }
  return { events, stderr }
}

module.exports = { ARGUMENTS, readAll }
