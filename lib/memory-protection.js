// memoryProtection(), `requireLocked` and hardenWorker(): what the system really gave, and what it refused.
'use strict'

const { getSystemErrorName } = require('node:util')
const binding = require('./binding.js')
const { translate } = require('./errors.js')
const validate = require('./validate.js')

/** @returns {import('../index').MemoryProtection} */
function memoryProtection() {
  const { refusals, lockLimitBytes, ...rest } = translate(() => binding.memoryProtection())
  return Object.freeze({ ...rest, lockLimitBytes: lockLimitBytes ?? null, refusals: refusals.map(toRefusal) })
}

/** @returns {import('../index').WorkerHardening} */
function hardenWorker() {
  const { refusals, ...rest } = translate(() => binding.hardenWorker())
  return Object.freeze({ ...rest, refusals: refusals.map(toRefusal) })
}

/** @param {import('../binding').NativeRefusal} refusal */
function toRefusal({ protection, syscall, errno }) {
  return Object.freeze({ protection, syscall, errno: -errno, code: getSystemErrorName(-errno) })
}

/**
 * Throws where `requireLocked` was asked for and a protection was refused, and disposes of what was just made.
 * @template {{ dispose(): void } | undefined} T
 * @param {any} options
 * @param {T} [made]
 * @returns {T}
 */
function requireLocked(options, made) {
  try {
    if (validate.optionalBoolean('options.requireLocked', options.requireLocked)) translate(() => binding.requireProtection())
  } catch (error) {
    made?.dispose()
    throw error
  }
  return /** @type {T} */ (made)
}

module.exports = { hardenWorker, memoryProtection, requireLocked }
