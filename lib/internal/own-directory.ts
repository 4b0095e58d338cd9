// The directory of this package on disk. It does not exist in a bundle, which does not contain the files beside the
// code.

import path from 'node:path'

/** This package's own files: those of `dist/`, and those that are built for tests. */
const OWN_FILES = /\/(?:dist\/provider-env|target\/internals|(?:dist|target)\/doctor)\.cjs$/

/**
 * The directory of this module: this file's, or a bundle's. An ES module has none: `__dirname` is not
 * defined if a bundler has made one of this file.
 */
export const codeDirectory: string | undefined = typeof __dirname === 'undefined' ? undefined : __dirname

/** This package's directory; undefined in a bundle. */
export const ownDirectory: string | undefined = isThisFile(typeof __filename === 'undefined' ? undefined : __filename)
  ? path.join(__dirname, '..')
  : undefined

function isThisFile(file: string | undefined) {
  return file !== undefined && path.isAbsolute(file) && OWN_FILES.test(file)
}
