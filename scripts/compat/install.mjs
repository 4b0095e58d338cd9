// Installs a published version of a CLI into the user's cache, where the next run finds it.
import { constants, copyFileSync, linkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installInto, npm } from '../lib/npm.mjs'
import { fromRoot, userCache } from '../lib/paths.mjs'
import { run, tail } from '../lib/run.mjs'
import { makeScratch } from '../lib/scratch.mjs'
import { clis, expand } from './clis.mjs'
import { nameOf } from './targets.mjs'

/** The exact version that a name of the registry stands for today; an exact one stands for itself. */
export async function exactVersion(target) {
  const { cli, version } = target
  if (/^\d/.test(version)) return version
  const text = await npm(['view', `${clis[cli].package}@${version}`, 'version'], tmpdir(), nameOf(target))
  const [exact] = /^\d+\.\d+\.\d+\S*$/m.exec(text) ?? []
  if (!exact) throw new Error(`${nameOf(target)} is not published`)
  return exact
}

/** @returns {Promise<string>} the native program */
export async function installed(target) {
  const { cli, version } = target
  const dir = userCache('compat', `${cli}-${version}`)
  await installInto(dir, nameOf(target), (scratch) => {
    writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n')
    return [`${clis[cli].package}@${version}`]
  })
  const found = clis[cli].programs.flatMap((parts) => expand(join(dir, 'node_modules'), parts))
  if (found.length !== 1)
    throw new Error(`${nameOf(target)} has no native program for this system in the places that scripts/compat/clis.mjs names`)
  const { text, code } = await askVersion(found[0])
  if (code !== 0 || !text.includes(version))
    throw new Error(`${nameOf(target)} ended with ${code} when asked for its version, and printed ${JSON.stringify(tail(text, 20))}`)
  return found[0]
}

/** `nobody`, on every Linux. */
const NOBODY = '65534'

/**
 * What a program says of its version. It came from the network a moment ago: it runs with none, with nothing of our environment, and
 * not as root.
 */
async function askVersion(program) {
  // The cache is in a home, which another uid may not enter.
  const { dir, remove } = makeScratch('compat-version-', 0o755)
  const copy = join(dir, 'program')
  try {
    try {
      linkSync(program, copy)
    } catch {
      copyFileSync(program, copy, constants.COPYFILE_FICLONE)
    }
    const drop = process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'] : []
    const command = [fromRoot('scripts', 'netns.sh'), ...drop, 'env', '-i', 'HOME=/nonexistent', 'PATH=/usr/bin:/bin', copy, '--version']
    return await run('sh', command, { cwd: dir, output: 'keep', timeoutMs: 60_000 })
  } finally {
    remove()
  }
}
