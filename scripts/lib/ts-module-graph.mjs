// The files of a TypeScript directory and which of them imports which, read from the sources. Imports of types count, and
// so do re-exports and `import('…')`. What is outside the directory does not count.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, posix } from 'node:path'

const require = createRequire(import.meta.url)

/**
 * @param {string} root the directory
 * @returns {{ files: string[], arrows: { from: string, to: string, line: number, path: string }[] }} names below `root`; of
 *   several arrows between two files, the first
 */
export function tsModuleGraph(root) {
  // In a fresh clone this file is loaded before packages are installed.
  const ts = require('typescript')
  const files = readdirSync(root, { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .sort()
  return { files, arrows: files.flatMap((from) => arrowsOf(ts, root, from, new Set(files))) }
}

function arrowsOf(ts, root, from, files) {
  const text = readFileSync(join(root, from), 'utf8')
  const found = new Map()
  for (const { fileName: path, pos } of ts.preProcessFile(text, true, false).importedFiles) {
    const to = posix.join(posix.dirname(from), path)
    if (!path.startsWith('.') || to.startsWith('../') || found.has(to)) continue
    if (!files.has(to)) throw new Error(`${from}: there is no file for the import of ${path}`)
    found.set(to, { from, to, line: text.slice(0, pos).split('\n').length, path })
  }
  return [...found.values()]
}
