// The environment variables of this process: reads one, and removes a secret permanently, from libc's list and from the
// block that the kernel shows.
'use strict'

const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')

/**
 * A variable of this process; `undefined` where there is none. `process.env` has a prototype, which is no variable's place.
 * @param {string} name
 * @returns {string | undefined}
 */
function variable(name) {
  // Asked of the environment once, unless the prototype has the name too: each question is a call of getenv(3).
  if (name in Object.prototype && !Object.hasOwn(process.env, name)) return undefined
  return process.env[name]
}

/** @param {string} what */
function requireMainThread(what) {
  // Loaded here: it is a tenth of this package's load time, and few need it.
  if (require('node:worker_threads').isMainThread) return
  throw new ProviderError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: `${what} works on the main thread only: a worker thread has its own copy of process.env, which cannot be wiped. Call it before you start worker threads.`
  })
}

/**
 * Removes variables whose values have been wiped already.
 * @param {string[]} names
 */
function remove(names) {
  for (const name of names) delete process.env[name]
  translate(() => binding.wipeInitialEnvironment(names))
}

module.exports = { remove, requireMainThread, variable }
