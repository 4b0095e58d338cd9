// Loads the addon, with its generated types. No other file loads it.

import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { isNativeError } from 'node:util/types'
import { doctorFile } from './doctor-file.ts'
import { manifest, VERSION } from './manifest.ts'

type Binding = typeof import('../../binding.js')

const VARIABLE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

export const binding: Binding = load()

function load(): Binding {
  const failures: unknown[] = []
  // A file that was named is not replaced by another.
  for (const find of isNamed() ? [named] : [beside, installed]) {
    const addon = find(failures)
    if (addon?.VERSION === VERSION) return addon
    // Options that one of another version does not know would be lost.
    if (addon) failures.push(new Error(`The addon has version ${addon.VERSION ?? 'unknown'}, but this package has version ${VERSION}`))
  }
  const cause = chain(failures)
  const { reason, advice, commands } = doctorFile().whyNotLoaded(cause)
  const where = `${process.platform}-${process.arch}`
  throw new Error(`The addon of ${manifest().name} does not load on ${where}: ${reason}. ${[advice, ...commands].join(' ')}`, { cause })
}

/** Whether the variable of napi-rs names a file. It counts only as a variable: `process.env` inherits from Object.prototype. */
function isNamed() {
  try {
    return Object.hasOwn(process.env, VARIABLE) && process.env[VARIABLE] !== ''
  } catch {
    // Deno denied the permission to read it.
    return false
  }
}

/** The file that the variable names. */
function named(failures: unknown[]): Binding | undefined {
  try {
    const file = process.env[VARIABLE] as string
    // dlopen(3) would search others from the working directory or the system's directories.
    if (!isAbsolute(file)) throw new Error(`${VARIABLE} must be an absolute path`)
    const module = { exports: {} }
    process.dlopen(module, file)
    return module.exports as Binding
  } catch (error) {
    failures.push(error)
    return undefined
  }
}

/** An addon that was built here. The names are literals inside `try`, so that bundlers leave the files out of the bundle. */
function beside(failures: unknown[]): Binding | undefined {
  try {
    switch (systemName()) {
      case 'linux-x64-gnu':
        return require('../provider-env.linux-x64-gnu.node')
      case 'linux-arm64-gnu':
        return require('../provider-env.linux-arm64-gnu.node')
      case 'linux-x64-musl':
        return require('../provider-env.linux-x64-musl.node')
      case 'linux-arm64-musl':
        return require('../provider-env.linux-arm64-musl.node')
      case 'darwin-x64':
        return require('../provider-env.darwin-x64.node')
      case 'darwin-arm64':
        return require('../provider-env.darwin-arm64.node')
    }
  } catch (error) {
    failures.push(error)
  }
  return undefined
}

/** The one in this system's package. */
function installed(failures: unknown[]): Binding | undefined {
  try {
    switch (systemName()) {
      case 'linux-x64-gnu':
        return require('@webalive/provider-env-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('@webalive/provider-env-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('@webalive/provider-env-linux-x64-musl')
      case 'linux-arm64-musl':
        return require('@webalive/provider-env-linux-arm64-musl')
      case 'darwin-x64':
        return require('@webalive/provider-env-darwin-x64')
      case 'darwin-arm64':
        return require('@webalive/provider-env-darwin-arm64')
    }
    failures.push(new Error(`Unsupported OS: ${process.platform}, architecture: ${process.arch}`))
  } catch (error) {
    failures.push(error)
  }
  return undefined
}

/** As in the names of the packages. */
function systemName() {
  const { platform, arch } = process
  return platform === 'linux' ? `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}` : `${platform}-${arch}`
}

/** Whether this system's C library is musl: its `ldd` says so, or else Node's report names the glibc that it runs with. */
function isMusl() {
  try {
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl')
  } catch {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
    return report.header?.glibcVersionRuntime === undefined
  }
}

/** Each error as the cause of the one after it. */
function chain(failures: unknown[]) {
  return failures.reduce((cause, failure) => new Error(isNativeError(failure) ? failure.message : String(failure), { cause }), undefined)
}
