// Stopping a real turn: the CLI and everything that its agent started are gone, by what /proc shows.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { endAfter, until, withEnoughTime } = require('../support/kernel.js')
const { descendantsOf, isAlive, withArgument } = require('../support/proc.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, startHeldMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }

let count = 0
/** A number of seconds that no other process sleeps: it identifies ours by its command line. */
const uniqueSleep = () => `1000.${process.pid}${String((count += 1)).padStart(3, '0')}`

// The shell waits for the first; the second has its own session, and so its own process group. Claude Code refuses a
// bare `sleep`.
const COMMANDS = /** @type {const} */ ({
  'a command of its shell': (/** @type {string} */ time) => `run: env sleep ${time}; echo over`,
  'a command in its own session': (/** @type {string} */ time) => `run: setsid -w sleep ${time}; echo over`
})

/** @typedef {{ child: any, controller: AbortController }} Running */
/** @type {Record<string, { stop: (running: Running) => any, code?: string }>} */
const WAYS = {
  'kill()': { stop: ({ child }) => assert.equal(child.kill(), true) },
  abort: { stop: ({ controller }) => controller.abort(), code: 'ERR_PROVIDER_ABORTED' },
  timeoutMs: { stop: () => {}, code: 'ERR_PROVIDER_TIMEOUT' },
  "kill('SIGKILL')": { stop: ({ child }) => assert.equal(child.kill('SIGKILL'), true) }
}

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  for (const [what, command] of Object.entries(COMMANDS)) {
    for (const [way, { stop, code }] of Object.entries(WAYS)) {
      // A second in which nothing happens shows as much with one of the commands.
      if (way === 'timeoutMs' && what === 'a command of its shell') continue
      test(`${provider}, ${way}: the CLI and ${what} are gone`, async (t) => {
        const time = uniqueSleep()
        cleanUp(t, time)
        const { mock } = await startHeldMock(t)
        const controller = new AbortController()
        /** A turn whose command sleeps; undefined if its time was over before. @param {number} [timeoutMs] */
        const begin = async (timeoutMs) => {
          const { child, done } = startTurn(provider, {
            mock,
            homes: agentHomes(t),
            programs,
            payload: { apiKey: KEY[provider] },
            prompt: command(time),
            launch: { signal: controller.signal, killGraceMs: 1000, timeoutMs }
          })
          const found = await until('the sleep', () => orNull(withArgument(time)) ?? (hasEnded(child) ? [] : null))
          return found.length > 0 || timeoutMs === undefined ? { child, done, sleeper: found[0] } : undefined
        }
        const { child, done, sleeper } = await (way === 'timeoutMs' ? withEnoughTime(4000, begin) : /** @type {Promise<any>} */ (begin()))
        const all = [child.pid, ...descendantsOf(child.pid)]
        assert.ok(all.includes(sleeper), 'the sleep is of the CLI')
        stop({ child, controller })
        const turn = await done
        await until(`${all.filter(isAlive)} to end`, () => all.every((pid) => !isAlive(pid)) && withArgument(time).length === 0)
        assert.equal(turn.error?.code, code)
        assert.ok(turn.code !== 0 || turn.signal !== null)
      })
    }
  }

  test(`${provider}: a mock that never answers, then kill()`, async (t) => {
    const { mock, heldCount } = await startHeldMock(t)
    const { child, done } = startTurn(provider, {
      mock,
      homes: agentHomes(t),
      programs,
      payload: { apiKey: KEY[provider] },
      prompt: 'run: echo step',
      launch: { killGraceMs: 1000 }
    })
    await until('the request that hangs', () => heldCount() > 0)
    const all = [child.pid, ...descendantsOf(child.pid)]
    child.kill()
    await done
    await until('all to end', () => all.every((pid) => !isAlive(pid)))
  })

  test(`${provider}: SIGKILL of the worker ends the CLI`, async (t) => {
    const { mock, heldCount } = await startHeldMock(t)
    const turn = {
      mock: { openaiBaseUrl: mock.openaiBaseUrl, anthropicBaseUrl: mock.anthropicBaseUrl },
      homes: agentHomes(t),
      programs: { [provider]: programs[provider] },
      payload: { apiKey: KEY[provider] },
      prompt: 'run: echo step',
      launch: AGENT
    }
    const worker = spawn(process.execPath, [path.join(__dirname, 'worker.js'), provider], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => worker.kill('SIGKILL'))
    worker.stdin.end(JSON.stringify(turn))
    const pid = Number(await new Promise((resolve) => worker.stdout.once('data', resolve)))
    endAfter(t, pid)
    await until('the request that hangs', () => heldCount() > 0)
    assert.ok(isAlive(pid))
    worker.kill('SIGKILL')
    await until('the worker to end', () => !isAlive(/** @type {number} */ (worker.pid)))
    await until('the CLI to end', () => !isAlive(pid))
  })
}

/** @param {any} child */
function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null
}

/** @template T @param {T[]} list */
function orNull(list) {
  return list.length > 0 ? list : null
}

/** Whatever the test found: nothing may sleep on. @param {{ after(fn: () => void): void }} t @param {string} time */
function cleanUp(t, time) {
  t.after(() => {
    for (const pid of withArgument(time)) process.kill(pid, 'SIGKILL')
  })
}
