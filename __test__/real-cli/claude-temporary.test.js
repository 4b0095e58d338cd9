// Another tenant has made /tmp/claude-<uid> first: the CLI gets a place that nobody else can take.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { AGENT, agentHomes, runTurn, startMock } = require('../support/real-turn.js')

requirePrivateNetwork()

const needsRoot = AGENT.uid === undefined && 'needs root: it makes a directory of another uid'
const OTHER = 54321

/** What the other tenant makes. @type {Record<string, (name: string, shared: string) => void>} */
const SQUATS = {
  'a directory': (name) => own(name, 0o755),
  'a directory that is open to all': (name) => own(name, 0o1777),
  'a file': (name) => (fs.writeFileSync(name, ''), fs.chownSync(name, OTHER, OTHER)),
  'a link to a directory that is open to all': (name, shared) => {
    own(path.join(shared, 'theirs'), 0o777)
    fs.symlinkSync(path.join(shared, 'theirs'), name)
    fs.lchownSync(name, OTHER, OTHER)
  },
  'a link to nowhere': (name) => (fs.symlinkSync('/nowhere', name), fs.lchownSync(name, OTHER, OTHER))
}

/** @param {string} name @param {number} mode */
function own(name, mode) {
  fs.mkdirSync(name)
  fs.chownSync(name, OTHER, OTHER)
  fs.chmodSync(name, mode)
}

for (const [what, squat] of Object.entries(SQUATS)) {
  test(`${what} does not keep the CLI from starting`, { skip: needsRoot }, async (t) => {
    const programs = installForAnyone({ test: t })
    for (const config of [true, false]) {
      const homes = agentHomes(t)
      const shared = path.join(homes.root, 'shared')
      fs.mkdirSync(shared)
      fs.chmodSync(shared, 0o1777)
      const name = path.join(shared, `claude-${AGENT.uid}`)
      squat(name, shared)
      const workspace = { tmpDir: shared, ...(!config && { claudeConfigDir: undefined }) }
      const run = async (/** @type {any} */ set) =>
        await runTurn('claude', {
          mock: await startMock(t),
          homes,
          programs,
          payload: { apiKey: 'sk-ant-api03-made-up' },
          prompt: 'run: echo "in=$CLAUDE_CODE_TMPDIR"',
          envOptions: { workspace, set: { ...quiet.claude.env, ...set } }
        })
      const state = config ? homes.claudeConfigDir : path.join(homes.home, '.claude')
      const turn = await run({})
      assert.equal(turn.code, 0, turn.stdout + turn.stderr)
      assert.ok(turn.text.includes(`in=${state}`), turn.text)
      assert.equal(fs.statSync(path.join(state, `claude-${AGENT.uid}`)).uid, AGENT.uid)
      // The control, and what a caller says for itself: the CLI refuses.
      const control = await run({ CLAUDE_CODE_TMPDIR: shared })
      assert.notEqual(control.code, 0, 'the squat bites')
    }
  })
}

test('without one, nothing is said', { skip: needsRoot }, async (t) => {
  const homes = agentHomes(t)
  fs.mkdirSync(path.join(homes.tmpDir, `claude-${AGENT.uid}`), { mode: 0o700 })
  fs.chownSync(path.join(homes.tmpDir, `claude-${AGENT.uid}`), Number(AGENT.uid), Number(AGENT.gid))
  const turn = await runTurn('claude', {
    mock: await startMock(t),
    homes,
    programs: installForAnyone({ test: t }),
    payload: { apiKey: 'sk-ant-api03-made-up' },
    prompt: 'run: echo "in=$CLAUDE_CODE_TMPDIR."'
  })
  assert.ok(turn.text.includes('in=.'), turn.text)
})
