// Runs a command that is not a CLI as the target user, with the privilege drop of a start: in its own session, without
// our terminal, our descriptors or our environment.
'use strict'

const { AsyncResource } = require('node:async_hooks')
const { once } = require('node:events')
const { constants } = require('node:os')
const { isMainThread } = require('node:worker_threads')
const binding = require('./binding.js')
const { ProviderError, bare } = require('./errors.js')
const { cutHeldStreams } = require('./held-streams.js')
const keepAlive = require('./keep-alive.js')
const { portable } = require('./spawn-provider.js')
const { IGNORE, PIPE } = require('./stdio.js')

/** How long it may take to end once it was killed. Not even SIGKILL ends a process that waits for a FUSE daemon's answer. */
const LAST_MS = 2000

/** @typedef {{ uid?: number, gid?: number, groups?: number[] }} Ids */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Result */

/**
 * @typedef {object} RunningCommand
 * @property {(import('node:net').Socket | null)[]} streams Ours: to its stdin, from its stdout and its stderr.
 * @property {() => void} stop SIGTERM to its group, then, after the grace, SIGKILL to all that it started.
 * @property {Promise<Result>} ended Rejects where it could not be started.
 */

/**
 * @param {string} command An absolute path, or a name.
 * @param {string[]} args
 * @param {Ids} ids
 * @param {{ cwd?: string, stdio?: readonly boolean[], timeoutMs?: number, graceMs?: number }} [options] `stdio`: which streams
 *   are wanted; the others are /dev/null.
 * @returns {RunningCommand}
 */
function runCommand(command, args, ids, { cwd = '/', stdio = [false, false, false], timeoutMs, graceMs = binding.DEFAULT_GRACE_MS } = {}) {
  if (portable) return runPortable(command, args, ids, stdio, timeoutMs)
  const { startCommand } = require('./native-start.js')
  /** @type {(result: Result) => void} */
  let resolve
  /** @type {(error: unknown) => void} */
  let reject
  /** @type {Promise<Result>} */
  const exited = new Promise((...both) => ([resolve, reject] = both))
  const resource = new AsyncResource('ProviderCommand')
  const driver = {
    inContext: (/** @type {() => void} */ call) => resource.runInAsyncScope(call),
    onSpawned: () => {},
    onTimedOut: () => {},
    onFailed: (/** @type {unknown} */ error) => reject(error),
    onExited: (/** @type {number | null} */ code, /** @type {NodeJS.Signals | null} */ signal) => resolve({ code, signal })
  }
  const giveUpAfter = (/** @type {number} */ delay) => void setTimeout(() => reject(endless(command)), delay + graceMs + LAST_MS).unref()
  /** @type {import('../binding').ChildOptions} */
  const asked = {
    command,
    args,
    cwd,
    ids: bare(ids),
    attributes: bare({}),
    stop: { killSignal: constants.signals.SIGTERM, killGraceMs: graceMs, timeoutMs, killGroupOnExit: true },
    stdio: stdio.map((wanted) => (wanted ? PIPE : IGNORE)),
    aborted: false
  }
  const { native, streams } = startCommand(asked, driver)
  keepAlive.hold()
  if (timeoutMs !== undefined) giveUpAfter(timeoutMs)
  const open = streams.slice(1).filter((stream) => stream !== null)
  let isOver = false
  exited.finally(() => (isOver = true)).catch(() => {})
  const stop = () => {
    native.stop()
    // Once it has ended, what is left to stop is the reading.
    if (isOver) open.forEach((stream) => stream.destroy())
    giveUpAfter(0)
  }
  return { streams, stop, ended: afterStreams(exited, open).finally(keepAlive.release) }
}

/** @param {string} command */
function endless(command) {
  const message = `${command} was killed but has not ended, because it is waiting for a file system that does not answer. Check the mounts below the directories of that uid (FUSE, NFS).`
  return new ProviderError({ code: 'ERR_PROVIDER_TIMEOUT', message })
}

/**
 * Its end, once all that it said is read. What it has left behind may go on to write, and keeps nobody.
 * @param {Promise<Result>} exited
 * @param {any[]} streams
 */
async function afterStreams(exited, streams) {
  const closed = streams.map((stream) => (stream.on('error', () => {}), once(stream, 'close')))
  try {
    return await exited
  } finally {
    cutHeldStreams(streams)
    await Promise.all(closed)
  }
}

/**
 * Where the native start is not to be had. It keeps what child_process passes on: docs/hardening.md. So nothing that comes from
 * it reaches a terminal, and no command of ours is offered for one.
 * @param {string} command
 * @param {string[]} args
 * @param {Ids} ids
 * @param {readonly boolean[]} stdio
 * @param {number} [timeout]
 * @returns {RunningCommand}
 */
function runPortable(command, args, { uid, gid }, stdio, timeout) {
  if (stdio.includes(true)) {
    const message = `A command as another user requires the native start, but ${missing()}. Run the command as that user in another way, without a terminal.`
    throw new ProviderError({ code: 'ERR_PROVIDER_UNSUPPORTED', message })
  }
  const { ownGroup } = require('./portable-start.js')
  const { spawn } = /** @type {typeof import('node:child_process')} */ (require('node:child_process'))
  const child = spawn(command, args, { uid, gid, cwd: '/', env: { PATH: binding.COMMAND_PATH }, stdio: 'ignore', detached: true, timeout, killSignal: 'SIGKILL' })
  binding.tearDownAtExit(isMainThread)
  ownGroup(child)
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return { streams: [null, null, null], stop: () => void child.kill('SIGKILL'), ended }
}

/** Why there is no native start here, as the rest of a sentence. */
function missing() {
  if (process.versions.bun !== undefined) return 'Bun does not support it'
  const call = process.platform === 'linux' ? binding.missingForNativeStart() : null
  return call ? `this kernel or sandbox does not support ${call}` : 'it is available only on Linux'
}

module.exports = { runCommand }
