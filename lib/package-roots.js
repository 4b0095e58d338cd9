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
  const called = calledAs()
  if (called !== undefined) return projectOf(called)
  const main = require.main?.filename ?? process.argv[1]
  const real = main ? binding.realPath(main) : null
  return real === null ? undefined : path.dirname(real)
}

/**
 * The path by which this package's command was called; undefined in any other process.
 * @returns {string | undefined}
 */
function calledAs() {
  const called = process.argv[1]
  const own = path.join(__dirname, '..', 'bin', 'provider-env.js')
  return called && path.isAbsolute(called) && binding.realPath(called) === binding.realPath(own) ? called : undefined
}

/**
 * Where the command was called: in a linked install that is the project, whose worker looks there first, and the real path is not.
 * @param {string} called
 */
function projectOf(called) {
  const home = path.join(__dirname, '..')
  let directory = path.dirname(called)
  if (called === binding.realPath(called)) return directory
  const isInside = (/** @type {string} */ at) => !path.relative(home, binding.realPath(at) ?? at).startsWith('..')
  while (isInside(directory)) directory = path.dirname(directory)
  return directory
}

module.exports = { calledAs, packageRoots }
