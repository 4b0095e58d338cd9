// This package's package.json: beside `dist/`, or inside a user's bundle.

interface Manifest {
  name: string
  version: string
  /** Written at a release. */
  optionalDependencies?: object
}

/** This package's version, which the build writes here. */
declare const PACKAGE_VERSION: string
export const VERSION = PACKAGE_VERSION

export function manifest(): Manifest {
  return require('../package.json')
}
