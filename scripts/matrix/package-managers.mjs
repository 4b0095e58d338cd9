// Stage `package-managers`: the package as each of them installs it from a registry that has nothing else, then used through both doors.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bunBinary } from '../lib/node-versions.mjs'
import { manifest } from '../lib/platforms.mjs'
import { skip, told } from '../lib/report.mjs'
import { emptyProject, exerciseIn, runIn } from './project.mjs'

const name = manifest().name
const both = ['use.cjs', 'use.mjs']

/** Each gets the project and says what it saw; caches and stores are the project's own, so that nothing of an earlier run is used. */
const MANAGERS = {
  npm: async ({ project, url, node }) => {
    await runIn(project, 'npm', ['install', name, '--no-audit', '--no-fund', `--registry=${url}`, '--cache', join(project, 'cache')])
    return await exerciseIn(project, node, both)
  },
  pnpm: async ({ project, url, node, tools }) => {
    await runIn(project, node, [join(tools, 'pnpm', 'bin', 'pnpm.mjs'), 'add', name, `--registry=${url}`, '--store-dir', join(project, 'store')], { XDG_CACHE_HOME: join(project, 'cache'), CI: 'true' })
    return await exerciseIn(project, node, both)
  },
  'yarn-classic': async ({ project, url, node, tools }) => {
    writeFileSync(join(project, '.yarnrc'), `registry "${url}"\n`)
    await runIn(project, node, [join(tools, 'yarn', 'bin', 'yarn.js'), 'add', name, '--non-interactive', '--ignore-scripts', '--cache-folder', join(project, 'cache')])
    return await exerciseIn(project, node, both)
  },
  'yarn-node-modules': async (cell) => {
    await berry(cell, 'node-modules')
    return await exerciseIn(cell.project, cell.node, both)
  },
  'yarn-pnp': async (cell) => {
    const yarn = await berry(cell, 'pnp')
    return await exerciseIn(cell.project, cell.node, both.map((file) => [yarn, 'node', file]), BERRY)
  },
  bun: async ({ project, url, node }) => {
    const { path, reason } = await bunBinary()
    if (!path) return skip(reason)
    await runIn(project, path, ['add', name, `--registry=${url}`, '--ignore-scripts'], { BUN_INSTALL_CACHE_DIR: join(project, 'cache') })
    return await exerciseIn(project, node, both)
  },
}

const BERRY = { YARN_IGNORE_PATH: '1', YARN_ENABLE_TELEMETRY: '0' }

async function berry({ project, url, node, tools }, linker) {
  const yarn = join(tools, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')
  writeFileSync(join(project, '.yarnrc.yml'), [
    `nodeLinker: ${linker}`, `npmRegistryServer: "${url.replace(/\/$/, '')}"`, 'unsafeHttpWhitelist: ["127.0.0.1"]',
    'enableGlobalCache: false', 'enableScripts: false', 'globalFolder: ./global', 'pnpEnableEsmLoader: true', '',
  ].join('\n'))
  writeFileSync(join(project, 'yarn.lock'), '')
  await runIn(project, node, [yarn, 'add', name], BERRY)
  return yarn
}

export async function packageManagers(report, { dir, tools, node, registry }) {
  for (const [called, install] of Object.entries(MANAGERS)) {
    await report.step('package-managers', called, async () => {
      const project = emptyProject(dir, called)
      const answer = await install({ project, url: registry.url, node, tools })
      if (typeof answer !== 'string') return answer
      return told(answer)
    })
  }
}
