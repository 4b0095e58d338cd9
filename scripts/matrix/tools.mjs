// Installs the tools that the matrix needs into the user's cache, once for each list of versions.
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installInto } from '../lib/npm.mjs'
import { fromRoot, userCache } from '../lib/paths.mjs'

const list = fromRoot('scripts', 'matrix', 'package.json')

/** @returns {Promise<string>} the tools' node_modules; throws with the reason where they cannot be had */
export async function installTools() {
  const digest = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 16)
  const dir = userCache('matrix', digest)
  await installInto(dir, 'the tools', (scratch) => {
    copyFileSync(list, join(scratch, 'package.json'))
    return []
  })
  return join(dir, 'node_modules')
}
