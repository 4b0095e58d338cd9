// The processes of this thread whose start was requested and that have not ended.
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
 * @param {{ fingerprints?: string[], provider?: string }} filter
 * @returns {ProviderProcess[]}
 */
function list({ fingerprints, provider }) {
  const all = [...running]
  return all.filter(({ credential, provider: of }) => (fingerprints?.includes(credential.fingerprint ?? '') ?? true) && (provider ?? of) === of)
}

module.exports = { add, has, list, remove }
