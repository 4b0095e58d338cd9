// The native start: hands a launch to the addon and its events to the process.
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

/** @typedef {import('../binding').NativeError} NativeError */
/** @typedef {Pick<Driver, 'inContext' | 'onSpawned' | 'onFailed' | 'onTimedOut' | 'onExited'>} Hearer */
/** @typedef {{ driver: Hearer, release: () => void }} Running `release` lets the streams be read. */

/** @type {Map<number, Running>} */
const running = new Map()
/** What hears of the processes that this copy of the package starts. @type {import('../binding').NativeProcessListener | undefined} */
let listener
/** What no native start here can give; known once one was asked for. @type {import('../index').MissingProtection[] | undefined} */
let missing
/** @type {typeof import('node:net') | undefined} */
let net

/**
 * The kinds of event; src/node/process/events.rs has the same.
 * @type {((running: Running, number: number, text: string, error: NativeError | null) => void)[]}
 */
const EVENTS = [
  ({ driver, release }, pid, argv) => {
    try {
      driver.onSpawned(pid, argv.split('\0'))
    } finally {
      // Also when a listener throws: the run goes on, as with child_process.
      release()
    }
  },
  ({ driver, release }, _number, _text, error) => {
    release()
    driver.onFailed(fromNative(/** @type {NativeError} */ (error)))
  },
  ({ driver }) => driver.onTimedOut(),
  ({ driver }, code) => driver.onExited(code, null),
  // A real-time signal, which Node has no name for, comes with its own.
  ({ driver }, signal, name) => driver.onExited(null, /** @type {NodeJS.Signals | null} */ (name || signalName(signal))),
  // Somebody else in this process waited for it: how it ended is not known.
  ({ driver }) => driver.onExited(null, null),
  (_running, _number, text) => warnOfUntested(text)
]
/** Those after which there are no more. */
const LAST = new Set([1, 3, 4, 5])

/**
 * @param {number} id
 * @param {number} kind
 * @param {number} number
 * @param {string | null} text
 * @param {NativeError | null} error
 */
function onEvent(id, kind, number, text, error) {
  const entry = running.get(id)
  if (!entry) return
  if (LAST.has(kind)) {
    running.delete(id)
    if (running.size === 0) keepAlive.awaited.delete(onEvent)
    binding.forget(id)
  }
  entry.driver.inContext(() => EVENTS[kind](entry, number, text ?? '', error))
}

function heard() {
  // It outlives its first caller and serves all others, who must not see that one's AsyncLocalStorage.
  if (!listener) binding.callWithoutContext(() => void (listener = new binding.NativeProcessListener(keepAlive.weakly(onEvent))))
  return /** @type {import('../binding').NativeProcessListener} */ (listener)
}

/**
 * @param {number} id
 * @param {Running} entry
 */
function follow(id, entry) {
  running.set(id, entry)
  keepAlive.awaited.add(onEvent)
}

/**
 * @param {Launch} launch
 * @returns {Driver}
 */
function startNative(launch) {
  const missingHere = (missing ??= /** @type {import('../index').MissingProtection[]} */ (binding.missingFromNativeStart()))
  const { id, stdio, watch } = translate(() => binding.spawn(heard(), launch.env, launch.options, launch.ids))
  const sockets = stdio.map((isStream, index) => (isStream ? socket(id, index) : null))
  // A start that got no descriptors for them has failed, and its event is on the way.
  const { streams, end } = completed(launch, sockets)
  redact(launch, streams)
  const held = sockets.slice(1).filter(Boolean).map(hold)
  const driver = makeProcess(
    {
      startPath: 'native',
      missingProtections: [...missingHere, ...launch.redactOutput.missing],
      stdio: /** @type {any} */ (streams),
      signal: (number) => binding.signal(id, number),
      stop: () => binding.stop(id),
      ref: () => {},
      unref: () => {}
    },
    launch.facts
  )
  if (watch) tap(launch, streams, driver)
  const release = () => [...held, end].forEach((each) => each())
  follow(id, { driver, release })
  return driver
}

/**
 * @param {number} id
 * @param {number} index
 */
function socket(id, index) {
  // Loaded with the first start: it is a fifth of this package's load time.
  net ??= /** @type {typeof import('node:net')} */ (require('node:net'))
  const options = {
    fd: binding.takeStream(id, index),
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
 * Begins a command that is no CLI: its streams, as far as it has them, and its id.
 * @param {import('../binding').NativeCommand} command
 * @param {import('../binding').NativeIdentity} ids
 * @param {Hearer} driver What hears of it.
 */
function startCommand(command, ids, driver) {
  binding.tearDownAtExit(isMainThread)
  const { id, stdio } = translate(() => binding.runCommand(heard(), command, ids))
  follow(id, { driver, release: () => {} })
  return { id, streams: stdio.map((isStream, index) => (isStream ? socket(id, index) : null)) }
}

module.exports = { startCommand, startNative }
