// The paths of the repository, and a walk over its files.
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')
export const fromRoot = (...parts) => join(root, ...parts)

/** What is fetched for the checks alone; goes with node_modules. */
export const cacheDir = fromRoot('node_modules', '.cache', 'provider-env')

/** What is large and stays the same between clones: below the user's own cache. */
export function userCache(...parts) {
  const { XDG_CACHE_HOME: named = '' } = process.env
  const own = process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache')
  return join(isAbsolute(named) ? named : own, 'provider-env', ...parts)
}

/** Paths of all files below a directory, sorted; none when it does not exist. */
export function walk(dir, keep = () => true) {
  let entries
  try {
    entries = readdirSync(dir, { withFileTypes: true })
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path, keep)
      return keep(path) ? [path] : []
    })
}
