// The directory of this package on disk. It does not exist in a bundle, which does not contain the files beside the
// code.
'use strict'

const path = require('node:path')

/**
 * The directory of the module that is asked for here: this file's, or a bundle's. An ES module has none: `__dirname` is not
 * defined where a bundler has made one of this file.
 * @type {string | undefined}
 */
const codeDirectory = typeof __dirname === 'undefined' ? undefined : __dirname

/**
 * This package's directory; undefined in a bundle.
 * @type {string | undefined}
 */
const ownDirectory = isThisFile(typeof __filename === 'undefined' ? undefined : __filename) ? path.join(__dirname, '..') : undefined

/** @param {string | undefined} file */
function isThisFile(file) {
  return file !== undefined && path.isAbsolute(file) && path.basename(file) === 'own-directory.js'
}

module.exports = { codeDirectory, ownDirectory }
