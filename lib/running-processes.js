// The processes of this thread that have not ended, from the moment that their start was asked for.
'use strict'

/** @typedef {import('./provider-process.js').ProviderProcess} ProviderProcess */

/** @type {Set<ProviderProcess>} */
const running = new Set()

/** @param {ProviderProcess} child */
function add(child) {
  running.add(child)
}

/** @param {ProviderProcess} child */
function remove(child) {
  running.delete(child)
}

/** @param {ProviderProcess} child */
function has(child) {
  return running.has(child)
}

/**
 * Those that match all that is given, oldest first.
 * @param {{ fingerprint?: string, provider?: string }} filter
 * @returns {ProviderProcess[]}
 */
function list({ fingerprint, provider }) {
  const all = [...running]
  return all.filter((child) => (fingerprint ?? child.credential.fingerprint) === child.credential.fingerprint && (provider ?? child.provider) === child.provider)
}

module.exports = { add, has, list, remove }
