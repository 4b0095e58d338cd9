// The native start: hands a launch to the addon and its events to the process.
'use strict'

const binding = require('./binding.js')
const { fromJson, translate } = require('./errors.js')
const { makeProcess, signalName } = require('./provider-process.js')

/** @typedef {import('./launch.js').Launch} Launch */
/** @typedef {import('./provider-process.js').Driver} Driver */

/** @type {Map<number, Driver>} */
const running = new Map()
let listening = false
/** @type {typeof import('node:net') | undefined} */
let net

/** The kinds of event; src/node/events.rs has the same. @type {((driver: Driver, number: number, text: string) => boolean | void)[]} */
const EVENTS = [
  (driver, pid, program) => driver.onSpawned(pid, program),
  (driver, _, json) => ended(() => driver.onFailed(fromJson(json))),
  (driver) => driver.onTimedOut(),
  (driver, code) => ended(() => driver.onExited(code, null)),
  (driver, signal) => ended(() => driver.onExited(null, signalName(signal))),
  // Somebody else in this process waited for it: how it ended is not known.
  (driver) => ended(() => driver.onExited(null, null))
]

/** @param {() => void} tell */
function ended(tell) {
  tell()
  return true
}

/**
 * @param {number} id
 * @param {number} kind
 * @param {number} number
 * @param {string | null} [text]
 */
function onEvent(id, kind, number, text) {
  const driver = running.get(id)
  if (!driver) return
  if (kind === 0 || kind === 2) {
    EVENTS[kind](driver, number, text ?? '')
    return
  }
  running.delete(id)
  binding.forget(id)
  EVENTS[kind](driver, number, text ?? '')
}

/**
 * @param {Launch} launch
 * @returns {Driver}
 */
function startNative(launch) {
  if (!listening) {
    binding.listen(onEvent)
    listening = true
  }
  const { id, stdio } = translate(() => binding.spawn(launch.env, launch.options, launch.ids))
  const streams = /** @type {any} */ (stdio.map((fd, index) => (fd < 0 ? null : socket(fd, index))))
  const driver = makeProcess(
    {
      startPath: 'native',
      missingProtections: [],
      stdio: streams,
      signal: (number) => binding.signal(id, number),
      stop: () => binding.stop(id),
      ref: () => {},
      unref: () => {}
    },
    launch.facts
  )
  running.set(id, driver)
  return driver
}

/**
 * @param {number} fd
 * @param {number} index
 */
function socket(fd, index) {
  // Loaded with the first start: it is a fifth of this package's load time.
  net ??= /** @type {typeof import('node:net')} */ (require('node:net'))
  return new net.Socket({ fd, readable: index !== 0, writable: index === 0 })
}

module.exports = { startNative }
