// The portable start with child_process: on macOS, under Bun, or if the kernel or a sandbox does not support a call.
//
// It refuses options that it cannot support, and reports default protections that it cannot provide.
'use strict'

const { closeSync } = require('node:fs')
const binding = require('./binding.js')
const { ProviderError, bare, fromNative, translate } = require('./errors.js')
const { unsupported } = require('./launch.js')
const { toObject } = require('./provider-env.js')
const { completed, failStart } = require('./failed-start.js')
const { makeProcess } = require('./provider-process.js')
const { redact } = require('./redact-output.js')
const { warnOfUntested } = require('./untested-version.js')
const { tap } = require('./usage-tap.js')

/** @typedef {import('./launch.js').Launch} Launch */
/** @typedef {import('./provider-process.js').Driver} Driver */

/** @type {import('../index').MissingProtection[]} */
const MISSING = [
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

/**
 * @param {Launch} launch
 * @returns {Driver}
 */
function startPortable(launch) {
  refuseUnverifiable(launch.child.ids)
  const { ids, stdio, aborted } = launch.child
  const plan = bare(translate(() => binding.preparePortable(launch.env, launch.child, launch.cli)))
  if ('code' in plan) return fail(launch, aborted ? new ProviderError(plan, { cause: launch.signal?.reason }) : fromNative(plan))
  // Loaded with the first start, as few systems need it; it is part of the runtime's binary.
  const { spawn } = /** @type {typeof import('node:child_process')} */ (require('node:child_process'))
  /** @type {(string | number)[]} */
  const descriptors = stdio.map(toStdio)
  if (plan.credential !== null) descriptors[binding.CREDENTIAL_DESCRIPTOR] = plan.credential
  let child
  try {
    child = spawn(plan.program, plan.args, {
      cwd: plan.cwd ?? undefined,
      env: toObject(plan.env),
      uid: ids.uid,
      gid: ids.gid,
      // A session and group of its own, as the native start makes.
      detached: true,
      stdio: /** @type {any} */ (descriptors)
    })
  } catch (error) {
    // child_process emits what it expects, such as ENOENT, and throws other answers of the system, such as EPERM and E2BIG.
    return fail(launch, spawnFailed(error, launch.facts.provider, plan.program))
  } finally {
    if (plan.credential !== null) closeSync(plan.credential)
  }
  ownGroup(child)
  // Where child_process got no descriptors it has no streams, and its error is on the way.
  const { streams, end } = completed(launch, child.stdio ?? [])
  child.on('error', end)
  redact(launch, streams)
  warnOfUntested(plan.untested)
  const driver = drive(child, launch, plan, streams)
  if (plan.meter) tap(plan.meter, launch, streams, driver)
  return driver
}

/**
 * @param {Launch} launch
 * @param {Error} error
 */
function fail(launch, error) {
  return failStart(launch, { startPath: 'portable', missingProtections: missing(launch) }, error)
}

/** @param {Launch} launch */
function missing(launch) {
  return [...MISSING, ...launch.redactOutput.missing]
}

/**
 * Bun accepted uid and gid and ignored them until 2026 (oven-sh/bun#33060): a drop that nobody can verify is none.
 * @param {import('../binding').IdentityRequest} ids
 */
function refuseUnverifiable({ uid }) {
  const other = uid !== undefined && uid !== process.geteuid?.()
  if (other && process.versions.bun) throw unsupported('Under Bun, options.uid cannot be verified. Run the worker under Node, or as the target user.', 'uid')
}

/** @param {import('../binding').Stdio} item */
function toStdio(item) {
  return item.type === 'descriptor' ? item.number : item.type
}

/**
 * Has the group that a child leads end with this Node environment.
 * @param {import('node:child_process').ChildProcess} child
 */
function ownGroup(child) {
  const { pid } = child
  if (pid === undefined) return
  binding.addGroup(pid)
  child.on('exit', () => binding.forgetGroup(pid))
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {Launch} launch
 * @param {{ program: string, args: string[] }} plan
 * @param {readonly any[]} streams
 */
function drive(child, launch, { program, args }, streams) {
  const { stop: policy } = launch.child
  const { facts } = launch
  /** @type {NodeJS.Timeout[]} */
  const timers = []
  const signal = (/** @type {number} */ number) => {
    if (number === facts.killSignal) timers.push(setTimeout(() => signalGroup(child, 9), policy.killGraceMs))
    return signalGroup(child, number)
  }
  const stop = () => void signal(facts.killSignal)
  const driver = makeProcess(
    {
      startPath: 'portable',
      missingProtections: missing(launch),
      stdio: /** @type {any} */ (streams),
      signal,
      stop,
      ref: () => child.ref(),
      unref: () => child.unref()
    },
    facts
  )
  child.on('spawn', () => driver.onSpawned(/** @type {number} */ (child.pid), [program, ...args]))
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

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} signal
 */
function signalGroup(child, signal) {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

/**
 * @param {any} error
 * @param {string} provider
 * @param {string} program
 */
function spawnFailed(error, provider, program) {
  const isTooLarge = error.code === 'E2BIG'
  const advice = isTooLarge ? ' Shorten the arguments and variables: pass large values in files.' : ''
  return new ProviderError({
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

module.exports = { ownGroup, startPortable }
