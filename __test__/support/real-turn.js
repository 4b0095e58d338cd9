// One turn of a real CLI against the mock: started by spawnProvider() as the target uid, and read to its end.
'use strict'

const { buildProviderEnv, spawnProvider } = require('../../index.js')
const { startMockApi } = require('./mock-api/index.js')
const { defaultAnswer } = require('./mock-api/answer.js')
const { makeHomes } = require('./homes.js')
const { ids: AGENT } = require('./launch.js')
const { quiet } = require('./quiet.js')

const CLAUDE_ARGS = [
  '-p',
  '--output-format',
  'stream-json',
  '--verbose',
  '--max-turns=5',
  '--model=claude-sonnet-4-5',
  '--allowedTools=Bash',
  '--permission-mode=bypassPermissions',
  '--allow-dangerously-skip-permissions'
]
const codexArgs = (/** @type {string} */ sandbox) => ['--experimental-json', '--skip-git-repo-check', '--sandbox', sandbox]

/** @typedef {'claude' | 'codex'} Provider */
/** @typedef {ReturnType<typeof import('./homes.js').makeHomes>} Homes */

/**
 * @typedef {object} Turn
 * @property {import('./mock-api/types').MockApi} mock
 * @property {Homes} homes
 * @property {import('./programs.js').Programs} programs
 * @property {Record<string, any>} [payload]
 * @property {Record<string, any>} [envOptions]
 * @property {Record<string, any>} [launch]
 * @property {string} [prompt]
 * @property {string} [sandbox]
 * @property {(common: string[], prompt: string) => string[]} [args]  codex: everything after its name
 * @property {string} [workspace]
 */

/**
 * The environment and the arguments of a turn.
 * @param {Provider} provider
 * @param {Turn} turn
 */
function prepareTurn(
  provider,
  { mock, homes, programs, payload, envOptions, launch, prompt = 'hello', sandbox = 'danger-full-access', args, workspace }
) {
  const { home, tmpDir, codexHome, claudeConfigDir } = homes
  const env = buildProviderEnv(
    { provider, ...payload },
    {
      baseUrl: provider === 'codex' ? mock.openaiBaseUrl : mock.anthropicBaseUrl,
      set: quiet[provider].env,
      ...envOptions,
      workspace: {
        dir: workspace ?? homes.workspace,
        home,
        tmpDir,
        ...(provider === 'codex' ? { codexHome } : { claudeConfigDir }),
        ...envOptions?.workspace
      }
    }
  )
  const common = provider === 'codex' ? [...quiet.codex.args, ...codexArgs(sandbox)] : CLAUDE_ARGS
  const compose =
    args ??
    ((/** @type {string[]} */ all, /** @type {string} */ text) => (provider === 'codex' ? ['exec', ...all, '--', text] : [...all, text]))
  const options = { command: programs[provider], cwd: workspace ?? homes.workspace, ...AGENT, args: compose(common, prompt), ...launch }
  return { env, options }
}

/**
 * Starts a turn. `done` is settled when the CLI and its streams have ended; it never rejects once the CLI has run.
 * @param {Provider} provider
 * @param {Turn} turn
 */
function startTurn(provider, turn) {
  const { env, options } = prepareTurn(provider, turn)
  const child = spawnProvider(env, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  // The start keeps what it needs.
  env.dispose()
  livesIn(turn.homes, child)
  return { child, done: readTurn(provider, child) }
}

/**
 * @param {Provider} provider
 * @param {any} child
 */
async function readTurn(provider, child) {
  const output = { stdout: '', stderr: '' }
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name].setEncoding('utf8').on('data', (/** @type {string} */ text) => (output[name] += text))
  }
  /** @type {any} */
  let error
  child.on('error', (/** @type {Error} */ each) => (error = each))
  await new Promise((resolve) => child.once('close', resolve))
  if (error && child.pid === undefined) throw error
  const events = output.stdout.split('\n').filter(Boolean).map(parse)
  return { ...output, events, error, code: child.exitCode, signal: child.signalCode, ...READERS[provider](events) }
}

/** @param {string} line @returns {any} */
function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return { type: 'not json', line }
  }
}

/** @type {Record<Provider, (events: any[]) => { text: string, usage: any, session: string }>} */
const READERS = {
  claude(events) {
    const result = events.find(({ type }) => type === 'result')
    return { text: result?.result ?? '', usage: result?.usage, session: result?.session_id }
  },
  codex(events) {
    const texts = events.filter(({ item }) => item?.type === 'agent_message').map(({ item }) => item.text)
    const find = (/** @type {string} */ type) => events.find((event) => event.type === type)
    return { text: texts.join('\n'), usage: find('turn.completed')?.usage, session: find('thread.started')?.thread_id }
  }
}

/** Starts a turn and waits for its end. @param {Provider} provider @param {Turn} turn */
async function runTurn(provider, turn) {
  return await startTurn(provider, turn).done
}

/**
 * A mock that stops before its answer to what a command wrote: the CLI lives, and its command has ended, until
 * `release()` is called.
 * @param {{ after(fn: () => any): void }} test
 */
async function startHeldMock(test) {
  /** @type {() => void} */
  let release = () => {}
  const gate = new Promise((resolve) => (release = () => resolve(undefined)))
  let held = 0
  const mock = await startMockApi({
    async answer(turn) {
      if (turn.step > 0) {
        held += 1
        await gate
      }
      return defaultAnswer(turn)
    }
  })
  test.after(() => {
    release()
    return mock.close()
  })
  return { mock, release, heldCount: () => held }
}

/** @param {{ after(fn: () => any): void }} test @param {import('./mock-api/types').MockApiOptions} [options] */
async function startMock(test, options) {
  const mock = await startMockApi(options)
  test.after(() => mock.close())
  return mock
}

/** The processes that live in some homes. @type {WeakMap<Homes, any[]>} */
const tenants = new WeakMap()

/** A process that is ended before its homes are removed: it would write to them meanwhile. @param {Homes} homes @param {any} child */
function livesIn(homes, child) {
  tenants.get(homes)?.push(child)
}

/** Homes of the agent, removed at the test's end when whoever still lives there has ended. @param {{ after(fn: () => any): void }} test */
function agentHomes(test) {
  const homes = makeHomes(AGENT)
  tenants.set(homes, [])
  test.after(async () => {
    const running = (tenants.get(homes) ?? []).filter((child) => child.exitCode === null && child.signalCode === null)
    const ended = running.map((child) => child.exited ?? new Promise((resolve) => child.once('exit', resolve)))
    for (const child of running) child.kill('SIGKILL')
    await Promise.allSettled(ended)
    homes.remove()
  })
  return homes
}

/**
 * Every credential that the mock was sent, as `header value`, each once. Claude Code up to 2.1.260 begins with a HEAD that has none.
 * @param {import('./mock-api/types').MockApi} mock */
function credentialsSeen(mock) {
  const all = mock.requests
    .filter(({ method }) => method !== 'HEAD')
    .map(({ credentials }) => credentials.map(({ header, value }) => `${header} ${value}`).join(' + ') || 'none')
  return [...new Set(all)]
}

module.exports = {
  AGENT,
  CLAUDE_ARGS,
  agentHomes,
  codexArgs,
  credentialsSeen,
  livesIn,
  prepareTurn,
  readTurn,
  runTurn,
  startHeldMock,
  startMock,
  startTurn
}
