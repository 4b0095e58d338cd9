// memoryProtection(), `requireLocked` and hardenWorker(): the protections that the system gave, and those that it
// refused.
'use strict'

const { getSystemErrorName } = require('node:util')
const binding = require('./binding.js')
const { bare, own, translate } = require('./errors.js')
const validate = require('./validate.js')

/** @returns {import('../index').MemoryProtection} */
function memoryProtection() {
  const { refusals, lockLimitBytes, ...rest } = bare(own(translate(() => binding.memoryProtection())))
  return Object.freeze({ ...rest, lockLimitBytes: lockLimitBytes ?? null, refusals: refusals.map(toRefusal) })
}

/** @returns {import('../index').WorkerHardening} */
function hardenWorker() {
  const { refusals, ...rest } = own(translate(() => binding.hardenWorker()))
  return Object.freeze({ ...rest, inspectorClosed: closeInspector(), refusals: refusals.map(toRefusal) })
}

/**
 * SIGUSR1 makes Node open a debugger, and any process of the worker's uid may send it, dumpable or not. A listener of
 * ours takes the signal's place; one that is open already is not for us to close.
 */
function closeInspector() {
  // Loaded here, as few workers call it.
  const { isMainThread } = require('node:worker_threads')
  const { url } = require('node:inspector')
  if (isMainThread && process.listenerCount('SIGUSR1') === 0) {
    // Not in the caller's AsyncLocalStorage: the handle of the signal stays for good.
    binding.callWithoutContext(() => process.on('SIGUSR1', () => {}))
  }
  return isMainThread && url() === undefined
}

/** @param {import('../binding').RefusedStep} refusal */
function toRefusal({ protection, syscall, errno }) {
  return Object.freeze({ protection, syscall, errno: -errno, code: getSystemErrorName(-errno) })
}

/**
 * `options.requireLocked`, which the addon then sees to.
 * @param {any} options
 */
function readRequireLocked(options) {
  return validate.optionalBoolean('options.requireLocked', options.requireLocked) ?? false
}

module.exports = { hardenWorker, memoryProtection, readRequireLocked }
