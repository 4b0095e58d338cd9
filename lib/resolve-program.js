// resolveProgram(): finds a provider's program, and proves that the target user can run it.
'use strict'

const binding = require('./binding.js')
const { variable } = require('./environment-variable.js')
const { bare, translate } = require('./errors.js')
const { IDS, readIds } = require('./launch.js')
const { packageRoots } = require('./package-roots.js')
const { warnOfUntested } = require('./untested-version.js')
const validate = require('./validate.js')

/**
 * @param {import('../index').ProviderId} provider
 * @param {import('../index').ResolveOptions} [value]
 * @returns {import('../index').Program}
 */
function resolveProgram(provider, value) {
  if (typeof provider !== 'string') throw validate.wrongType('provider', 'a string', provider)
  validate.wellFormed('provider', provider)
  const options = validate.options('options', value, [...IDS, 'command', 'path'])
  const command = validate.optionalString('options.command', options.command)
  const path = validate.optionalString('options.path', options.path) ?? variable('PATH') ?? ''
  const query = { provider, command, path, packageRoots: packageRoots(), ids: readIds(options) }
  const found = bare(translate(() => binding.resolveProgram(query)))
  warnOfUntested(found.untested)
  return Object.freeze({
    path: found.path,
    foundAt: found.foundAt,
    foundBy: /** @type {any} */ (found.foundBy),
    kind: found.interpreter == null ? 'native' : 'script',
    interpreter: found.interpreter ?? null,
    version: found.version ?? null,
    tested: found.tested ?? null
  })
}

module.exports = { resolveProgram }
