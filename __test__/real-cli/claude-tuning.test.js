// Variables that tune Claude Code, as its own messages recommend them: what each changes is what the API receives and what is
// left on the disk, and nothing about the credential.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { agentHomes, credentialsSeen, runTurn, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = 'sk-ant-api03-made-up-tenant-key'

/** One turn with these variables: the limit in the API's request, and the transcripts. @param {any} t @param {Record<string, string>} set */
async function turnWith(t, set) {
  const homes = agentHomes(t)
  const mock = await startMock(t)
  const turn = await runTurn('claude', {
    mock,
    homes,
    programs,
    payload: { apiKey: KEY },
    envOptions: { set: { ...quiet.claude.env, ...set } }
  })
  assert.equal(turn.code, 0, turn.stdout + turn.stderr)
  assert.deepEqual(credentialsSeen(mock), [`x-api-key ${KEY}`])
  const limits = mock.requests.map(({ body }) => body?.max_tokens).filter((limit) => limit !== undefined)
  const projects = path.join(homes.claudeConfigDir, 'projects')
  const transcripts = fs.existsSync(projects)
    ? fs.readdirSync(projects, { recursive: true }).filter((name) => String(name).endsWith('.jsonl'))
    : []
  return { limits: [...new Set(limits)], transcripts: transcripts.length }
}

test('the limit of output tokens is the one that was set', async (t) => {
  assert.deepEqual((await turnWith(t, { CLAUDE_CODE_MAX_OUTPUT_TOKENS: '1234' })).limits, [1234])
  assert.ok(!(await turnWith(t, {})).limits.includes(1234))
})

test('no transcript is written where none is wanted', async (t) => {
  assert.equal((await turnWith(t, { CLAUDE_CODE_SKIP_PROMPT_HISTORY: '1' })).transcripts, 0)
  assert.equal((await turnWith(t, {})).transcripts, 1)
})
