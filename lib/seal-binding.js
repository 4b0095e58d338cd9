// What a sealed secret is made with: the recipient's public key, and what it is bound to.
'use strict'

const validate = require('./validate.js')
const { isUint8Array, refuseUnusable } = require('./secret-input.js')

const PARTS = /** @type {const} */ (['workspace', 'field', 'request'])
/** Where a payload has secrets. */
const FIELD = /^(apiKey|oauthAccessToken|sessionCookie|userEnvKeys\..+)$/s
/** Those that are a credential, which alone can be another's than the workspace's. */
const CREDENTIAL = /^(apiKey|oauthAccessToken)$/

/**
 * @param {any} value
 * @returns {import('../binding').NativeBinding}
 */
function readBinding(value) {
  const binding = validate.options('binding', value, [...PARTS, 'credentialOwner'])
  const [workspace, field, request] = PARTS.map((name) => validate.boundText(`binding.${name}`, binding[name]))
  // The worker would say no more than that it does not open.
  if (!FIELD.test(field)) throw validate.wrongValue('binding.field', 'must be apiKey, oauthAccessToken, sessionCookie, or userEnvKeys.NAME.')
  const credentialOwner = readCredentialOwner('binding.credentialOwner', binding.credentialOwner)
  if (credentialOwner === 'server' && !CREDENTIAL.test(field)) {
    throw validate.wrongValue('binding.credentialOwner', "is for apiKey and oauthAccessToken: what else a payload has is the workspace's.")
  }
  return { workspace, field, request, credentialOwner }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function readCredentialOwner(name, value) {
  return validate.optionalWord(name, value, ['workspace', 'server'])
}

/** @param {unknown} value */
function readPublicKey(value) {
  if (typeof value === 'string') return value
  if (!isUint8Array(value)) throw validate.wrongType('publicKey', 'a string or a Uint8Array', value)
  refuseUnusable(value, 'publicKey')
  return value
}

module.exports = { readBinding, readCredentialOwner, readPublicKey }
