// Claude Code in a hostile workspace: no file in it runs or speaks to the model, unless trusted, and none redirects the key.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const fs = require('node:fs')
const test = require('node:test')
const { spawnProvider } = require('../../index.js')
const { makeDir, marksIn, plantClaude } = require('../support/attacks.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { agentHomes, credentialsSeen, prepareTurn, runTurn, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = 'sk-ant-api03-made-up-tenant-key'
const TOKEN = 'sk-ant-oat01-made-up-tenant-token'
// Neither the base URL nor the key helper of a trusted workspace counts: the start says who its host is.
const ALL = ['claude-hook-local', 'claude-hook-project', 'claude-mcp']
const INERT = { marks: [], evil: [], texts: [], planted: '' }
const TEXTS = ['PLANTED-AGENT', 'PLANTED-CLAUDE-MD', 'PLANTED-SKILL']

/** @typedef {ReturnType<typeof agentHomes>} Homes */

// `bites`: what a trusted workspace does otherwise than the first; null where it can do nothing either.
/** @type {{ name: string, bites?: Record<string, any> | null, payload?: Record<string, string>, launch?: Record<string, any>, cwd?: (homes: Homes) => string, args?: (common: string[], prompt: string) => string[] }[]} */
const CASES = [
  { name: 'API key by fd', launch: { delivery: 'fd' } },
  { name: 'API key by the broker', launch: { delivery: 'broker' } },
  { name: 'API key by env', launch: { delivery: 'env' } },
  // A key helper turns a token off, and is not run: the turn ends without a request.
  {
    name: 'OAuth token by fd',
    payload: { oauthAccessToken: TOKEN },
    launch: { delivery: 'fd' },
    bites: { texts: [], planted: undefined }
  },
  // With the broker it is not.
  { name: 'OAuth token by the broker', payload: { oauthAccessToken: TOKEN }, launch: { delivery: 'broker' } },
  {
    name: 'cwd through a symlink',
    cwd: ({ root, workspace }) => (fs.symlinkSync(workspace, path.join(root, 'link')), path.join(root, 'link'))
  },
  {
    name: 'below the planted directory',
    bites: { marks: ['claude-mcp'], planted: '' },
    cwd: ({ workspace }) => makeDir(path.join(workspace, 'site'))
  },
  { name: 'user settings requested by the caller', bites: null, args: (common, prompt) => [...common, '--setting-sources=user', prompt] },
  { name: 'a prompt after --', args: (common, prompt) => [...common, '--', prompt] }
]

for (const { name, bites, payload = { apiKey: KEY }, launch, cwd, args } of CASES) {
  for (const workspaceTrust of /** @type {const} */ (['untrusted', 'trusted'])) {
    if (workspaceTrust === 'trusted' && bites === null) continue
    test(`${name}: ${workspaceTrust === 'untrusted' ? 'inert' : 'control, trusted, bites'}`, async (t) => {
      const [mock, evil] = [await startMock(t), await startMock(t)]
      const homes = agentHomes(t)
      plantClaude(homes.workspace, homes.tmpDir, evil.anthropicBaseUrl)
      const turn = await runTurn('claude', {
        mock,
        homes,
        programs,
        payload,
        args,
        workspace: cwd?.(homes),
        prompt: 'run: echo "planted=[$PLANTED]"',
        launch: { ...launch, workspaceTrust }
      })
      const seen = outcome(turn, homes, mock, evil)
      if (workspaceTrust === 'untrusted') {
        assert.equal(turn.code, 0, turn.stdout + turn.stderr)
        assert.deepEqual(seen, INERT)
        assert.deepEqual(credentialsSeen(mock), [payload.apiKey ? `x-api-key ${KEY}` : `authorization ${TOKEN}`])
        return
      }
      assert.deepEqual(seen, { marks: ALL, evil: [], texts: TEXTS, planted: 'local', ...bites })
    })
  }
}

for (const args of [
  ['--setting-sources=project'],
  ['--setting-sources', 'local'],
  ['--setting-sources=user, project'],
  ['--setting-sources=', '--setting-sources=local']
]) {
  test(`${args.join(' ')} is refused before any process`, async (t) => {
    const mock = await startMock(t)
    const { env, options } = prepareTurn('claude', {
      mock,
      homes: agentHomes(t),
      programs,
      payload: { apiKey: KEY },
      args: (common, prompt) => [...common, ...args, prompt]
    })
    assert.throws(() => spawnProvider(env, options), { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' })
    assert.equal(mock.requests.length, 0)
  })
}

/**
 * @param {{ text: string }} turn
 * @param {Homes} homes
 * @param {import('../support/mock-api/types').MockApi} mock
 * @param {import('../support/mock-api/types').MockApi} evil
 */
function outcome({ text }, { tmpDir }, mock, evil) {
  const bodies = JSON.stringify([...mock.requests, ...evil.requests].map(({ body }) => body))
  return {
    marks: marksIn(tmpDir),
    evil: credentialsSeen(evil),
    texts: TEXTS.filter((planted) => bodies.includes(planted)),
    planted: /planted=\[(.*)\]/.exec(text)?.[1]
  }
}
