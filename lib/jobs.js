// The jobs that the addon runs on separate threads: requests to APIs, checks of paths, and waiting for locks.
'use strict'

const { isUint8Array } = require('node:util').types
const { onAbort } = require('./abort-signal.js')
const binding = require('./binding.js')
const { ProviderError, fromThrown, own } = require('./errors.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeAbort} Abort */

/**
 * What a job of the addon's comes to. Whatever it throws or rejects with, the promise rejects with as users see it.
 * @template T
 * @param {() => Promise<T>} begin
 * @returns {Promise<T>}
 */
async function runJob(begin) {
  try {
    return own(await begin())
  } catch (thrown) {
    throw fromThrown(thrown)
  }
}

/**
 * The same of a job whose promise rejects when the signal fires. What was sent stays sent.
 * @template T
 * @param {(abort: Abort) => Promise<T>} begin
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
async function runUnlessAborted(begin, signal) {
  if (signal.aborted) throw aborted(signal)
  const abort = new binding.NativeAbort()
  const stopListening = onAbort(signal, () => abort.abort())
  try {
    return await runJob(() => begin(abort))
  } catch (error) {
    throw error instanceof ProviderError && error.code === 'ERR_PROVIDER_ABORTED' ? aborted(signal) : error
  } finally {
    stopListening()
  }
}

/** @param {AbortSignal} signal */
function aborted(signal) {
  return new ProviderError({ code: 'ERR_PROVIDER_ABORTED', message: 'The request was aborted.' }, { cause: signal.reason })
}

const MIN_TIMEOUT_MS = 100
const MAX_TIMEOUT_MS = 10 * 60 * 1000

/**
 * The options of a request that the addon takes.
 * @param {any} options
 * @param {number} timeoutMs The default.
 * @returns {import('../binding').HttpSettings}
 */
function readHttpSettings(options, timeoutMs) {
  const given = validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) ?? timeoutMs
  if (given < MIN_TIMEOUT_MS || given > MAX_TIMEOUT_MS) {
    throw validate.wrongValue('options.timeoutMs', `must be from ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS} milliseconds.`)
  }
  const { ca } = options
  return {
    timeoutMs: given,
    proxy: validate.optionalString('options.proxy', options.proxy),
    ca: isUint8Array(ca) ? Buffer.from(ca.buffer, ca.byteOffset, ca.byteLength).toString('latin1') : validate.optionalString('options.ca', ca)
  }
}

module.exports = { readHttpSettings, runJob, runUnlessAborted }
