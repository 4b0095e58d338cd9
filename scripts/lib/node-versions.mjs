// Another major version of Node, from the npm registry, kept under node_modules/.cache for the next run.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './paths.mjs'
import { exists, run } from './run.mjs'

/** @returns {Promise<{ path?: string, reason?: string }>} the program, or why there is none */
export async function nodeBinary(major) {
  // What the package `node` would fetch with its install script: the platform's own package, which needs none.
  const scope = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const name = `${scope}-${process.platform}-${process.arch}`
  const dir = join(cacheDir, `node-${major}`)
  const path = join(dir, 'node_modules', name, 'bin', 'node')
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n')
    const args = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${major}`]
    const { code, timedOut } = await run('npm', args, { cwd: dir, output: 'keep', timeoutMs: 120_000 })
    if (code !== 0 || timedOut) return { reason: `Node ${major} cannot be had from the npm registry here` }
  }
  // A glibc build under musl, or another loader that is missing.
  return (await exists(path)) ? { path } : { reason: `the registry's Node ${major} does not run here` }
}
