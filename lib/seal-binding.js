// Reads what is needed to seal a secret: the recipient's public key, and what the secret is bound to.
'use strict'

const { isUint8Array, refuseUnusable } = require('./secret-input.js')
const validate = require('./validate.js')

const PARTS = validate.members(/** @type {Record<Exclude<keyof import('../binding').SealRequest, 'publicKey' | 'credentialOwner'>, true>} */ ({ workspace: true, field: true, request: true }))
const OWNERS = validate.wordsOf('CredentialOwner')

/**
 * @param {unknown} publicKey
 * @param {any} value
 * @returns {import('../binding').SealRequest}
 */
function readSeal(publicKey, value) {
  const key = readPublicKey(publicKey)
  const bound = validate.options('binding', value, [...PARTS, 'credentialOwner'])
  const [workspace, field, request] = PARTS.map((name) => validate.boundText(`binding.${name}`, bound[name]))
  const credentialOwner = readCredentialOwner('binding.credentialOwner', bound.credentialOwner)
  return { publicKey: key, workspace, field, request, credentialOwner }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function readCredentialOwner(name, value) {
  return validate.optionalWord(name, value, OWNERS)
}

/** @param {unknown} value */
function readPublicKey(value) {
  if (typeof value === 'string') return value
  if (!isUint8Array(value)) throw validate.wrongType('publicKey', 'a string or a Uint8Array', value)
  refuseUnusable(value, 'publicKey')
  return value
}

module.exports = { readCredentialOwner, readSeal }
