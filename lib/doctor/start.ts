// The dry start: each CLI sends one question to a mock of its API, as the target user, with a made-up key, in fresh
// directories.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import type { Workspace } from '../environment/build-provider-env.ts'
import type { ProviderError } from '../internal/errors.ts'
import type { ObtainedDelivery } from '../process/backend.ts'
import type { Context, Facts } from './context.ts'
import { buildProviderEnv, spawnProvider } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import type { Probe } from './probe.ts'
import { startProbe } from './probe.ts'
import type { Scratch } from './scratch.ts'
import { makeScratch } from './scratch.ts'
import { harmless, page, whom } from './words.ts'

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const DELIVERED: Record<ObtainedDelivery, string> = {
  broker: 'the broker added',
  fd: 'the CLI read from a pipe',
  env: 'the CLI had in its environment'
}

interface Seen {
  facts: Facts
  target: Context['target']
  durationMs: number
  timeoutMs: number
  /** Why there was no dry start. */
  reason: string
  message: string
  /** Its exit status or signal, in words. */
  ended: string
  complaint: string
  asked: boolean
  delivery: ObtainedDelivery | null
  /** How many requests the mock got. */
  seen: number
  root: string
}

type Needed = Needs<
  Seen,
  {
    'start.answered': 'facts' | 'target' | 'durationMs' | 'delivery'
    'start.skipped': 'facts' | 'reason'
    'start.refused': 'message'
    'start.failed': 'facts' | 'ended' | 'complaint'
    'start.timed-out': 'facts' | 'timeoutMs' | 'asked'
    'start.unasked': 'facts' | 'seen'
    'start.left-behind': 'root' | 'target'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'start.answered',
    severity: 'ok',
    sentence: ({ facts, target, durationMs, delivery }) =>
      `${facts.name} started as ${whom(target)}, its question reached a mock of its API with the made-up key, which ${DELIVERED[delivery ?? 'env']}, and it ended successfully in ${seconds(durationMs)}.`
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
    sentence: ({ facts, ended, complaint }) =>
      `${facts.name} started, and ended with ${ended}${complaint ? `. It printed: “${complaint}”.` : ' without any output.'}`,
    remedy: () => 'Run it by hand as the target user, in an empty directory, and read its output.'
  },
  {
    id: 'start.timed-out',
    severity: 'error',
    sentence: ({ facts, timeoutMs, asked }) =>
      `${facts.name} did not end within ${seconds(timeoutMs)}${asked ? ', although it received an answer' : ', and sent no request to the mock of its API'}.`,
    remedy: () => 'Check what delays requests from the CLI to 127.0.0.1: a sandbox, a firewall, or a machine that is too busy.'
  },
  {
    id: 'start.unasked',
    severity: 'error',
    sentence: ({ facts, seen }) =>
      seen > 0
        ? `A request of ${facts.name} reached the mock of its API, but not with the made-up key.`
        : `${facts.name} ended successfully without sending a request to the mock of its API.`,
    remedy: () => 'Check what else configures it: a wrapper script in place of the program, or settings for the whole machine (below /etc).'
  },
  {
    id: 'start.left-behind',
    severity: 'info',
    sentence: ({ root, target }) =>
      `${root} is left over from the dry start: ${whom(target)} created files that it cannot remove itself, and the doctor does not remove them with higher privileges.`
  }
]

const finding = findingsOf<Needed>(() => rows)

export async function look(context: Context, facts: Facts, runnable: boolean): Promise<Finding[]> {
  const reason = whyNot(context, runnable)
  if (reason !== null) return [finding('start.skipped', { facts, reason }, { provider: facts.id })]
  const scratch = await makeScratch(context)
  if (scratch === null)
    return [
      finding('start.skipped', { facts, reason: 'there is no temporary directory that the target user can enter' }, { provider: facts.id })
    ]
  const findings: Finding[] = []
  try {
    findings.push(await dryStart(context, facts, scratch))
  } finally {
    if (!(await scratch.remove()))
      findings.push(
        finding('start.left-behind', { root: scratch.root, target: context.target }, { provider: facts.id, path: scratch.root })
      )
  }
  return findings
}

function whyNot(context: Context, runnable: boolean) {
  if (!context.start) return 'it was switched off'
  if (!runnable) return 'there is no program to start'
  return context.byModeBits ? 'this process cannot become the target user' : null
}

async function dryStart(context: Context, facts: Facts, scratch: Scratch) {
  const key = `made-up-by-the-doctor-${randomBytes(16).toString('hex')}`
  const from = performance.now()
  const seen: { pid?: number; hidden: boolean | null } = { hidden: null }
  const probe = await startProbe(key, async () => {
    seen.hidden = await isHidden(seen.pid, context.target.uid)
  })
  try {
    const baseUrl = probe.baseUrl(facts.id)
    // Without one, the CLI would ask its vendor.
    if (baseUrl === undefined) return finding('start.skipped', { facts, reason: 'there is no mock of its API' }, { provider: facts.id })
    const outcome = await ask(context, facts, scratch, baseUrl, key, seen)
    const durationMs = Math.round(performance.now() - from)
    return judge(context, facts, {
      ...outcome,
      durationMs,
      hidden: seen.hidden,
      ...probe.seen()
    })
  } finally {
    await probe.close()
  }
}

/** How the CLI ended, or why it could not be started. */
interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  error: Partial<ProviderError> | null
  /** How it got its credential; null if it was not started. */
  delivery: ObtainedDelivery | null
  /** Its last lines on stderr. */
  complaint: string
}

async function ask(
  context: Context,
  facts: Facts,
  scratch: Scratch,
  baseUrl: string,
  key: string,
  seen: { pid?: number }
): Promise<Outcome> {
  const workspace: Workspace = { dir: scratch.workspace, home: scratch.home, tmpDir: scratch.tmp, [facts.stateOption]: scratch.state }
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
    child.stdout?.resume()
    // The last lines say why. The key in them would be the made-up one, and is redacted all the same.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-4096)))
    const closed = new Promise((resolve) => child.once('close', resolve))
    const { code, signal, error } = await child.exited
    // It ends before all that it said is read.
    await closed
    return { code, signal, error: error ?? null, delivery: child.delivery, complaint }
  } catch (error) {
    // What buildProviderEnv() refuses, and a start that failed: `exited` rejects with it.
    return { code: null, signal: null, error: error as Partial<ProviderError>, delivery: null, complaint }
  }
}

function judge(
  { target, startTimeoutMs }: Context,
  facts: Facts,
  {
    code,
    signal,
    error,
    delivery,
    complaint,
    durationMs,
    hidden,
    asked,
    strange,
    requests
  }: Outcome & ReturnType<Probe['seen']> & { durationMs: number; hidden: boolean | null }
) {
  const about = {
    provider: facts.id,
    details: { durationMs, requests, exitCode: code, signal, hidden, delivery, code: error?.code ?? null, step: error?.step ?? null }
  }
  if (error?.code === 'ERR_PROVIDER_TIMEOUT')
    return finding('start.timed-out', { facts, timeoutMs: startTimeoutMs, asked: asked > 0 }, about)
  if (error) {
    if (!error.code?.startsWith('ERR_')) throw error
    return finding('start.refused', { message: error.message ?? error.code }, { ...about, path: error.path })
  }
  const lastLine = harmless(complaint.trim().split('\n').at(-1) ?? '')
  // The mock refuses another key: how the CLI ends then is not the matter.
  if (asked === 0 && strange) return finding('start.unasked', { facts, seen: requests }, about)
  if (code !== 0) return finding('start.failed', { facts, ended: signal ?? `exit status ${code}`, complaint: lastLine }, about)
  if (asked === 0) return finding('start.unasked', { facts, seen: requests }, about)
  return finding('start.answered', { facts, target, durationMs, delivery }, about)
}

/** Whether the kernel hides the running CLI from its own uid: then its environment belongs to root. */
async function isHidden(pid: number | undefined, uid: number) {
  if (pid === undefined || uid === 0) return null
  const found = await fs.stat(`/proc/${pid}/environ`).catch(() => undefined)
  return found === undefined ? null : found.uid !== uid
}
