// Packs the main package and this platform's, installs both into an empty project, and uses it as a user would.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot } from './lib/paths.mjs'
import { addonName, manifest, thisPlatform } from './lib/platforms.mjs'
import { must, run } from './lib/run.mjs'

/** Packs the main package into `dir`; its path. Throws where a file is in it that should not be, or a door is missing. */
export async function packMain(dir) {
  const { filename, files } = await npmPack(fromRoot(), dir)
  const names = files.map((f) => f.path)
  const allowed =
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|index\.(js|mjs|d\.ts|d\.mts)|docs\/[A-Za-z-]+\.md|bin\/provider-env\.js|dist\/(provider-env|doctor)\.cjs)$/
  const stray = names.filter((name) => !allowed.test(name))
  if (stray.length) throw new Error(`the main package would publish ${stray.join(', ')}`)
  const doors = Object.values(manifest().exports).flatMap(targets)
  const missing = [...doors, 'dist/provider-env.cjs', 'dist/doctor.cjs', 'README.md', 'LICENSE'].filter(
    (name) => !names.includes(name.replace('./', ''))
  )
  if (missing.length) throw new Error(`the main package would not contain ${missing.join(', ')}`)
  process.stdout.write(`${filename}: ${names.length} files\n`)
  return join(dir, filename)
}

const targets = (door) => (typeof door === 'string' ? [door] : Object.values(door).flatMap(targets))

/** Packs this platform's package, made as `napi artifacts` makes it: the folder under npm/ and the addon. */
export async function packPlatform(dir) {
  const folder = thisPlatform()
  const stub = fromRoot('npm', folder)
  if (!existsSync(stub)) throw new Error(`there is no package for ${folder}`)
  const copy = join(dir, 'platform')
  cpSync(stub, copy, { recursive: true })
  copyFileSync(fromRoot(addonName(folder)), join(copy, addonName(folder)))
  const { filename, files } = await npmPack(copy, dir)
  if (!files.some((f) => f.path === addonName(folder))) throw new Error(`${filename} does not contain the addon`)
  return join(dir, filename)
}

/** Packs a directory into another; npm's own account of it. */
export async function npmPack(from, to) {
  const text = await must('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', to], {
    cwd: from,
    timeoutMs: 120_000
  })
  // npm may warn on stderr, which is in the same text; newer versions give an object by name instead of a list.
  const answer = JSON.parse(text.slice(text.search(/^[[{]/m)))
  return Array.isArray(answer) ? answer[0] : Object.values(answer)[0]
}

/** Installs the two tarballs into an empty project, without a network: they must need nothing else. */
export async function installBoth(project, main, platform) {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }\n')
  await must('npm', ['install', '--offline', '--no-audit', '--no-fund', main, platform], { cwd: project, timeoutMs: 120_000 })
  const own = readdirSync(join(project, 'node_modules', '@webalive')).sort()
  const all = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))
  if (own.length !== 2 || all.length !== 1) throw new Error(`expected two packages, but found ${[...all, ...own].join(', ')}`)
}

/** Loads the installed package through both doors under a Node, and holds a made-up key for a moment. */
export async function loadUnder(node, project) {
  copyFileSync(fromRoot('scripts', 'lib', 'load-both-doors.mjs'), join(project, 'load.mjs'))
  const env = { NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '' }
  process.stdout.write(await must(node, ['load.mjs'], { cwd: project, env, timeoutMs: 60_000 }))
}

/** Runs the installed command: all of the doctor, and the mock that it starts CLIs against, is in the package. */
export async function runInstalledDoctor(project) {
  const args = ['doctor', '--json', '--no-start', '--provider', 'claude', '--command', '/nowhere/claude']
  const { text, code } = await run(join(project, 'node_modules', '.bin', 'provider-env'), args, { cwd: project, output: 'keep' })
  const report = JSON.parse(text)
  const ids = report.findings.map((finding) => finding.id)
  if (code !== 2 || report.worst !== 'error' || !ids.includes('program.missing')) throw new Error(`status ${code}: ${ids.join(', ')}`)
}

/** Compiles a user's file against the published types, through each door and each way of finding modules. */
export async function checkTypes(project) {
  const name = manifest().name
  const use = "export const env: ProviderEnv = buildProviderEnv({ provider: 'codex', apiKey: new Uint8Array() })\n"
  for (const file of ['esm.mts', 'cjs.cts'])
    writeFileSync(join(project, file), `import { buildProviderEnv, type ProviderEnv } from '${name}'\n${use}`)
  const tsc = [
    fromRoot('node_modules', 'typescript', 'bin', 'tsc'),
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable'
  ]
  // Node's own types come from this repository: the empty project has no packages.
  const types = ['--types', 'node', '--typeRoots', fromRoot('node_modules', '@types')]
  await must(process.execPath, [...tsc, ...types, '--module', 'nodenext', 'esm.mts', 'cjs.cts'], { cwd: project })
  await must(process.execPath, [...tsc, ...types, '--module', 'esnext', '--moduleResolution', 'bundler', 'esm.mts'], { cwd: project })
}
