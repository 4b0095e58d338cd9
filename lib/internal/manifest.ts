// This package's package.json: beside `dist/`, or in the bundle that somebody has made.

export interface Manifest {
  name: string
  version: string
  /** Written at a release. */
  optionalDependencies?: object
}

export function manifest(): Manifest {
  return require('../package.json')
}
