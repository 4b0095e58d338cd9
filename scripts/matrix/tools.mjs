// Installs the tools that the matrix needs into the user's cache, once for each list of versions.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot, userCache } from '../lib/paths.mjs'
import { run, tail } from '../lib/run.mjs'

const list = fromRoot('scripts', 'matrix', 'package.json')

/** @returns {Promise<{ modules?: string, reason?: string }>} the tools' node_modules, or why there is none */
export async function installTools() {
  const digest = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 16)
  const dir = userCache('matrix', digest)
  const modules = join(dir, 'node_modules')
  if (existsSync(modules)) return { modules }
  // Complete or not there: what was interrupted leaves nothing under the name.
  const scratch = `${dir}.${process.pid}`
  const remove = () => rmSync(scratch, { recursive: true, force: true })
  process.once('exit', remove)
  mkdirSync(scratch, { recursive: true })
  copyFileSync(list, join(scratch, 'package.json'))
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, text, timedOut } = await run('npm', args, { cwd: scratch, output: 'keep', timeoutMs: 300_000 })
  if (code !== 0 || timedOut) return { reason: `the tools cannot be had from the npm registry here: ${timedOut ? 'npm took too long' : tail(text, 1)}` }
  renameSync(scratch, dir)
  process.off('exit', remove)
  return { modules }
}
