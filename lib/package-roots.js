// Where the addon looks for a provider's npm package: the directories that node_modules are searched from, upwards.
'use strict'

const path = require('node:path')
const { realpathSync } = require('node:fs')

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
  if (!main) return undefined
  try {
    return path.dirname(realpathSync(main))
  } catch {
    return undefined
  }
}

module.exports = { packageRoots }
