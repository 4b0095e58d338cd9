// validateKey(): checks a key in Rust, for a settings page to show the result before the key is saved.
'use strict'

const binding = require('./binding.js')
const { own, translate } = require('./errors.js')
const { nativeOf } = require('./handle.js')
const { Secret } = require('./secret.js')
const { consume, isUint8Array, textOffHeap, wipe } = require('./secret-input.js')
const validate = require('./validate.js')

/**
 * @param {import('../index').ProviderId} provider
 * @param {import('../index').SecretInput} input
 * @param {import('../index').ValidateKeyOptions} [value]
 * @returns {import('../index').KeyValidation}
 */
function validateKey(provider, input, value) {
  if (isUint8Array(input)) return consume(input, 'input', (taken) => look(provider, taken, value))
  const handle = nativeOf(Secret, input)
  if (handle) return look(provider, /** @type {any} */ (handle), value)
  if (typeof input !== 'string') throw validate.wrongType('input', 'a string, a Uint8Array or a Secret', input)
  const text = textOffHeap(validate.limited('input', input))
  try {
    return look(provider, text, value)
  } finally {
    wipe([text])
  }
}

/**
 * @param {unknown} provider
 * @param {Uint8Array | import('../binding').NativeSecret} key
 * @param {unknown} value
 * @returns {any}
 */
function look(provider, key, value) {
  const options = validate.options('options', value, ['kind'])
  const kind = validate.optionalString('options.kind', options.kind)
  const id = validate.required('provider', validate.optionalString('provider', provider))
  return Object.freeze(own(translate(() => binding.validateKey(id, kind, key))))
}

module.exports = { validateKey }
