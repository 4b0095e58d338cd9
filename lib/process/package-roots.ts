// The directories from which the addon searches upwards for a provider's npm package in node_modules.

import path from 'node:path'
import { binding } from '../internal/binding.ts'
import { codeDirectory, ownDirectory } from '../internal/own-directory.ts'

let roots: string[] | undefined

/**
 * The main module's directory, and this package's or, of a CommonJS bundle, the bundle's. Never the working directory: that can be a tenant's workspace, and
 * a program in its node_modules would be the tenant's.
 */
export function packageRoots() {
  roots ??= [mainDirectory(), codeDirectory].filter((root) => root !== undefined)
  return roots
}

function mainDirectory() {
  const called = calledAs()
  if (called !== undefined && ownDirectory !== undefined) return projectOf(called, ownDirectory)
  const main = require.main?.filename ?? process.argv[1]
  const real = main ? binding.realPath(main) : null
  return real === null ? undefined : path.dirname(real)
}

/** The path by which this package's command was called; undefined in any other process. */
export function calledAs(): string | undefined {
  if (ownDirectory === undefined) return undefined
  const called = process.argv[1]
  const own = path.join(ownDirectory, 'bin', 'provider-env.js')
  return called && path.isAbsolute(called) && binding.realPath(called) === binding.realPath(own) ? called : undefined
}

/** The path by which the command was called. In a linked install, it is in the project, where the worker looks first. */
function projectOf(called: string, home: string) {
  let directory = path.dirname(called)
  if (called === binding.realPath(called)) return directory
  const isInside = (at: string) => !path.relative(home, binding.realPath(at) ?? at).startsWith('..')
  while (isInside(directory)) directory = path.dirname(directory)
  return directory
}
