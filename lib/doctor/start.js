// The dry start: each CLI sends one question to a mock of its API, as the target user, with a made-up key, in fresh
// directories.
'use strict'

const { randomBytes } = require('node:crypto')
const fs = require('node:fs/promises')
const { buildProviderEnv } = require('../build-provider-env.js')
const { startMockApi } = require('../mock-api/index.js')
const { spawnProvider } = require('../spawn-provider.js')
const { findingsOf } = require('./finding.js')
const { makeScratch } = require('./scratch.js')
const { harmless, page, whom } = require('./words.js')

/** @typedef {import('./context.js').Facts} Facts */

/** A question takes a handful. The target knows the key, and may send what it likes. */
const MAX_REQUESTS = 64
const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`

/** @type {import('./finding.js').Row[]} */
const rows = [
  {
    id: 'start.answered',
    severity: 'ok',
    sentence: ({ facts, target, durationMs }) => `${facts.name} started as ${whom(target)}, sent the made-up key to a mock of its API and ended successfully in ${seconds(durationMs)}.`
  },
  {
    id: 'start.skipped',
    severity: 'info',
    sentence: ({ facts, reason }) => `The dry start of ${facts.name} was skipped: ${reason}.`
  },
  {
    id: 'start.refused',
    severity: 'error',
    sentence: ({ message }) => message,
    remedy: () => `Fix the errors above. ${page('errors.md')} explains every code and step.`
  },
  {
    id: 'start.failed',
    severity: 'error',
    sentence: ({ facts, ended, complaint }) => `${facts.name} started, and ended with ${ended}${complaint ? `. It printed: “${complaint}”.` : ' without any output.'}`,
    remedy: () => 'Run it by hand as the target user, in an empty directory, and read its output.'
  },
  {
    id: 'start.timed-out',
    severity: 'error',
    sentence: ({ facts, timeoutMs, asked }) => `${facts.name} did not end within ${seconds(timeoutMs)}${asked ? ', although it received an answer' : ', and sent no request to the mock of its API'}.`,
    remedy: () => 'Check what delays requests from the CLI to 127.0.0.1: a sandbox, a firewall, or a machine that is too busy.'
  },
  {
    id: 'start.unasked',
    severity: 'error',
    sentence: ({ facts, seen }) =>
      seen > 0 ? `${facts.name} sent a request to the mock of its API, but not with the key that it received.` : `${facts.name} ended successfully without sending a request to the mock of its API.`,
    remedy: () => 'Check what else configures it: a wrapper script in place of the program, or settings for the whole machine (below /etc).'
  },
  {
    id: 'start.left-behind',
    severity: 'info',
    sentence: ({ root, target }) => `${root} is left over from the dry start: ${whom(target)} created files that it cannot remove itself, and the doctor does not remove them with higher privileges.`
  }
]

const finding = findingsOf(rows)

/**
 * @param {import('./context.js').Context} context
 * @param {Facts} facts
 * @param {boolean} runnable
 * @returns {Promise<import('./finding.js').Finding[]>}
 */
async function look(context, facts, runnable) {
  const reason = whyNot(context, runnable)
  if (reason !== null) return [finding('start.skipped', { facts, reason }, { provider: facts.id })]
  const scratch = await makeScratch(context)
  if (scratch === null) return [finding('start.skipped', { facts, reason: 'there is no temporary directory that the target user can enter' }, { provider: facts.id })]
  /** @type {import('./finding.js').Finding[]} */
  const findings = []
  try {
    findings.push(await dryStart(context, facts, scratch))
  } finally {
    if (!(await scratch.remove())) findings.push(finding('start.left-behind', { root: scratch.root, target: context.target }, { provider: facts.id, path: scratch.root }))
  }
  return findings
}

/**
 * @param {import('./context.js').Context} context
 * @param {boolean} runnable
 */
function whyNot(context, runnable) {
  if (!context.start) return 'it was switched off'
  if (!runnable) return 'there is no program to start'
  return context.byModeBits ? 'this process cannot become the target user' : null
}

/**
 * @param {import('./context.js').Context} context
 * @param {Facts} facts
 * @param {import('./scratch.js').Scratch} scratch
 */
async function dryStart(context, facts, scratch) {
  const key = `made-up-by-the-doctor-${randomBytes(16).toString('hex')}`
  const from = performance.now()
  /** @type {{ pid?: number, hidden: boolean | null }} */
  const seen = { hidden: null }
  const mock = await startMockApi({
    credential: key,
    maxRequests: MAX_REQUESTS,
    async answer() {
      seen.hidden = await isHidden(seen.pid, context.target.uid)
      return { text: 'well' }
    }
  })
  try {
    const baseUrl = mock.baseUrls[facts.id]
    // Without one, the CLI would ask its vendor.
    if (baseUrl === undefined) return finding('start.skipped', { facts, reason: 'there is no mock of its API' }, { provider: facts.id })
    const outcome = await ask(context, facts, scratch, baseUrl, key, seen)
    const durationMs = Math.round(performance.now() - from)
    return judge(context, facts, { ...outcome, durationMs, hidden: seen.hidden, asked: mock.requestsWith(key).length, strange: mock.requests.some(({ credential }) => credential !== null && credential !== key), requests: mock.requests.length })
  } finally {
    await mock.close()
  }
}

/**
 * @param {import('./context.js').Context} context
 * @param {Facts} facts
 * @param {import('./scratch.js').Scratch} scratch
 * @param {string} baseUrl
 * @param {string} key
 * @param {{ pid?: number }} seen
 */
async function ask(context, facts, scratch, baseUrl, key, seen) {
  /** @type {any} */
  const workspace = { dir: scratch.workspace, home: scratch.home, tmpDir: scratch.tmp, [facts.stateOption]: scratch.state }
  const variables = Object.fromEntries(facts.questionVariables.map(({ name, value }) => [name, value]))
  const set = context.path === '' ? variables : { PATH: context.path, ...variables }
  let complaint = ''
  try {
    const env = buildProviderEnv({ provider: facts.id, apiKey: Buffer.from(key) }, { workspace, baseUrl, set })
    const child = spawnProvider(env, {
      ...context.ids,
      command: context.command,
      args: [...facts.questionArguments, 'Say: well'],
      cwd: scratch.workspace,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeoutMs: context.startTimeoutMs
    })
    env.dispose()
    child.on('error', () => {})
    child.once('spawn', () => (seen.pid = child.pid))
    child.stdout.resume()
    // The last lines say why. The key in them would be the made-up one, and is scrubbed besides.
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (complaint = (complaint + text).slice(-4096)))
    const closed = new Promise((resolve) => child.once('close', resolve))
    const { code, signal, error } = await child.exited
    // It ends before all that it said is read.
    await closed
    return { code, signal, error: error ?? null, complaint }
  } catch (error) {
    // What buildProviderEnv() refuses, and a start that failed: `exited` rejects with it.
    return { code: null, signal: null, error: /** @type {any} */ (error), complaint }
  }
}

/**
 * @param {import('./context.js').Context} context
 * @param {Facts} facts
 * @param {any} outcome
 */
function judge({ target, startTimeoutMs }, facts, { code, signal, error, complaint, durationMs, hidden, asked, strange, requests }) {
  const about = { provider: facts.id, details: { durationMs, requests, exitCode: code, signal, hidden, code: error?.code ?? null, step: error?.step ?? null } }
  if (error?.code === 'ERR_PROVIDER_TIMEOUT') return finding('start.timed-out', { facts, timeoutMs: startTimeoutMs, asked: asked > 0 }, about)
  if (error) {
    if (!error.code?.startsWith?.('ERR_')) throw error
    return finding('start.refused', { message: error.message }, { ...about, path: error.path })
  }
  const lastLine = harmless(complaint.trim().split('\n').at(-1) ?? '')
  // The mock refuses another key: how the CLI ends then is not the matter.
  if (asked === 0 && strange) return finding('start.unasked', { facts, seen: requests }, about)
  if (code !== 0) return finding('start.failed', { facts, ended: signal ?? `exit status ${code}`, complaint: lastLine }, about)
  if (asked === 0) return finding('start.unasked', { facts, seen: requests }, about)
  return finding('start.answered', { facts, target, durationMs }, about)
}

/**
 * Whether the kernel hides the running CLI from its own uid: then its environment belongs to root.
 * @param {number | undefined} pid
 * @param {number} uid
 */
async function isHidden(pid, uid) {
  if (pid === undefined || uid === 0) return null
  const found = await fs.stat(`/proc/${pid}/environ`).catch(() => undefined)
  return found === undefined ? null : found.uid !== uid
}

module.exports = { look, rows }
