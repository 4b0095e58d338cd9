// Stage `package-managers`: the package as each of them installs it, next to a CLI, used through both entry points; and
// the CLI, found in the installation.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bunBinary } from '../lib/node-versions.mjs'
import { manifest } from '../lib/platforms.mjs'
import { skip, told } from '../lib/report.mjs'
import { emptyProject, exerciseIn, runIn } from './project.mjs'

const { name, devDependencies } = manifest()
const [scope] = name.split('/')
const both = ['use.cjs', 'use.mjs']
/** The smaller of the two CLIs; its packages have all that is difficult: a launcher, and one for each platform under another name. */
const CLI = '@openai/codex'
const version = devDependencies[CLI]
const wanted = [name, `${CLI}@${version}`]

/** Each gets the project and says what it saw; caches and stores are the project's own, so that nothing of an earlier run is used. */
const MANAGERS = {
  npm: async ({ project, node }) => {
    await runIn(project, 'npm', ['install', ...wanted, '--no-audit', '--no-fund', '--cache', join(project, 'cache')])
    return await used(project, node)
  },
  pnpm: async ({ project, node, tools }) => {
    await runIn(project, node, [join(tools, 'pnpm', 'bin', 'pnpm.mjs'), 'add', ...wanted, '--store-dir', join(project, 'store')], {
      XDG_CACHE_HOME: join(project, 'cache'),
      CI: 'true'
    })
    return await used(project, node)
  },
  'yarn-classic': async ({ project, url, node, tools }) => {
    writeFileSync(join(project, '.yarnrc'), `"${scope}:registry" "${url}"\n`)
    await runIn(project, node, [
      join(tools, 'yarn', 'bin', 'yarn.js'),
      'add',
      ...wanted,
      '--non-interactive',
      '--ignore-scripts',
      '--cache-folder',
      join(project, 'cache')
    ])
    return await used(project, node)
  },
  'yarn-node-modules': async (cell) => {
    await berry(cell, 'node-modules', wanted)
    return await used(cell.project, cell.node)
  },
  // Links, as pnpm's; and no commands in `node_modules`.
  'yarn-pnpm': async (cell) => {
    await berry(cell, 'pnpm', wanted)
    return await used(cell.project, cell.node)
  },
  // No `node_modules`: a CLI is not found there, and is given as `command`.
  'yarn-pnp': async (cell) => {
    const yarn = await berry(cell, 'pnp', [name])
    return await exerciseIn(
      cell.project,
      cell.node,
      both.map((file) => [yarn, 'node', file]),
      BERRY
    )
  },
  bun: async ({ project, node }) => {
    const { path, reason } = await bunBinary()
    if (!path) return skip(reason)
    await runIn(project, path, ['add', ...wanted, '--ignore-scripts'], { BUN_INSTALL_CACHE_DIR: join(project, 'cache') })
    return await used(project, node)
  }
}

const BERRY = { YARN_IGNORE_PATH: '1', YARN_ENABLE_TELEMETRY: '0' }

async function berry({ project, url, node, tools }, linker, packages) {
  const yarn = join(tools, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')
  writeFileSync(
    join(project, '.yarnrc.yml'),
    [
      `nodeLinker: ${linker}`,
      'npmScopes:',
      `  ${scope.slice(1)}:`,
      `    npmRegistryServer: "${url.replace(/\/$/, '')}"`,
      'unsafeHttpWhitelist: ["127.0.0.1"]',
      'enableGlobalCache: false',
      'enableScripts: false',
      'globalFolder: ./global',
      'pnpEnableEsmLoader: true',
      ''
    ].join('\n')
  )
  writeFileSync(join(project, 'yarn.lock'), '')
  await runIn(project, node, [yarn, 'add', ...packages], BERRY)
  return yarn
}

/** The exercise, then the CLI: by its package, and by its command where there is one. What is not found, or of another version, ends it. */
async function used(project, node) {
  writeFileSync(
    join(project, 'find.cjs'),
    `
    const { existsSync } = require('node:fs')
    const { resolveProgram } = require('${name}')
    const bin = require('node:path').join(__dirname, 'node_modules/.bin')
    const found = ['/nowhere', ...(existsSync(bin + '/codex') ? [bin] : [])].map((path) => resolveProgram('codex', { path, allowRoot: true }))
    for (const { version, kind, path } of found) {
      if (version !== '${version}' || kind !== 'native' || !path.startsWith(__dirname)) throw new Error(JSON.stringify(found))
    }
    console.log('codex ' + found.map(({ foundBy, version }) => version + ' by ' + foundBy).join(', '))`
  )
  const said = await exerciseIn(project, node, both)
  return `${said}; ${await exerciseIn(project, node, ['find.cjs'])}`
}

export async function packageManagers(report, { dir, tools, node, registry }) {
  for (const [called, install] of Object.entries(MANAGERS)) {
    await report.step('package-managers', called, async () => {
      const project = emptyProject(dir, called)
      writeFileSync(join(project, '.npmrc'), `${scope}:registry=${registry.url}\n`)
      try {
        const answer = await install({ project, url: registry.url, node, tools })
        return typeof answer === 'string' ? told(answer) : answer
      } finally {
        // With its cache, the CLI takes a gigabyte.
        rmSync(project, { recursive: true, force: true })
      }
    })
  }
}
