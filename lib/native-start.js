// The native start: passes a launch to the addon, and the addon's events to the process object.
'use strict'

const { isMainThread } = require('node:worker_threads')
const binding = require('./binding.js')
const { fromNative, translate } = require('./errors.js')
const { completed } = require('./failed-start.js')
const keepAlive = require('./keep-alive.js')
const { makeProcess, signalName } = require('./provider-process.js')
const { redact } = require('./redact-output.js')
const { warnOfUntested } = require('./untested-version.js')
const { tap } = require('./usage-tap.js')

/** @typedef {import('./launch.js').Launch} Launch */
/** @typedef {import('./provider-process.js').Driver} Driver */

/** @typedef {Pick<Driver, 'inContext' | 'onSpawned' | 'onFailed' | 'onTimedOut' | 'onExited'>} Hearer */
/** @typedef {import('../binding').NativeProcess} NativeProcess */
/** @typedef {import('../binding').ProcessEvent} ProcessEvent */
/** @typedef {{ id: number, native: NativeProcess, driver: Hearer, release: () => void }} Running `release` lets the streams be read. */

/** @type {Map<number, Running>} */
const running = new Map()
/** Starts the processes of this copy of the package. @type {import('../binding').NativeSpawner | undefined} */
let made
/** What no native start here can give; known once one was asked for. @type {import('../index').MissingProtection[] | undefined} */
let missing
/** @type {typeof import('node:net') | undefined} */
let net

/**
 * @param {number} id
 * @param {ProcessEvent} event
 */
function onEvent(id, event) {
  const entry = running.get(id)
  if (!entry) return
  // After these there are no more.
  if (event.type === 'Failed' || event.type === 'Exited') {
    running.delete(id)
    if (running.size === 0) keepAlive.awaited.delete(onEvent)
    entry.native.forget()
  }
  entry.driver.inContext(() => tell(entry, event))
}

/**
 * @param {Running} entry
 * @param {ProcessEvent} event
 */
function tell({ driver, release }, event) {
  switch (event.type) {
    case 'Untested':
      return warnOfUntested(event.message)
    case 'Spawned':
      try {
        return driver.onSpawned(event.pid, event.argv)
      } finally {
        // Also when a listener throws: the run goes on, as with child_process.
        release()
      }
    case 'Failed':
      release()
      return driver.onFailed(fromNative(event.error))
    case 'TimedOut':
      return driver.onTimedOut()
    case 'Exited':
      return driver.onExited(event.code, event.signal === null ? null : nameOf(event.signal, event.realTimeSignal))
  }
}

/**
 * @param {number} signal
 * @param {string | null} realTimeSignal
 */
function nameOf(signal, realTimeSignal) {
  return /** @type {NodeJS.Signals | null} */ (realTimeSignal ?? signalName(signal))
}

function spawner() {
  // It outlives its first caller and serves all others, who must not see that one's AsyncLocalStorage.
  if (!made) binding.callWithoutContext(() => void (made = new binding.NativeSpawner(keepAlive.weakly(onEvent))))
  return /** @type {import('../binding').NativeSpawner} */ (made)
}

/** @param {Running} entry */
function follow(entry) {
  running.set(entry.id, entry)
  keepAlive.awaited.add(onEvent)
}

/**
 * @param {Launch} launch
 * @returns {Driver}
 */
function startNative(launch) {
  const missingHere = (missing ??= /** @type {import('../index').MissingProtection[]} */ (binding.missingFromNativeStart()))
  const native = translate(() => spawner().spawn(launch.env, launch.child, launch.cli))
  const { id, meter, streams: ends } = native.begun()
  const sockets = ends.map(socket)
  // A start that got no descriptors for them has failed, and its event is on the way.
  const { streams, end } = completed(launch, sockets)
  redact(launch, streams)
  const held = sockets.slice(1).filter(Boolean).map(hold)
  const driver = makeProcess(
    {
      startPath: 'native',
      missingProtections: [...missingHere, ...launch.redactOutput.missing],
      stdio: /** @type {any} */ (streams),
      signal: (number) => native.signal(number),
      stop: () => native.stop(),
      ref: () => {},
      unref: () => {}
    },
    launch.facts
  )
  if (meter) tap(meter, launch, streams, driver)
  const release = () => [...held, end].forEach((each) => each())
  follow({ id, native, driver, release })
  return driver
}

/**
 * Our end of a stream, where there is one.
 * @param {number | null} fd
 * @param {number} index
 */
function socket(fd, index) {
  if (fd === null) return null
  // Loaded with the first start: it is a fifth of this package's load time.
  net ??= /** @type {typeof import('node:net')} */ (require('node:net'))
  const options = {
    fd,
    readable: index !== 0,
    writable: index === 0,
    // net's own word for "do not read yet"; `hold` needs it.
    manualStart: true,
    // What net would look for on Object.prototype.
    allowHalfOpen: false,
    handle: undefined,
    highWaterMark: undefined,
    objectMode: false,
    onread: undefined,
    signal: undefined
  }
  return new net.Socket(options)
}

/**
 * Keeps a stream from reading until the returned function is called: the child may write before its pid is known here.
 * @param {any} stream
 * @returns {() => void}
 */
function hold(stream) {
  let wanted = false
  stream._read = () => {
    wanted = true
  }
  return () => {
    delete stream._read
    // Also when nobody wants data yet: only a read finds the end.
    if (wanted) stream._read()
    else stream.read(0)
  }
}

/**
 * Begins a command that is no CLI.
 * @param {import('../binding').ChildOptions} child
 * @param {Hearer} driver What hears of it.
 */
function startCommand(child, driver) {
  binding.tearDownAtExit(isMainThread)
  const native = translate(() => spawner().runCommand(child))
  const { id, streams } = native.begun()
  follow({ id, native, driver, release: () => {} })
  return { native, streams: streams.map(socket) }
}

module.exports = { startCommand, startNative }
