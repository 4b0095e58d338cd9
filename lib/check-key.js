// checkKey(): asks a provider's API whether a credential is good.
'use strict'

const binding = require('./binding.js')
const { readHttpSettings, runJob } = require('./jobs.js')
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
  return await lendInput(input, 'input', async (secret) => {
    const options = validate.options('options', value, OPTIONS)
    const baseUrl = validate.optionalString('options.baseUrl', options.baseUrl)
    const cacheMs = validate.optionalMilliseconds('options.cacheMs', options.cacheMs) ?? 0
    const id = validate.optionalString('provider', provider) ?? ''
    const key = JSON.stringify([id, secret.fingerprint, baseUrl])
    const known = cache.get(key)
    if (known && Date.now() - known.checkedAt < cacheMs) return { ...known, cached: true }

    const settings = readHttpSettings(options, DEFAULT_TIMEOUT_MS)
    const { fingerprint } = secret
    const verdict = await runJob(() => binding.checkKey(id, secret, baseUrl, settings), abortSignal(options.signal))
    const check = { provider, ...verdict, fingerprint, checkedAt: Date.now(), cached: false }
    if (CACHED.has(check.outcome)) remember(key, check)
    return check
  })
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
