// Other runtimes, from the npm registry: a major version of Node, or Bun. They are kept under node_modules/.cache for the next run.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './paths.mjs'
import { exists, run } from './run.mjs'

/**
 * What the package `node` would fetch with its install script: the platform's own package, which needs none.
 * @returns {Promise<{ path?: string, reason?: string }>} the program, or why there is none
 */
export async function nodeBinary(major) {
  const scope = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return await binary(`Node ${major}`, `node-${major}`, `${scope}-${process.platform}-${process.arch}`, major, 'node')
}

/** The version that docs and tests speak of. */
const BUN = '1.4.5'

/** @returns {Promise<{ path?: string, reason?: string }>} the program, or why there is none */
export async function bunBinary() {
  return await binary(`Bun ${BUN}`, `bun-${BUN}`, `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`, BUN, 'bun')
}

async function binary(what, cached, name, version, program) {
  const dir = join(cacheDir, cached)
  const path = join(dir, 'node_modules', name, 'bin', program)
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n')
    const args = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`]
    const { code, timedOut } = await run('npm', args, { cwd: dir, output: 'keep', timeoutMs: 120_000 })
    if (code !== 0 || timedOut) return { reason: `${what} cannot be had from the npm registry here` }
  }
  // A glibc build under musl, another loader that is missing, or a processor that is too old for it.
  return (await exists(path)) ? { path } : { reason: `the registry's ${what} does not run here` }
}
