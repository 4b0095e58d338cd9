// A registry on loopback that has this package and its platform packages, as a release would publish them, and no other
// packages.
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'
import { npmPack } from '../check-tarballs.mjs'
import { fromRoot } from '../lib/paths.mjs'
import { addonName } from '../lib/platforms.mjs'
import { must } from '../lib/run.mjs'

/**
 * @param {string} dir for the tarballs
 * @param {string} main the packed main package
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function startRegistry(dir, main) {
  const packages = [...(await packPlatforms(dir)), await packRelease(dir, main)]
  const byName = new Map(packages.map((one) => [one.manifest.name, one]))
  const byFile = new Map(packages.map((one) => [basename(one.tarball), one]))
  const server = createServer(({ url = '' }, response) => {
    const path = decodeURIComponent(url.split('?')[0]).slice(1)
    const file = byFile.get(path.replace(/^-\//, ''))
    if (file) return void response.end(readFileSync(file.tarball))
    const found = byName.get(path)
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ? describe(found, `http://127.0.0.1:${server.address().port}`) : { error: 'not found' }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** Those of other systems have no addon: nobody is to fetch them. */
async function packPlatforms(dir) {
  const packed = []
  for (const folder of readdirSync(fromRoot('npm'))) {
    const copy = join(dir, 'platforms', folder)
    cpSync(fromRoot('npm', folder), copy, { recursive: true })
    if (existsSync(fromRoot(addonName(folder)))) copyFileSync(fromRoot(addonName(folder)), join(copy, addonName(folder)))
    packed.push(await pack(copy, dir))
  }
  return packed
}

/** The main package as `napi prepublish` leaves it: the platform packages are its optional dependencies, of the same version. */
async function packRelease(dir, main) {
  const release = join(dir, 'release')
  mkdirSync(release)
  await must('tar', ['-xzf', main, '-C', release, '--strip-components=1'])
  const file = join(release, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  const names = readdirSync(fromRoot('npm')).map((folder) => `${manifest.name}-${folder}`)
  manifest.optionalDependencies = Object.fromEntries(names.map((name) => [name, manifest.version]))
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
  return await pack(release, join(dir, 'platforms'))
}

async function pack(from, to) {
  const { filename } = await npmPack(from, to)
  return { manifest: JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')), tarball: join(to, filename) }
}

function describe({ manifest, tarball }, url) {
  const bytes = readFileSync(tarball)
  const dist = {
    tarball: `${url}/-/${basename(tarball)}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  }
  const { name, version } = manifest
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    time: { [version]: '2026-01-01T00:00:00.000Z' }
  }
}
