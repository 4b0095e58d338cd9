// Checks that npm/* matches package.json: one folder per target, the same version, and the right os, cpu and libc.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fromRoot } from './lib/paths.mjs'
import { addonName, manifest, platformOf } from './lib/platforms.mjs'

export function checkPlatformPackages() {
  const main = manifest()
  const wrong = []
  const want = (where, found, wanted) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      wrong.push(`${where}: ${JSON.stringify(found)} should be ${JSON.stringify(wanted)}`)
    }
  }
  const platforms = main.napi.targets.map(platformOf)
  want('folders of npm/', readdirSync(fromRoot('npm')).sort(), platforms.map((p) => p.folder).sort())
  for (const { folder, os, cpu, libc } of platforms) {
    const file = fromRoot('npm', folder, 'package.json')
    if (!existsSync(file)) continue // named by the comparison above
    const own = JSON.parse(readFileSync(file, 'utf8'))
    const at = (field) => `npm/${folder}/package.json ${field}`
    want(at('name'), own.name, `${main.napi.packageName}-${folder}`)
    want(at('version'), own.version, main.version)
    want(at('os'), own.os, [os])
    want(at('cpu'), own.cpu, [cpu])
    want(at('libc'), own.libc, libc && [libc])
    want(at('main'), own.main, addonName(folder))
    want(at('files'), own.files, [addonName(folder)])
    want(at('license'), own.license, main.license)
    want(at('engines'), own.engines, main.engines)
    want(at('scripts'), own.scripts, undefined)
    if (!existsSync(fromRoot('npm', folder, 'README.md'))) wrong.push(`npm/${folder}: no README.md`)
  }
  // `napi prepublish` adds them at a release: here they would name packages that the registry does not have yet.
  want('package.json optionalDependencies', main.optionalDependencies, undefined)
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
    want(`package.json scripts.${hook}`, main.scripts[hook], undefined)
  if (wrong.length) throw new Error(wrong.join('\n'))
}
