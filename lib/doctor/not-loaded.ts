// Explains why the addon does not load and what to do, because npm's own messages do not.

import { isNativeError } from 'node:util/types'
import type { NotLoaded } from '../internal/doctor-file.ts'
import { manifest as readManifest } from '../internal/manifest.ts'
import { ownDirectory } from '../internal/own-directory.ts'
import { command } from './words.ts'

const REPOSITORY = 'https://github.com/webalive/provider-env'
/** An attempt of the loader that found nothing: a file beside it, then the package for the system. */
const NOT_THERE = /^Cannot find module/
const NATIVE_PACKAGE = /'(@webalive\/provider-env-[a-z0-9-]+)'/

/** Why an existing addon does not load, by the loader's message, if reinstalling it would not help. */
const IN_THE_WAY: [RegExp, () => string][] = [
  [/loading addons is disabled/, notAllowedByNode],
  [
    /again with the --allow-[a-z]+ flag/,
    () => 'The addon is native code, which Deno must allow: start Deno with --allow-ffi, --allow-read, --allow-env and --allow-sys.'
  ],
  [
    /^require is not defined$/,
    () =>
      'The addon is loaded with require(), which a bundle in the ES module format does not have: leave this package out of the bundle, or define require() (docs/migration.md, "Bundling").'
  ],
  [/^The addon has version/, () => 'The two must have the same version: remove both from node_modules, and install this package again.'],
  [
    /: Permission denied$/,
    () => `Allow this process${whom()} to read that file: check its mode and the modes of the directories above it.`
  ],
  [
    /failed to map segment/,
    () =>
      'The file system does not allow execution: install this package on a file system that is not mounted noexec, or allow it in the policy of SELinux or another security module.'
  ]
]

/**
 * @param error One error per attempt of the loader, each with the one before it as its cause.
 * @param manifest Of this package.
 */
export function whyNotLoaded(error: unknown, manifest: { optionalDependencies?: object } = readManifest()): NotLoaded {
  const attempts = messages(error)
  const own = attempts.map((text) => NATIVE_PACKAGE.exec(text)?.[1]).find((name) => name !== undefined)
  const failed = attempts.find((text) => !NOT_THERE.test(text))
  const remedy = IN_THE_WAY.find(([words]) => words.test(failed ?? ''))?.[1]
  if (failed !== undefined && remedy) return { reason: failed, advice: remedy(), commands: [] }
  if (failed !== undefined || own === undefined) {
    return { reason: failed ?? 'the loader gave no reason', advice: `Build it for this system: ${guide('Commands')}`, commands: [] }
  }
  const reason = `its package for this system, ${own}, is not installed`
  // They are written into the manifest at a release.
  if (manifest.optionalDependencies !== undefined) {
    return {
      reason,
      advice: 'The package manager skipped optional dependencies. Install them in the project that uses this package:',
      commands: [reinstall()]
    }
  }
  return {
    reason,
    advice: `This copy is not a release, so the npm registry does not have that package. Pack it too and install both: ${guide('Try the tarballs')}`,
    commands: []
  }
}

/** There is `process.permission` under the permission model alone. */
function notAllowedByNode() {
  if ((process as { permission?: object }).permission === undefined)
    return 'Start Node without --no-addons, including in NODE_OPTIONS and in `execArgv` of a worker thread.'
  return 'Start Node with --allow-addons in addition to --permission. The permission model does not restrict native code: allow it only if you trust this package (docs/hardening.md).'
}

function whom() {
  const uid = process.geteuid?.()
  return uid === undefined ? '' : `, which is uid ${uid},`
}

/** In the project that has this package, wherever the shell is: in a tenant's directory npm would run the tenant's scripts. */
function reinstall() {
  const [project, below] = ownDirectory?.split('/node_modules/', 2) ?? []
  return project === undefined || below === undefined
    ? 'npm install --include=optional'
    : command('npm', 'install', '--prefix', project || '/', '--include=optional')
}

function guide(section: string) {
  return `see "${section}" in CONTRIBUTING.md of ${REPOSITORY}.`
}

/** The first line of every message, from the outermost. */
function messages(error: unknown) {
  const all: string[] = []
  for (let each = error; isNativeError(each) && all.length < 50; each = each.cause) all.push(each.message.split('\n')[0].replace(/\.$/, ''))
  return all
}
