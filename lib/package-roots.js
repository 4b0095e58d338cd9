// Where the addon looks for a provider's npm package: the directories that node_modules are searched from, upwards.
'use strict'

const path = require('node:path')
const binding = require('./binding.js')

/** @type {string[] | undefined} */
let roots

/**
 * The main module's directory and this package's. Never the working directory: that can be a tenant's workspace, and
 * a program in its node_modules would be the tenant's.
 */
function packageRoots() {
  roots ??= [mainDirectory(), __dirname].filter((root) => root !== undefined)
  return roots
}

function mainDirectory() {
  const main = require.main?.filename ?? process.argv[1]
  const real = main ? binding.realPath(main) : null
  return real === null ? undefined : path.dirname(real)
}

module.exports = { packageRoots }
