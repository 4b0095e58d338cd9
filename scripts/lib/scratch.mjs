// Temporary directories of a script, which do not outlive it, interrupted or not.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * @param {string} prefix
 * @param {number} [mode] for others to enter it
 * @returns {{ dir: string, remove: () => void }}
 */
export function makeScratch(prefix, mode = 0o700) {
  const dir = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(dir, mode)
  return { dir, remove: removedAtExit(dir) }
}

/** Makes a directory whose name is given. @param {string} dir @returns {() => void} removes it; it is removed at the exit, else */
export function temporary(dir) {
  mkdirSync(dir, { recursive: true })
  return removedAtExit(dir)
}

function removedAtExit(dir) {
  // What was just ended may still be writing: hence the retries.
  const remove = () => {
    process.off('exit', remove)
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  process.once('exit', remove)
  return remove
}
