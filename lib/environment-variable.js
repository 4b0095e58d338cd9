// Taking a secret out of process.env for good: from libc's list, and from the block that the kernel shows.
'use strict'

const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')

/** @param {string} what */
function requireMainThread(what) {
  // Loaded here: it is a tenth of this package's load time, and few need it.
  if (require('node:worker_threads').isMainThread) return
  throw new ProviderError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: `${what} works on the main thread only: a worker thread has a copy of process.env that cannot be wiped. Call it before you start worker threads.`
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

module.exports = { remove, requireMainThread }
