// The real Codex SDK: codexOptions() in a worker that is the agent's uid already, as the SDK can not drop to another.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildProviderEnv, codexOptions } from '../../index.mjs'
import attacks from '../support/attacks.js'
import kernel from '../support/kernel.js'
import network from '../support/namespace.js'
import proc from '../support/proc.js'
import placed from '../support/programs.js'
import real from '../support/real-turn.js'

network.requirePrivateNetwork()

const { AGENT, agentHomes, credentialsSeen, startHeldMock, startMock } = real
const { until } = kernel
const { descendantsOf, environOf, statusOf } = proc
const worker = fileURLToPath(new URL('codex-worker.mjs', import.meta.url))
const programs = placed.installForAnyone({ test })
const KEY = 'sk-proj-made-up-tenant-key'
// What support/quiet.js gives as arguments, as the SDK takes it.
const QUIET = { features: { plugins: false, apps: false }, analytics: { enabled: false } }

const skip = whyUnreachable()

/** The worker and the SDK must be readable for the agent; a checkout below a private home is not. */
function whyUnreachable() {
  const read = `import('@openai/codex-sdk').then(() => process.stdout.write('fine'))`
  try {
    execFileSync(process.execPath, ['--check', worker], { ...AGENT, cwd: '/', stdio: 'pipe' })
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', read], {
      ...AGENT,
      cwd: path.dirname(worker),
      encoding: 'utf8',
      stdio: 'pipe'
    })
    return said === 'fine' ? false : 'the SDK does not load'
  } catch (error) {
    return `uid ${AGENT.uid ?? 'of this process'} can not run node on this checkout: ${String(error.stderr ?? error)
      .trim()
      .split('\n')
      .pop()}`
  }
}

/** Starts the worker; `done` is what it printed. */
function startWorker(t, { mock, homes, dir = homes.workspace, launch, thread, prompts, metered = false, ...given }) {
  const { home, tmpDir, codexHome } = homes
  const { userEnvKeys = undefined } = { userEnvKeys: { WHO: 'me' }, ...given }
  const child = spawn(process.execPath, [worker], {
    ...AGENT,
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  child.stdin.end(
    JSON.stringify({
      payload: { provider: 'codex', apiKey: KEY, userEnvKeys },
      envOptions: { baseUrl: mock.openaiBaseUrl, workspace: { dir, home, tmpDir, codexHome } },
      launch: { cwd: dir, command: programs.codex, exposeSecrets: true, ...launch },
      config: QUIET,
      thread: { workingDirectory: dir, skipGitRepoCheck: true, sandboxMode: 'danger-full-access', ...thread },
      prompts,
      metered
    })
  )
  const done = new Promise((resolve) => {
    let text = ''
    child.stdout
      .setEncoding('utf8')
      .on('data', (piece) => (text += piece))
      .on('end', () => resolve(JSON.parse(text)))
  })
  return { child, done }
}

for (const delivery of ['broker', 'env']) {
  test(`a turn with a command, then another of the same thread, delivery ${delivery}`, { skip }, async (t) => {
    const { mock, release, heldCount } = await startHeldMock(t)
    // A value of userEnvKeys is a secret, too: it needs the leave that a token does not.
    const [launch, userEnvKeys] =
      delivery === 'broker' ? [{ delivery, exposeSecrets: undefined }, undefined] : [{ delivery }, { WHO: 'me' }]
    const { child, done } = startWorker(t, { mock, homes: agentHomes(t), launch, userEnvKeys, prompts: ['run: id; env', 'run: env'] })
    t.after(release)
    await until('the second request', () => heldCount() > 0)
    const pid = descendantsOf(child.pid).find((each) => cmdline(each)[0] === programs.codex)
    const [uid, block] = [statusOf(pid, 'Uid'), environOf(pid)]
    release()
    const { turns, error, names, own } = await done

    assert.equal(error, undefined)
    if (AGENT.uid) assert.deepEqual(uid, Array(4).fill(String(AGENT.uid)))
    // The SDK's way: what it starts the CLI with is in the CLI's environment, and nothing of the worker's own is.
    if (delivery === 'env') assert.equal(block.CODEX_API_KEY, KEY)
    else assert.deepEqual([/^pe-broker-/.test(block.CODEX_API_KEY), JSON.stringify(block).includes(KEY)], [true, false])
    assert.deepEqual(
      Object.keys(block).filter((name) => !names.includes(name)),
      ['CODEX_INTERNAL_ORIGINATOR_OVERRIDE']
    )
    assert.doesNotMatch(JSON.stringify(own), new RegExp(KEY))
    assert.doesNotMatch(cmdline(process.pid).join(), new RegExp(KEY))
    assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY}`])
    assert.equal(turns.length, 2)
    for (const { items, finalResponse, usage } of turns) {
      if (userEnvKeys) assert.match(finalResponse, /^USER_WHO=me$/m)
      assert.doesNotMatch(JSON.stringify([items, finalResponse]), new RegExp(KEY))
      assert.doesNotMatch(finalResponse, /^(?:CODEX|OPENAI)_API_KEY=./m)
      assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0)
    }
  })
}

test('usage of three turns of a thread, from the events of the SDK', { skip }, async (t) => {
  const mock = await startMock(t, { usage: { input: 1000, cacheRead: 30, output: 50, reasoning: 7 } })
  const { done } = startWorker(t, { mock, homes: agentHomes(t), prompts: ['run: echo one', 'two', 'three'], metered: true })
  const { turns, ledger, error } = await done
  assert.equal(error, undefined)
  // Two requests, one, one. What the SDK tells is the thread's sum: 2000, 3000, 4000.
  assert.deepEqual(
    turns.map(({ told }) => told.input_tokens),
    [2000, 3000, 4000]
  )
  assert.deepEqual(
    turns.map(({ usage }) => [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens, usage.reasoningTokens, usage.complete]),
    [
      [2000, 60, 100, 14, true],
      [1000, 30, 50, 7, true],
      [1000, 30, 50, 7, true]
    ]
  )
  assert.deepEqual([ledger.total.inputTokens, ledger.total.turns, ledger.total.runs, ledger.entries.length], [4000, 3, 3, 1])
})

test('a failure, from the events of the SDK', { skip }, async (t) => {
  const mock = await startMock(t, {
    answer: () => ({ status: 429, error: { type: 'insufficient_quota', message: 'no', code: 'insufficient_quota' } })
  })
  const { turns } = await startWorker(t, { mock, homes: agentHomes(t), prompts: ['one'], metered: true }).done
  assert.deepEqual([turns[0].failure.kind, turns[0].usage.complete], ['quota', false])
})

const PLACES = [
  {
    name: 'a path with a dot',
    sandboxMode: 'workspace-write',
    place: ({ workspace }) => attacks.makeDir(path.join(workspace, 'example.com'))
  },
  // Codex's own sandbox refuses to write through a symlink.
  {
    name: 'a symlink',
    sandboxMode: 'danger-full-access',
    place: ({ root, workspace }) => (fs.symlinkSync(workspace, path.join(root, 'link.test')), path.join(root, 'link.test'))
  }
]

for (const { name, sandboxMode, place } of PLACES) {
  for (const workspaceTrust of ['untrusted', 'trusted']) {
    test(`a hostile workspace, ${name}, ${workspaceTrust}: both turns`, { skip }, async (t) => {
      const mock = await startMock(t)
      const homes = agentHomes(t)
      const dir = place(homes)
      attacks.plantCodex(dir, homes.tmpDir)
      // The second turn resumes: another command level. Options of the thread come after ours on the command line.
      const thread = { webSearchMode: 'disabled', approvalPolicy: 'never', networkAccessEnabled: true, sandboxMode }
      const { turns, error } = await startWorker(t, {
        mock,
        homes,
        dir,
        launch: { workspaceTrust },
        thread,
        prompts: Array(2).fill('run: echo "planted=[$PLANTED]"; env')
      }).done
      assert.equal(error, undefined)
      const bites = workspaceTrust === 'trusted'
      assert.deepEqual(attacks.marksIn(homes.tmpDir), bites ? ['codex-mcp'] : [])
      for (const { finalResponse } of turns) {
        assert.match(finalResponse, bites ? /planted=\[codex\]/ : /planted=\[\]/)
        assert.doesNotMatch(finalResponse, new RegExp(KEY))
      }
      assert.deepEqual(credentialsSeen(mock), [`authorization ${KEY}`])
    })
  }
}

test('limit: a thread that works elsewhere than launch.cwd and workspace.dir obeys that place, up to Codex 0.166', { skip }, async (t) => {
  const mock = await startMock(t)
  const homes = agentHomes(t)
  attacks.plantCodex(homes.workspace, homes.tmpDir)
  // The SDK tells nobody where its threads work, and Codex up to 0.166 trusts every directory that it was not told of.
  const obeys = !placed.isAtLeast(placed.versionsUnderTest().codex, '0.169.0')
  const { done } = startWorker(t, {
    mock,
    homes,
    dir: homes.home,
    thread: { workingDirectory: homes.workspace },
    prompts: ['run: echo "planted=[$PLANTED]"']
  })
  assert.match((await done).turns[0].finalResponse, obeys ? /planted=\[codex\]/ : /planted=\[\]/)
})

test('it lets the key out only when told to, and knows no uid', (t) => {
  const { home } = agentHomes(t)
  const env = buildProviderEnv({ provider: 'codex', apiKey: KEY }, { workspace: { home } })
  const allowRoot = process.getuid() === 0
  for (const launch of [{ delivery: 'env' }, { delivery: 'env', exposeSecrets: false }, { exposeSecrets: true, uid: 12345, gid: 12345 }]) {
    assert.throws(() => codexOptions(env, { command: programs.codex, allowRoot, ...launch }), { code: 'ERR_PROVIDER_UNSUPPORTED' })
  }
  const allowed = { command: programs.codex, allowRoot, delivery: 'env', exposeSecrets: true }
  // An untrusted workspace that nobody names would be trusted.
  assert.throws(() => codexOptions(env, allowed), { code: 'ERR_INVALID_ARG_VALUE', message: /launch\.cwd/ })
  assert.equal(codexOptions(env, { ...allowed, cwd: home }).env.CODEX_API_KEY, KEY)
  // A token of the broker's is not the key.
  const brokered = codexOptions(env, { command: programs.codex, allowRoot, cwd: home })
  t.after(() => brokered.dispose())
  assert.doesNotMatch(JSON.stringify(brokered), new RegExp(KEY))
  const other = buildProviderEnv({ apiKey: 'sk-ant-api03-made-up' }, { workspace: { home } })
  assert.throws(() => codexOptions(other, { command: programs.codex, allowRoot, exposeSecrets: true }), {
    code: 'ERR_PROVIDER_UNSUPPORTED'
  })
})

function cmdline(pid) {
  return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
}
