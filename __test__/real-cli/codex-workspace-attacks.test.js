// Codex in a hostile workspace: nothing in it runs or configures the CLI, unless the caller says `trusted`.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { spawnProvider } = require('../../index.js')
const { makeDir, marksIn, plantCodex, write } = require('../support/attacks.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone, unlessSince } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const realTurn = require('../support/real-turn.js')

const { AGENT, agentHomes, credentialsSeen, prepareTurn, startMock } = realTurn

requirePrivateNetwork()

// The key is in the environment, where there is more to take than with the broker.
/** @type {typeof realTurn.runTurn} */
const runTurn = (provider, turn) => realTurn.runTurn(provider, { ...turn, launch: { delivery: 'env', ...turn.launch } })

const programs = installForAnyone({ test })
const KEY = 'sk-proj-made-up-tenant-key'
const INERT = { marks: [], planted: '' }
// `notify` in a project's files is obeyed up to 0.131 at least, and not by 0.163; hooks there are not.
const CONTROL = { marks: ['codex-mcp'], planted: 'codex' }
// The quiet arguments as a file, for a command line without any override.
const QUIET_CONFIG = '[features]\nplugins = false\napps = false\n[analytics]\nenabled = false\n'

/** @typedef {ReturnType<typeof agentHomes>} Homes */

/**
 * Where the hostile files are, where the CLI works, and with which arguments.
 * @typedef {object} Place
 * @property {string} cwd
 * @property {string} [hostile]  default: `cwd`
 * @property {string} [dir]  workspace.dir; default: `cwd`
 * @property {(common: string[], prompt: string) => string[]} [args]
 */

/** @type {{ name: string, sandbox?: string, place: (homes: Homes) => Place, after?: (homes: Homes) => void, refused?: RegExp, control?: typeof CONTROL, since?: string }[]} */
const CASES = [
  { name: 'danger-full-access', place: ({ workspace }) => ({ cwd: workspace }) },
  { name: 'workspace-write', sandbox: 'workspace-write', place: ({ workspace }) => ({ cwd: workspace }) },
  { name: 'a path with a dot', place: ({ workspace }) => ({ cwd: makeDir(path.join(workspace, 'example.com')) }) },
  {
    name: "a path with TOML's own characters",
    place: ({ workspace }) => ({ cwd: makeDir(path.join(workspace, 'a"b\\c=d.{e}\n\u00e9 #')) })
  },
  {
    name: 'cwd through a symlink',
    place: ({ root, workspace }) => ({ cwd: link(workspace, path.join(root, 'link')), hostile: workspace })
  },
  {
    name: 'a parent through a symlink',
    place: ({ root, workspace }) => ({
      cwd: path.join(link(workspace, path.join(root, 'link')), path.basename(makeDir(path.join(workspace, 'site.test')))),
      hostile: path.join(workspace, 'site.test')
    })
  },
  {
    name: 'a trailing slash and dots',
    place: ({ root, workspace }) => ({
      cwd: `${root}/./${path.basename(workspace)}/../${path.basename(workspace)}/`,
      dir: workspace,
      hostile: workspace
    })
  },
  {
    name: 'below the root of a git repository',
    place: ({ workspace }) => (
      makeDir(path.join(workspace, '.git')),
      fs.writeFileSync(path.join(workspace, '.git', 'HEAD'), 'ref: refs/heads/main\n'),
      { cwd: makeDir(path.join(workspace, 'site')), hostile: workspace }
    )
  },
  {
    name: "the caller's -c after exec",
    place: ({ workspace }) => ({ cwd: workspace, args: (common, prompt) => ['exec', ...common, '-c', 'model="gpt-5"', '--', prompt] })
  },
  {
    name: "the caller's -c before exec",
    place: ({ workspace }) => ({ cwd: workspace, args: (common, prompt) => ['-c', 'model="gpt-5"', 'exec', ...common, '--', prompt] })
  },
  {
    name: "the caller's -c on both levels",
    place: ({ workspace }) => ({
      cwd: workspace,
      args: (common, prompt) => ['-c', 'model="gpt-5"', 'exec', ...common, '-c=model="gpt-5"', '--', prompt]
    })
  },
  {
    name: 'no -c of the caller',
    place: ({ workspace, codexHome }) => (
      write(codexHome, 'config.toml', QUIET_CONFIG),
      { cwd: workspace, args: (common, prompt) => ['exec', ...common.slice(quiet.codex.args.length), prompt] }
    )
  },
  ...['--cd', '-C'].map((option) => ({
    name: `${option} of another directory`,
    place: (/** @type {Homes} */ { workspace, home }) => ({
      cwd: home,
      dir: home,
      hostile: workspace,
      args: withOptions(option, workspace)
    })
  })),
  {
    name: '-C glued, relative, through a symlink',
    place: ({ root, workspace, home }) => (
      link(workspace, path.join(root, 'link')), { cwd: home, dir: home, hostile: workspace, args: withOptions('-C../link') }
    )
  },
  {
    name: '--cd= of a directory with a dot',
    place: ({ workspace, home }) => ({
      cwd: home,
      dir: home,
      hostile: makeDir(path.join(workspace, 'example.com')),
      args: withOptions(`--cd=${path.join(workspace, 'example.com')}`)
    })
  },
  {
    name: 'hooks requested without review',
    since: '0.150.0',
    control: { ...CONTROL, marks: ['codex-hook', 'codex-mcp'] },
    place: ({ workspace }) => ({ cwd: workspace, args: withOptions('--dangerously-bypass-hook-trust') })
  },
  {
    name: '--worktree',
    since: '0.157.0',
    place: ({ workspace }) => ({ cwd: workspace, args: withOptions('--worktree') }),
    after: commit,
    refused: /explicitly untrusted/
  },
  {
    name: '--cd before exec',
    place: ({ workspace, home }) => ({
      cwd: home,
      dir: home,
      hostile: workspace,
      args: (common, prompt) => ['--cd', workspace, 'exec', ...common, '--', prompt]
    })
  }
]

/** @param {string[]} options @returns {(common: string[], prompt: string) => string[]} */
function withOptions(...options) {
  return (common, prompt) => ['exec', ...common, ...options, '--', prompt]
}

/** @param {string} target @param {string} at */
function link(target, at) {
  fs.symlinkSync(target, at)
  return at
}

/** @param {Homes} homes */
function commit({ workspace, home }) {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
      ...AGENT,
      env: { PATH: process.env.PATH, HOME: home }
    })
  git('init', '-q')
  git('add', '-A')
  git('commit', '-qm', 'x')
}

const WHAT = { prompt: 'run: echo "planted=[$PLANTED]"; env', payload: { apiKey: KEY } }

for (const { name, sandbox, place, after, refused, control = CONTROL, since = '0.0.0' } of CASES) {
  for (const workspaceTrust of /** @type {const} */ (['untrusted', 'trusted'])) {
    test(`${name}: ${workspaceTrust === 'untrusted' ? 'inert' : 'control, trusted, bites'}`, {
      skip: unlessSince('codex', since)
    }, async (t) => {
      const mock = await startMock(t)
      const homes = agentHomes(t)
      const { cwd, dir = cwd, hostile = cwd, args } = place(homes)
      plantCodex(hostile, homes.tmpDir)
      after?.(homes)
      const turn = await runTurn('codex', {
        mock,
        homes,
        programs,
        sandbox,
        args,
        ...WHAT,
        workspace: dir,
        launch: { cwd, workspaceTrust }
      })
      const bites = workspaceTrust === 'trusted'
      if (refused && !bites) {
        // Codex's own refusal, before its first request.
        assert.deepEqual([turn.code, refused.test(turn.stderr), mock.requests.length, marksIn(homes.tmpDir)], [1, true, 0, []], turn.stderr)
        return
      }
      assert.equal(turn.code, 0, turn.stdout + turn.stderr)
      assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY}`])
      if (bites) assertBites(outcome(turn, homes), control)
      else assert.deepEqual(outcome(turn, homes), INERT)
      assert.doesNotMatch(turn.text, new RegExp(KEY), "the key in the agent's env")
      if (!bites) assert.doesNotMatch(configOf(homes), /trust/)
    })
  }
}

const ON_RESUME = [...quiet.codex.args, '-c', 'model="gpt-5"']
/** @type {{ name: string, extra?: string[] }[]} */
const RESUMES = [{ name: 'in the same directory' }, { name: "with the caller's -c after resume too", extra: ON_RESUME }]

for (const { name, extra = [] } of RESUMES) {
  for (const workspaceTrust of /** @type {const} */ (['untrusted', 'trusted'])) {
    test(`exec … resume ${name}: ${workspaceTrust === 'untrusted' ? 'inert' : 'control, trusted, bites'}`, async (t) => {
      const mock = await startMock(t)
      const homes = agentHomes(t)
      plantCodex(homes.workspace, homes.tmpDir)
      const first = await runTurn('codex', { mock, homes, programs, ...WHAT, launch: { workspaceTrust: 'trusted' } })
      assert.equal(first.code, 0, first.stderr)
      // What Codex up to 0.166 writes down by itself in its home, and what `--trust` leaves there: that must not count later.
      write(homes.codexHome, 'config.toml', `${configOf(homes)}\n[projects.${JSON.stringify(homes.workspace)}]\ntrust_level = "trusted"\n`)
      for (const mark of marksIn(homes.tmpDir)) fs.rmSync(path.join(homes.tmpDir, mark))
      mock.requests.length = 0
      const turn = await runTurn('codex', {
        mock,
        homes,
        programs,
        ...WHAT,
        launch: { workspaceTrust },
        args: (common, prompt) => ['exec', ...common, 'resume', ...extra, first.session, prompt]
      })
      assert.equal(turn.code, 0, turn.stdout + turn.stderr)
      assert.equal(turn.session, first.session)
      assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY}`])
      if (workspaceTrust === 'trusted') assertBites(outcome(turn, homes), CONTROL)
      else assert.deepEqual(outcome(turn, homes), INERT)
      assert.doesNotMatch(turn.text, new RegExp(KEY))
    })
  }
}

const CONTRARY = [
  'projects={"/"={trust_level="trusted"}}',
  'projects."/".trust_level="trusted"',
  'shell_environment_policy.exclude=[]',
  'shell_environment_policy={}',
  'openai_base_url="http://127.0.0.1:9"'
]
test('overrides that would undo ours are refused before any process, in every form and on every level', async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  for (const override of CONTRARY) {
    for (const form of [['-c', override], [`-c${override}`], [`-c=${override}`], ['--config', override], [`--config=${override}`]]) {
      for (const args of [
        [...form, 'exec', 'hi'],
        ['exec', ...form, 'hi'],
        ['exec', 'resume', ...form, '--last'],
        ['exec', 'hi', ...form]
      ]) {
        const { env, options } = prepareTurn('codex', { mock, homes, programs, ...WHAT, args: () => args })
        assert.throws(() => spawnProvider(env, options), { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' }, args.join(' '))
        env.dispose()
      }
    }
  }
  assert.equal(mock.requests.length, 0)
})

/** What a version obeys beside that makes the control no weaker. @param {{ marks: string[], planted?: string }} seen @param {typeof CONTROL} control */
function assertBites({ marks, planted }, control) {
  assert.deepEqual({ marks: marks.filter((mark) => control.marks.includes(mark)), planted }, control)
}

/** @param {{ text: string }} turn @param {Homes} homes */
function outcome({ text }, { tmpDir }) {
  return { marks: marksIn(tmpDir), planted: /planted=\[(.*)\]/.exec(text)?.[1] }
}

/** @param {Homes} homes */
function configOf({ codexHome }) {
  const file = path.join(codexHome, 'config.toml')
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}
