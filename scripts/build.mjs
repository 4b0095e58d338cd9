// Builds the addon, the generated types and the facade: `npm run build [-- napi options]`; with `-- --facade`, that alone.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle, declarations } from './lib/bundle.mjs'
import { fromRoot, root } from './lib/paths.mjs'
import { providerTypes, providerTypesIn } from './lib/provider-types.mjs'
import { must, run } from './lib/run.mjs'
import { rustEnv } from './lib/rust.mjs'

/** Committed, and equal to what a build of the addon writes; `generated` in the tests checks it. */
export const generated = ['binding.d.ts']
/** How napi-derive begins the comment of an enum that a macro made: with the raw string that the comment is there. */
const RAW_DOC = /(?<=^ *\/?\*\*? )r" /gm
/** The same of what is made of the facade. */
export const rollup = 'index.d.ts'

/**
 * Builds into `outDir`, which holds only this build afterwards.
 * @param {string} outDir
 * @param {string[]} [options] more options for `napi build`, such as `--target`
 */
export async function buildInto(outDir, options = []) {
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  const rust = await rustEnv()
  const napi = fromRoot('node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  const args = ['build', '--platform', '--release', '--no-js', '--dts', generated[0], '--no-const-enum', '--output-dir', outDir]
  const env = { ...rust, RUSTFLAGS: await rustFlags(rust) }
  // Progress goes to stderr: stdout belongs to the program that requested the build.
  const { code } = await run(process.execPath, [napi, ...args, ...options, '--', '--locked'], { env, output: 'stderr' })
  if (code !== 0) throw new Error('the build of the addon failed; see above')
  const types = join(outDir, generated[0])
  // napi writes it only when napi-derive has its feature `type-def`.
  if (!existsSync(types)) throw new Error(`the build did not write ${generated[0]}`)
  // Built for another platform, the addon cannot be loaded to read its table of providers, which is the same for all.
  const added = options.includes('--target') ? providerTypesIn(fromRoot(generated[0])) : providerTypes(outDir)
  writeFileSync(types, `${readFileSync(types, 'utf8').replaceAll(RAW_DOC, '')}\n${added}`)
}

/** Puts a build in its place; names the committed files that it changed. */
export function install(outDir) {
  const changed = generated.filter((name) => !same(join(outDir, name), fromRoot(name)))
  const addons = readdirSync(outDir).filter((name) => name.endsWith('.node'))
  for (const name of [...addons, ...changed]) {
    // By rename: a running process has the old file mapped, and writing into that file would crash it.
    const fresh = fromRoot(dirname(name), `.${basename(name)}.${process.pid}`)
    copyFileSync(join(outDir, name), fresh)
    renameSync(fresh, fromRoot(name))
  }
  return changed
}

/** Builds what JavaScript loads of lib/, and its types. Names the committed file if it changed. */
export async function buildFacade() {
  await bundle()
  const text = await declarations()
  const path = fromRoot(rollup)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return []
  writeFileSync(path, text)
  return [rollup]
}

/** Whether two files have the same bytes; a missing one equals nothing. */
export function same(a, b) {
  return existsSync(a) && existsSync(b) && readFileSync(a).equals(readFileSync(b))
}

/** Names the place of every source instead of this machine's paths, which panics would otherwise carry into the package. */
async function rustFlags(rust) {
  const sysroot = (await must('rustc', ['--print', 'sysroot'], { env: rust })).trim()
  const places = [
    [process.env.CARGO_HOME ?? join(homedir(), '.cargo'), '/cargo'],
    [sysroot, '/rust'],
    [root, '/provider-env'] // the last match wins, and this may lie below the others
  ]
  // RUSTFLAGS splits at spaces; a path with one keeps its name, and the tarball check then says so.
  const flags = places.filter(([from]) => !/\s/.test(from)).map(([from, to]) => `--remap-path-prefix=${from}=${to}`)
  return [process.env.RUSTFLAGS, ...flags].filter(Boolean).join(' ')
}

/** A digest of everything that decides what the build gives. */
export function sourceDigest(files) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.env.RUSTFLAGS ?? ''}\0`)
  for (const file of files)
    hash
      .update(`${relative(root, file)}\0`)
      .update(existsSync(file) ? readFileSync(file) : '')
      .update('\0')
  return hash.digest('hex')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const options = process.argv.slice(2)
    const out = fromRoot('target', 'addon')
    const facadeAlone = options.includes('--facade')
    if (!facadeAlone) await buildInto(out, options)
    const changed = [...(facadeAlone ? [] : install(out)), ...(await buildFacade())]
    writeFileSync(2, changed.length ? `rewritten: ${changed.join(', ')}. Commit the changes.\n` : 'the generated files are unchanged\n')
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
