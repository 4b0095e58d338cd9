// What every function does with secret bytes that it is given: refuse what another thread can write to, and zero-fill
// them before it returns, whatever came of it.
'use strict'

const { nodeTypeError } = require('./errors.js')

/** Another thread could write to it while it is read. @param {Uint8Array} bytes */
function isShared(bytes) {
  return typeof SharedArrayBuffer !== 'undefined' && bytes.buffer instanceof SharedArrayBuffer
}

/** @param {string} name */
function shared(name) {
  return nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must not be a view of a SharedArrayBuffer. Copy it first.`)
}

/** @param {Uint8Array[]} all */
function wipe(all) {
  // By the prototype's own: an object may bring a `fill` that does nothing.
  for (const bytes of all) Uint8Array.prototype.fill.call(bytes, 0)
}

/**
 * Calls `use`, and zero-fills the bytes afterwards.
 * @template T
 * @param {Uint8Array[]} all
 * @param {string} name
 * @param {() => T} use
 * @returns {T}
 */
function consume(all, name, use) {
  if (all.some(isShared)) throw shared(name)
  try {
    return use()
  } finally {
    wipe(all)
  }
}

module.exports = { consume, isShared, shared, wipe }
