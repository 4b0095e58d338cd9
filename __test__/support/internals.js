// What unit tests look into beside the public names (`internals.ts` has the list), in the one copy of the package that a
// process has: to be required before the package itself, which is then the same copy.
'use strict'

const shipped = require.resolve('../../dist/provider-env.cjs')
const built = require.resolve('../../target/internals.cjs')

if (require.cache[shipped] && require.cache[shipped] !== require.cache[built])
  throw new Error("require internals.js before the package: two copies do not take one another's handles")
const { shared, ...internals } = require(built)
require.cache[shipped] = require.cache[built]

module.exports = internals
