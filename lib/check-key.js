// checkKey(): asks a provider's API whether a credential is valid.
'use strict'

const { abortSignal } = require('./abort-signal.js')
const binding = require('./binding.js')
const { readHttpSettings, runJob, runUnlessAborted } = require('./jobs.js')
const { lendInput } = require('./secret.js')
const validate = require('./validate.js')

/** @typedef {import('../index').KeyCheck} KeyCheck */

const OPTIONS = /** @type {const} */ (['baseUrl', 'ca', 'cacheMs', 'proxy', 'signal', 'timeoutMs'])
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_CACHED = 1000
/** What the vendor said of the credential itself: an endpoint that was out of reach says nothing. */
const CACHED = new Set(/** @type {import('../binding').Outcome[]} */ (['valid', 'invalid', 'forbidden']))

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
    const verdict = await (signal ? runUnlessAborted((abort) => question.ask(abort), signal) : runJob(() => question.ask()))
    const check = Object.freeze(/** @type {KeyCheck} */ ({ provider, ...verdict, fingerprint, checkedAt: Date.now(), cached: false }))
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
    question: binding.planKeyCheck(secret, { provider: validate.optionalString('provider', provider) ?? '', baseUrl, http: settings })
  }
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
