// describeProvider(): the facts about an environment that a badge shows.
'use strict'

const binding = require('./binding.js')
const { bare, own, translate } = require('./errors.js')
const { nativeOf } = require('./provider-env.js')
const validate = require('./validate.js')

/**
 * @param {import('../index').ProviderEnv} env
 * @returns {import('../types/usage').ProviderDescription}
 */
function describeProvider(env) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  const facts = bare(own(translate(() => binding.describe(native))))
  return /** @type {any} */ ({ ...facts, fingerprint: facts.fingerprint ?? null })
}

module.exports = { describeProvider }
