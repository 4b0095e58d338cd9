// Each CLI runs git at its start in a hostile repository: what that repository configures does not run.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const fs = require('node:fs')
const test = require('node:test')
const { give, marksIn, write } = require('../support/attacks.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, runTurn, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEYS = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up' }

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider} runs git in a hostile repository without running the repository's commands`, {
    skip: hasGit() ? false : 'no git'
  }, async (t) => {
    const mock = await startMock(t)
    const homes = agentHomes(t)
    const { workspace, tmpDir } = homes
    const git = (/** @type {string[]} */ ...args) =>
      execFileSync('git', ['-C', workspace, ...args], { ...AGENT, env: { PATH: process.env.PATH, HOME: homes.home }, stdio: 'pipe' })
    git('init', '-q')
    write(workspace, 'file', 'x')
    write(workspace, '.git/planted', `#!/bin/sh\nenv > ${tmpDir}/codex-hook-git\n`)
    fs.chmodSync(path.join(workspace, '.git/planted'), 0o755)
    for (const name of ['core.fsmonitor', 'core.sshCommand', 'diff.external', 'core.pager'])
      git('config', name, path.join(workspace, '.git/planted'))
    give(workspace)
    const turn = await runTurn(provider, { mock, homes, programs, payload: { apiKey: KEYS[provider] } })
    assert.equal(turn.code, 0, turn.stdout + turn.stderr)
    assert.deepEqual(marksIn(tmpDir), [])
    // The control: an ordinary git obeys the repository.
    git('status')
    assert.deepEqual(marksIn(tmpDir), ['codex-hook-git'])
  })
}

function hasGit() {
  try {
    return execFileSync('git', ['--version'], { ...AGENT, cwd: '/', stdio: 'pipe' }).length > 0
  } catch {
    return false
  }
}
