// Does the set-up that a fresh clone needs, if it is missing or outdated: packages first, then the addon, then the facade.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildFacade, buildInto, generated, install, rollup, sourceDigest } from './build.mjs'
import { bundleSources, FILES } from './lib/bundle.mjs'
import { fromRoot, root, walk } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

export const say = (line) => process.stderr.write(`[set-up] ${line}\n`)
const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/**
 * @returns {Promise<{ regenerated: string[], isBuilt: boolean }>} the committed files that a build found out of step and
 * rewrote, and whether the addon was built now, from these sources
 */
export async function ensure() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 17)) throw new Error(`Node 20.17 or newer is required; this is ${process.version}`)
  await ensureModules()
  const { isBuilt, changed } = await ensureAddon()
  return { regenerated: [...changed, ...(await ensureFacade())], isBuilt }
}

// By content rather than by time: a checkout touches files that did not change.
async function ensureModules() {
  const lock = fromRoot('package-lock.json')
  const stamp = fromRoot('node_modules', '.provider-env-lock')
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex')
  if (read(stamp) === wanted) return
  // npm's own record, for whoever ran `npm ci` by hand.
  const record = fromRoot('node_modules', '.package-lock.json')
  if (!existsSync(record) || statSync(record).mtimeMs < statSync(lock).mtimeMs) {
    say('npm ci (the two CLIs are among the packages: 1.3 GB on disk)')
    const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
    const { code } = await run('npm', args, { output: 'stderr' })
    if (code !== 0) throw new Error('npm ci failed; see above')
  }
  writeFileSync(stamp, wanted)
}

async function ensureAddon() {
  const named = [
    'Cargo.toml',
    'Cargo.lock',
    'build.rs',
    'rust-toolchain.toml',
    '.cargo/config.toml',
    'package.json',
    'scripts/build.mjs',
    'scripts/lib/provider-types.mjs'
  ]
  const stamp = fromRoot('target', 'provider-env-addon.json')
  // Taken before the build: a source edited meanwhile is then seen as newer.
  const source = sourceDigest([...named.map((n) => fromRoot(n)), ...walk(fromRoot('src'))])
  const state = () => JSON.stringify({ source, addons: addons(), generated: generated.map((n) => existsSync(fromRoot(n))) })
  if (addons().length && read(stamp) === state()) return { isBuilt: false, changed: [] }
  say('building the addon (some minutes the first time)')
  const out = fromRoot('target', 'addon')
  await buildInto(out)
  const changed = install(out)
  mkdirSync(fromRoot('target'), { recursive: true })
  writeFileSync(stamp, state())
  if (changed.length) say(`rewritten: ${changed.join(', ')}. Commit the changes.`)
  return { isBuilt: true, changed }
}

/** After the addon, whose types it uses. */
async function ensureFacade() {
  const stamp = fromRoot('target', 'provider-env-facade.json')
  const outputs = [...FILES.map(([, file]) => file), rollup]
  const state = () => sourceDigest([...walk(fromRoot('lib')), ...[...bundleSources, ...outputs].map((name) => fromRoot(name))])
  if (read(stamp) === state()) return []
  say('building the facade')
  const changed = await buildFacade()
  mkdirSync(fromRoot('target'), { recursive: true })
  writeFileSync(stamp, state())
  if (changed.length) say(`rewritten, to be committed: ${changed.join(', ')}`)
  return changed
}

/** The addons in place, with what shows whether one was replaced since. */
function addons() {
  return readdirSync(root)
    .filter((name) => name.endsWith('.node'))
    .map((name) => [name, statSync(join(root, name)).size, statSync(join(root, name)).mtimeMs])
}
