// Keeps the event loop alive while a process runs that was not unref()ed, or while this copy of the package awaits
// something.
'use strict'

const binding = require('./binding.js')

/** The longest that a timer can be set to (Node's TIMEOUT_MAX): 24.8 days, then again. */
const FOREVER = 2 ** 31 - 1

/** What is still to be called. The timer keeps it, also where nobody holds this copy of the package any more. @type {Set<Function>} */
const awaited = new Set()
/** @type {NodeJS.Timeout | undefined} */
let timer
let holders = 0

function hold() {
  holders += 1
  if (timer === undefined) binding.callWithoutContext(start)
  timer?.ref()
}

/** Outside of the first holder's AsyncLocalStorage, which a timer would keep for as long as it lives. */
function start() {
  // It names what it keeps.
  timer = setInterval(() => void awaited, FOREVER)
}

function release() {
  holders -= 1
  if (holders === 0) timer?.unref()
}

/**
 * A function that calls `callback` for as long as somebody else keeps that. The addon keeps what it calls, and with it the
 * whole copy of the package: a test runner makes hundreds.
 * @template {(...values: any[]) => void} T
 * @param {T} callback
 * @returns {T}
 */
function weakly(callback) {
  const kept = new WeakRef(callback)
  return /** @type {T} */ ((...values) => kept.deref()?.(...values))
}

module.exports = { awaited, hold, release, weakly }
