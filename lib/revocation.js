// revoke(), restore() and runningProcesses(): credentials that no launch may use, and the processes that still run with
// one.
'use strict'

const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')
const { ProviderEnv } = require('./provider-env.js')
const running = require('./running-processes.js')
const { Secret } = require('./secret.js')
const validate = require('./validate.js')

/**
 * @param {import('../index').RevocationTarget} target
 * @returns {any[]}
 */
function revoke(target) {
  const fingerprint = fingerprintOf(target)
  // With a login, all of its tokens.
  const revoked = translate(() => binding.revoke(fingerprint))
  return running.list({ fingerprints: revoked, provider: undefined })
}

/** @param {import('../index').RevocationTarget} target */
function restore(target) {
  const fingerprint = fingerprintOf(target)
  return translate(() => binding.restore(fingerprint))
}

/**
 * @param {import('../index').ProcessFilter} [value]
 * @returns {any[]}
 */
function runningProcesses(value) {
  const filter = validate.options('filter', value, ['fingerprint', 'provider'])
  const fingerprint = validate.optionalString('filter.fingerprint', filter.fingerprint)?.toLowerCase()
  return running.list({
    fingerprints: fingerprint === undefined ? undefined : [fingerprint],
    provider: validate.optionalString('filter.provider', filter.provider)
  })
}

/**
 * @param {unknown} target
 * @returns {string}
 */
function fingerprintOf(target) {
  if (typeof target === 'string') return target
  if (target instanceof Secret) return target.fingerprint
  if (!(target instanceof ProviderEnv)) throw validate.wrongType('target', 'a fingerprint, a Secret or a ProviderEnv', target)
  const { fingerprint } = /** @type {import('../index').CredentialInfo} */ (target.credential)
  if (fingerprint !== null) return fingerprint
  throw new ProviderError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: "This environment uses the CLI's own login in its config directory, and this package does not know its credential. Log out with the CLI.",
    provider: target.provider
  })
}

module.exports = { restore, revoke, runningProcesses }
