// The portable start with child_process: on macOS, under Bun, or if the kernel or a sandbox does not support a call.
//
// It refuses options that it cannot support, and reports default protections that it cannot provide.

import type { ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { IdentityRequest, NativeGrant, PortableStart, Stdio } from '../../binding.js'
import { toObject } from '../environment/provider-env.ts'
import { reasonOf } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { builtin } from '../internal/builtins.ts'
import { bare, fromNative, providerError, translate } from '../internal/errors.ts'
import type { MissingProtection } from './backend.ts'
import type { Streams } from './child-streams.ts'
import { completed, failStart } from './failed-start.ts'
import type { Launch } from './launch.ts'
import { unsupported } from './launch.ts'
import type { Driver } from './provider-process.ts'
import { makeProcess } from './provider-process.ts'
import { redact } from './redact-output.ts'
import { warnOfUntested } from './untested-version.ts'
import { tap } from './usage-tap.ts'

const MISSING: MissingProtection[] = [
  'no-new-privileges',
  'parent-death-signal',
  'verified-drop',
  'close-range',
  'core-limit',
  'wiped-environment',
  'state-directory-check',
  'descendant-kill',
  'working-directory-check',
  'session-keyring',
  'scheduling-reset'
]

export function startPortable(launch: Launch): Driver {
  refuseUnverifiable(launch.child.ids)
  const { ids, stdio, aborted } = launch.child
  const plan = bare(translate(() => binding.preparePortable(launch.env, launch.child, launch.cli)))
  if ('code' in plan)
    return fail(launch, aborted ? providerError(plan, { cause: launch.signal && reasonOf(launch.signal) }) : fromNative(plan))
  const descriptors: ('pipe' | 'ignore' | 'inherit' | number)[] = stdio.map(toStdio)
  if (plan.credential !== null) descriptors[binding.CREDENTIAL_DESCRIPTOR] = plan.credential
  let child: ChildProcess
  try {
    child = builtin('child_process').spawn(plan.program, plan.args, {
      cwd: plan.cwd ?? undefined,
      // child_process takes inherited properties too: one on Object.prototype would be a variable of the CLI.
      env: bare(toObject(plan.env)),
      uid: ids.uid,
      gid: ids.gid,
      // Its own session and group, as the native start makes.
      detached: true,
      stdio: descriptors
    })
  } catch (error) {
    // child_process emits what it expects, such as ENOENT, and throws other answers of the system, such as EPERM and E2BIG.
    plan.grant?.dispose()
    return fail(launch, spawnFailed(error, launch.facts.provider, plan.program))
  } finally {
    if (plan.credential !== null) closeSync(plan.credential)
  }
  ownGroup(child)
  try {
    tieGrant(child, plan.grant)
    return attend(launch, child, plan)
  } catch (error) {
    // The caller would get no handle for it.
    signalGroup(child, 9)
    throw error
  }
}

/** Gives a started program its process and streams. */
function attend(launch: Launch, child: ChildProcess, plan: PortableStart): Driver {
  // Where child_process got no descriptors it has no streams, and its error is on the way.
  const { streams, end } = completed(launch, child.stdio ?? [])
  child.on('error', end)
  redact(launch, streams)
  warnOfUntested(plan.untested)
  const driver = drive(child, launch, plan, streams)
  if (plan.meter) tap(plan.meter, launch.watch, streams, driver)
  return driver
}

/** The broker answers this process alone, for as long as it runs. */
function tieGrant(child: ChildProcess, grant: NativeGrant | null) {
  if (!grant) return
  const { pid } = child
  const end = () => grant.dispose()
  // `exit` comes after libuv has waited for it; `error` if there is no process.
  child.on('exit', end).on('error', end)
  // Without a process, its error is on the way.
  if (pid !== undefined) translate(() => grant.bind(pid))
}

function fail(launch: Launch, error: Error) {
  return failStart(launch, { startPath: 'portable', missingProtections: missing(launch) }, error)
}

function missing(launch: Launch) {
  return [...MISSING, ...launch.redactOutput.missing]
}

/** Bun accepted uid and gid and ignored them until 2026 (oven-sh/bun#33060): a drop that cannot be verified is not one. */
function refuseUnverifiable({ uid }: IdentityRequest) {
  const other = uid !== undefined && uid !== process.geteuid?.()
  if (other && process.versions.bun)
    throw unsupported('Under Bun, options.uid cannot be verified. Run the worker under Node, or as the target user.', 'uid')
}

function toStdio(item: Stdio) {
  return item.type === 'descriptor' ? item.number : item.type
}

/** Has the group that a child leads end with this Node environment. */
export function ownGroup(child: ChildProcess) {
  const { pid } = child
  if (pid === undefined) return
  binding.addGroup(pid)
  child.on('exit', () => binding.forgetGroup(pid))
}

function drive(child: ChildProcess, launch: Launch, plan: PortableStart, streams: Streams) {
  const { program, args } = plan
  const { stop: policy } = launch.child
  const { facts } = launch
  const timers: NodeJS.Timeout[] = []
  const signal = (number: number) => {
    if (number === facts.killSignal) timers.push(setTimeout(() => signalGroup(child, 9), policy.killGraceMs))
    return signalGroup(child, number)
  }
  const stop = () => void signal(facts.killSignal)
  const driver = makeProcess(
    {
      startPath: 'portable',
      missingProtections: missing(launch),
      stdio: streams,
      signal,
      stop,
      ref: () => child.ref(),
      unref: () => child.unref()
    },
    facts
  )
  child.on('spawn', () => driver.onSpawned(child.pid as number, [program, ...args], plan.delivery))
  const clear = () => {
    for (const timer of timers) clearTimeout(timer)
  }
  child.on('error', (error) => {
    clear()
    driver.onFailed(spawnFailed(error, facts.provider, program))
  })
  child.on('exit', (code, name) => {
    clear()
    if (policy.killGroupOnExit || timers.length > 0) signalGroup(child, 9)
    driver.onExited(code, name)
  })
  if (policy.timeoutMs !== undefined) {
    const onTimeout = () => {
      // First: a listener may throw.
      stop()
      driver.onTimedOut()
    }
    timers.push(setTimeout(onTimeout, policy.timeoutMs))
  }
  return driver
}

function signalGroup(child: ChildProcess, signal: number) {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

function spawnFailed(thrown: unknown, provider: string, program: string) {
  const error = thrown as NodeJS.ErrnoException
  const isTooLarge = error.code === 'E2BIG'
  const advice = isTooLarge ? ' Shorten the arguments and variables: pass large values in files.' : ''
  return providerError({
    code: isTooLarge ? 'ERR_PROVIDER_ENV_TOO_LARGE' : 'ERR_PROVIDER_SPAWN_FAILED',
    // Node's own message holds no argument and no variable, but its `spawnargs` do: it is not passed on.
    message: `The program could not be started: ${error.code ?? 'unknown error'}.${advice}`,
    errno: typeof error.errno === 'number' ? -error.errno : undefined,
    syscall: 'spawn',
    path: program,
    step: 'execute',
    provider
  })
}
