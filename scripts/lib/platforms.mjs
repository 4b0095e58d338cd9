// The platforms for which a package is published, and the current one.
import { readFileSync } from 'node:fs'
import { fromRoot } from './paths.mjs'

export const manifest = () => JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'))

/** A Rust target as npm's fields and as the folder under npm/. */
export function platformOf(target) {
  const [arch, , system, abi] = target.split('-')
  const cpu = { x86_64: 'x64', aarch64: 'arm64' }[arch]
  if (system === 'darwin') return { folder: `darwin-${cpu}`, os: 'darwin', cpu }
  return { folder: `linux-${cpu}-${abi}`, os: 'linux', cpu, libc: abi === 'gnu' ? 'glibc' : 'musl' }
}

/** The folder of the machine that this runs on. */
export function thisPlatform() {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`
  // Node's report names the glibc it runs with; under musl there is none.
  const glibc = /** @type {any} */ (process.report.getReport()).header.glibcVersionRuntime
  return `linux-${process.arch}-${glibc ? 'gnu' : 'musl'}`
}

/** The addon's file name on a platform. */
export const addonName = (folder) => `${manifest().napi.binaryName}.${folder}.node`
