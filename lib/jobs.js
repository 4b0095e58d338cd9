// Promises of what the addon does on threads of its own: requests to APIs, and waiting for locks.
'use strict'

const { isUint8Array } = require('node:util').types
const binding = require('./binding.js')
const { ProviderError, fromNative, translate } = require('./errors.js')
const keepAlive = require('./keep-alive.js')
const { ONCE } = require('./launch.js')
const validate = require('./validate.js')

/** @typedef {{ resolve: (value: any) => void, reject: (reason: unknown) => void }} Pending */

/** @type {Map<number, Pending>} */
const pending = new Map()
/** What hears of the jobs that this copy of the package begins. @type {import('../binding').NativeJobListener | undefined} */
let listener

/**
 * @param {number} job
 * @param {import('../binding').NativeError | null} error
 * @param {string} json
 */
function onResult(job, error, json) {
  const waiting = pending.get(job)
  if (!waiting) return
  pending.delete(job)
  if (pending.size === 0) keepAlive.awaited.delete(onResult)
  if (error) waiting.reject(fromNative(error))
  else waiting.resolve(JSON.parse(json))
}

/**
 * The result of a job that `start` begins. What `start` throws, the promise rejects with.
 * @param {() => number} start
 * @param {AbortSignal} [signal] Aborted, the promise rejects. What was sent stays sent.
 * @returns {Promise<any>}
 */
async function runJob(start, signal) {
  if (signal?.aborted) throw aborted(signal)
  /** What `start` throws does not cross `begin` as it is: napi makes an error of its own of what is none. @type {unknown[]} */
  const thrown = []
  const job = heard().begin(() => {
    try {
      return translate(start)
    } catch (error) {
      thrown.push(error)
      return 0
    }
  })
  if (thrown.length > 0) throw thrown[0]
  keepAlive.awaited.add(onResult)
  keepAlive.hold()
  /** @type {(() => void) | undefined} */
  let onAbort
  try {
    return await new Promise((resolve, reject) => {
      pending.set(job, { resolve, reject })
      onAbort = () => reject(aborted(/** @type {AbortSignal} */ (signal)))
      signal?.addEventListener('abort', onAbort, ONCE)
    })
  } finally {
    keepAlive.release()
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}

function heard() {
  // It outlives its first caller and serves all others, who must not see that one's AsyncLocalStorage.
  if (!listener) binding.callWithoutContext(() => void (listener = new binding.NativeJobListener(keepAlive.weakly(onResult))))
  return /** @type {import('../binding').NativeJobListener} */ (listener)
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
 * @returns {import('../binding').NativeHttpSettings}
 */
function readHttpSettings(options, timeoutMs) {
  const given = validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) ?? timeoutMs
  if (given < MIN_TIMEOUT_MS || given > MAX_TIMEOUT_MS) {
    throw validate.wrongValue('options.timeoutMs', `must be ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS}.`)
  }
  const { ca } = options
  return {
    timeoutMs: given,
    proxy: validate.optionalString('options.proxy', options.proxy),
    ca: isUint8Array(ca) ? Buffer.from(ca.buffer, ca.byteOffset, ca.byteLength).toString('latin1') : validate.optionalString('options.ca', ca)
  }
}

module.exports = { readHttpSettings, runJob }
