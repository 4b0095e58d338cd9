// What tests fetch from the npm registry: other runtimes (a major version of Node, Bun, Deno), and bundlers. They are kept under node_modules/.cache for the next run.
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
  return await binary(`Node ${major}`, `node-${major}`, `${scope}-${process.platform}-${process.arch}`, major, 'bin/node')
}

/** The version that docs and tests speak of. */
const BUN = '1.4.5'

/** @returns {Promise<{ path?: string, reason?: string }>} the program, or why there is none */
export async function bunBinary() {
  return await binary(
    `Bun ${BUN}`,
    `bun-${BUN}`,
    `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`,
    BUN,
    'bin/bun'
  )
}

/** As of Bun. */
const DENO = '2.9.6'

/** @returns {Promise<{ path?: string, reason?: string }>} the program, or why there is none */
export async function denoBinary() {
  const suffix = process.platform === 'linux' ? '-glibc' : ''
  return await binary(`Deno ${DENO}`, `deno-${DENO}`, `@deno/${process.platform}-${process.arch}${suffix}`, DENO, 'deno')
}

/** Exact versions, as their output is what is tested. */
const BUNDLERS = {
  esbuild: '0.28.2',
  rollup: '4.68.8',
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-json': '6.1.0',
  '@rollup/plugin-node-resolve': '16.0.3',
  webpack: '5.112.2'
}

/** @returns {Promise<{ path?: string, reason?: string }>} the directory `node_modules` with bundlers in it, or why there is none */
export async function bundlers() {
  const specs = Object.entries(BUNDLERS).map(([name, version]) => `${name}@${version}`)
  return await fetched('the bundlers', 'bundlers', specs, join('webpack', 'package.json'))
}

async function binary(what, cached, name, version, program) {
  const { path: packages, reason } = await fetched(what, cached, [`${name}@${version}`], join(name, program))
  if (packages === undefined) return { reason }
  const path = join(packages, name, program)
  // A glibc build under musl, another loader that is missing, or a processor that is too old for it.
  return (await exists(path)) ? { path } : { reason: `the registry's ${what} does not run here` }
}

/** Installs packages, unless `proof`, a path below their node_modules, is there. Install scripts are not run. */
async function fetched(what, cached, specs, proof) {
  const dir = join(cacheDir, cached)
  const path = join(dir, 'node_modules')
  if (existsSync(join(path, proof))) return { path }
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--no-package-lock', ...specs]
  const { code, timedOut } = await run('npm', args, { cwd: dir, output: 'keep', timeoutMs: 120_000 })
  return code === 0 && !timedOut ? { path } : { reason: `${what} is not available from the npm registry here` }
}
