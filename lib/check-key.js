// checkKey(): asks a provider's API whether a credential is good.
'use strict'

const binding = require('./binding.js')
const { takeTurn } = require('./endpoint-turns.js')
const { aborted, readHttpSettings, runJob } = require('./jobs.js')
const { abortSignal } = require('./launch.js')
const { lendInput } = require('./secret.js')
const validate = require('./validate.js')

/** @typedef {import('../index').KeyCheck} KeyCheck */

const OPTIONS = /** @type {const} */ (['baseUrl', 'ca', 'cacheMs', 'proxy', 'signal', 'timeoutMs'])
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_CACHED = 1000
/** What the vendor said of the credential itself: an endpoint that was out of reach says nothing. */
const CACHED = new Set(['valid', 'invalid', 'forbidden'])

/** The newest last. @type {Map<string, KeyCheck>} */
const cache = new Map()

/**
 * @param {import('../index').ProviderId} provider
 * @param {import('../index').SecretInput} input
 * @param {import('../index').CheckKeyOptions} [value]
 * @returns {Promise<KeyCheck>}
 */
async function checkKey(provider, input, value) {
  // Lent first: bytes are consumed also where an option is wrong.
  const { baseUrl, cacheMs, signal, fingerprint, question } = lendInput(input, 'input', (secret) => plan(provider, secret, value))
  try {
    const key = JSON.stringify([provider, fingerprint, baseUrl])
    const known = cache.get(key)
    if (known && Date.now() - known.checkedAt < cacheMs) return Object.freeze({ ...known, cached: true })
    const verdict = await ask(question, hostOf(baseUrl) ?? provider, signal)
    const check = Object.freeze({ provider, ...verdict, fingerprint, checkedAt: Date.now(), cached: false })
    if (CACHED.has(check.outcome)) remember(key, check)
    return check
  } finally {
    question.dispose()
  }
}

/**
 * @param {import('../index').ProviderId} provider
 * @param {import('../binding').NativeSecret} secret
 * @param {import('../index').CheckKeyOptions | undefined} value
 */
function plan(provider, secret, value) {
  const options = validate.options('options', value, OPTIONS)
  const baseUrl = validate.optionalString('options.baseUrl', options.baseUrl)
  const settings = readHttpSettings(options, DEFAULT_TIMEOUT_MS)
  return {
    baseUrl,
    cacheMs: validate.optionalMilliseconds('options.cacheMs', options.cacheMs) ?? 0,
    signal: abortSignal(options.signal),
    fingerprint: secret.fingerprint,
    question: binding.planKeyCheck(validate.optionalString('provider', provider) ?? '', secret, baseUrl, settings)
  }
}

/**
 * Asks when the host has a turn for it. The wait is part of the time that it may take.
 * @param {import('../binding').NativeKeyCheck} question
 * @param {string} host
 * @param {AbortSignal | undefined} signal
 */
async function ask(question, host, signal) {
  if (!question.asks) return await runJob(() => question.ask(), signal)
  if (signal?.aborted) throw aborted(signal)
  const end = await takeTurn(host, signal)
  if (!end) throw aborted(/** @type {AbortSignal} */ (signal))
  let isUnderWay = false
  try {
    return await runJob(() => {
      const job = question.ask()
      isUnderWay = true
      return job
    }, signal, end)
  } finally {
    // One that an abort no longer waits for still has its thread.
    if (!isUnderWay) end()
  }
}

/** @param {string | undefined} baseUrl One that is none is the addon's to refuse. */
function hostOf(baseUrl) {
  return baseUrl !== undefined && URL.canParse(baseUrl) ? new URL(baseUrl).host : undefined
}

/**
 * @param {string} key
 * @param {KeyCheck} check
 */
function remember(key, check) {
  cache.delete(key)
  cache.set(key, check)
  if (cache.size > MAX_CACHED) cache.delete(/** @type {string} */ (cache.keys().next().value))
}

module.exports = { checkKey }
