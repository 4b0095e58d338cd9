// Why the addon does not load, and what to do: in this package's words, as npm's own say nothing of it.
'use strict'

const { isNativeError } = require('node:util').types

const REPOSITORY = 'https://github.com/webalive/provider-env'
/** The outermost error's, which goes on with advice that mends nothing here. */
const SUMMARY = 'Cannot find native binding'
/** What the generated loader tries: a file beside it, then the package for the system. */
const NOT_THERE = /^Cannot find module/
const NATIVE_PACKAGE = /'(@webalive\/provider-env-[a-z0-9-]+)'/

/**
 * @typedef {object} NotLoaded
 * @property {string} reason A sentence without its full stop.
 * @property {string} advice
 * @property {string[]} commands
 */

/**
 * @param {unknown} error What the generated loader threw: one error per attempt, each the cause of the next.
 * @param {{ optionalDependencies?: object }} [manifest] Of this package.
 * @returns {NotLoaded}
 */
function whyNotLoaded(error, manifest = /** @type {any} */ (require('../package.json'))) {
  const attempts = messages(error).filter((text) => !text.startsWith(SUMMARY))
  const own = attempts.map((text) => NATIVE_PACKAGE.exec(text)?.[1]).find((name) => name !== undefined && !name.includes('wasm'))
  const failed = attempts.find((text) => !NOT_THERE.test(text))
  if (failed !== undefined || own === undefined) {
    return { reason: failed ?? 'nothing says why', advice: `Build it for this system: ${guide('Commands')}`, commands: [] }
  }
  const reason = `its package for this system, ${own}, is not installed`
  // They are written into the manifest at a release.
  if (manifest.optionalDependencies !== undefined) {
    return { reason, advice: 'The install left out optional dependencies. In the project that has this package, install again with them:', commands: [reinstall()] }
  }
  return { reason, advice: `This is no release, so npm does not know that package. Pack it too and install both: ${guide('Try the tarballs')}`, commands: [] }
}

/** In the project that has this package, wherever the shell is: in a tenant's directory npm would run the tenant's scripts. */
function reinstall() {
  const { command } = require('./doctor/words.js')
  const [project, below] = __dirname.split('/node_modules/', 2)
  return below === undefined ? 'npm install --include=optional' : command('npm', 'install', '--prefix', project || '/', '--include=optional')
}

/** @param {string} section */
function guide(section) {
  return `CONTRIBUTING.md of ${REPOSITORY} says how ("${section}").`
}

/** The first line of every message, from the outermost. @param {unknown} error */
function messages(error) {
  /** @type {string[]} */
  const all = []
  for (let each = /** @type {any} */ (error); isNativeError(each) && all.length < 50; each = /** @type {any} */ (each).cause) all.push(each.message.split('\n')[0].replace(/\.$/, ''))
  return all
}

module.exports = { whyNotLoaded }
