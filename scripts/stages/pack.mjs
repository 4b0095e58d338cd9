// Stage `pack`: installs what would be published into an empty project, and loads it through both entry points.
import { join } from 'node:path'
import { checkAddon } from '../check-addon.mjs'
import { checkPlatformPackages } from '../check-platform-packages.mjs'
import { checkTypes, installBoth, loadUnder, packMain, packPlatform, runInstalledDoctor } from '../check-tarballs.mjs'
import { nodeBinary } from '../lib/node-versions.mjs'
import { skip } from '../lib/report.mjs'
import { makeScratch } from '../lib/scratch.mjs'

export async function pack(report) {
  const { dir, remove } = makeScratch('provider-env-pack-')
  const project = join(dir, 'project')
  let installed = false
  try {
    await report.step('pack', 'platform-packages', checkPlatformPackages)
    await report.step('pack', 'addon', checkAddon)
    await report.step('pack', 'install', async () => {
      await installBoth(project, await packMain(dir), await packPlatform(dir))
      installed = true
    })
    if (!installed && !report.listing) return
    await report.step('pack', 'types', () => checkTypes(project))
    await report.step('pack', 'doctor', () => runInstalledDoctor(project))
    await report.step('pack', 'load-this-node', () => loadUnder(process.execPath, project))
    for (const major of [22, 24]) {
      await report.step('pack', `load-node${major}`, async () => {
        const { path, reason } = await nodeBinary(major)
        return path ? loadUnder(path, project) : skip(reason)
      })
    }
  } finally {
    remove()
  }
}
