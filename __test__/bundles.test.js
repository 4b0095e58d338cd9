// Programs that a bundler has made of a worker and this package: the addon stays outside, everything else is within.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { pathToFileURL } = require('node:url')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { KEYS, ids, needsLinux, workspaceOf } = require('./support/launch.js')

const ROOT = path.join(__dirname, '..')
const { name: OWN_NAME } = require('../package.json')
/** As docs/migration.md says: the addon's package, and what the generated loader looks for beside itself. */
const OUTSIDE = /^@webalive\/provider-env-|\.node$/
/** An ES module has no `require`, and bundlers give it none. */
const BANNER = "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

/** What a bundle says: a start of a program by its path, one that looks for the CLI's package, and what remedies name. */
const WORKER = `
  import { buildProviderEnv, diagnose, spawnProvider } from '${OWN_NAME}'
  const { workspace, ids } = JSON.parse(process.env.INPUT)
  const env = buildProviderEnv({ apiKey: '${KEYS.claude}' }, { workspace, set: { PATH: '/usr/bin:/bin' } })
  const ended = async (options) => {
    const child = spawnProvider(env, { ...ids, workspaceTrust: 'trusted', args: ['-c', 'exit 7'], stdio: 'ignore', ...options })
    child.on('error', () => {})
    const { code } = await child.exited.catch(({ code }) => ({ code }))
    return [code, child.spawnfile ?? null]
  }
  const seen = { named: await ended({ command: '/bin/sh' }), found: await ended({}) }
  const { findings } = await diagnose({ start: false, provider: 'claude', home: workspace.home })
  seen.findings = findings.filter(({ id }) => id.startsWith('platform.')).map(({ id, severity }) => [id, severity])
  seen.commands = findings.flatMap(({ commands }) => commands).filter((command) => /doctor|run-as/.test(command))
  console.log(JSON.stringify(seen))`

/** A project with this package and the addon's, installed as npm would, and a CLI's package. @param {any} t */
function makeProject(t) {
  const project = makeOpenDir('provider-env-bundle-')
  t.after(() => fs.rmSync(project, { recursive: true, force: true }))
  const at = (/** @type {string[]} */ ...parts) => path.join(project, ...parts)
  const home = at('node_modules', OWN_NAME)
  for (const name of ['index.js', 'index.mjs', 'package.json', 'dist', 'bin', 'docs'])
    fs.cpSync(path.join(ROOT, name), path.join(home, name), { recursive: true })
  const addon = fs.readdirSync(ROOT).find((name) => name.endsWith('.node')) ?? assert.fail('there is no addon')
  const platform = addon.slice('provider-env.'.length, -'.node'.length)
  fs.cpSync(path.join(ROOT, 'npm', platform), `${home}-${platform}`, { recursive: true })
  fs.copyFileSync(path.join(ROOT, addon), path.join(`${home}-${platform}`, addon))
  const cli = at('node_modules', '@anthropic-ai', `claude-agent-sdk-${platform.replace(/-gnu$/, '')}`)
  fs.mkdirSync(cli, { recursive: true })
  fs.writeFileSync(path.join(cli, 'package.json'), '{ "version": "0.3.330" }')
  fs.writeFileSync(path.join(cli, 'claude'), '#!/bin/sh\nexit 9\n', { mode: 0o755 })
  fs.writeFileSync(at('package.json'), '{ "private": true }')
  fs.writeFileSync(at('worker.mjs'), WORKER)
  return { at, cli: path.join(cli, 'claude') }
}

/** @typedef {(from: (name: string) => Promise<any>, at: (...parts: string[]) => string, format: 'cjs' | 'mjs', to: string) => Promise<unknown>} Bundle */
/** @type {Record<string, Bundle>} */
const BUNDLERS = {
  esbuild: async (from, at, format, to) => {
    const { build } = await from('esbuild')
    await build({
      entryPoints: [at('worker.mjs')],
      outfile: to,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      format: format === 'cjs' ? 'cjs' : 'esm',
      external: [`${OWN_NAME}-*`],
      banner: format === 'cjs' ? {} : { js: BANNER },
      // A module of CommonJS may not wait at its top.
      ...(format === 'cjs'
        ? {
            stdin: {
              contents: `(async () => {\n${WORKER.replace(/^\s*import (.*) from (.*)$/m, 'const $1 = require($2)')}\n})()`,
              resolveDir: at()
            },
            entryPoints: undefined
          }
        : {})
    })
  },
  rollup: async (from, at, _format, to) => {
    const { rollup } = await from('rollup')
    const [commonjs, json, resolve] = await Promise.all(
      ['commonjs', 'json', 'node-resolve'].map(async (name) => (await from(`@rollup/plugin-${name}`)).default)
    )
    const input = at('worker.mjs')
    const bundle = await rollup({
      input,
      external: [OUTSIDE],
      plugins: [resolve({ exportConditions: ['node'] }), commonjs({ ignoreDynamicRequires: true }), json()],
      onwarn() {}
    })
    await bundle.write({ file: to, format: 'esm', banner: BANNER })
  },
  webpack: async (from, at, _format, to) => {
    const { default: webpack } = await from('webpack')
    const externals = [
      (/** @type {any} */ { request }, /** @type {any} */ done) => (OUTSIDE.test(request) ? done(null, `node-commonjs ${request}`) : done())
    ]
    const stats = await new Promise((done, failed) =>
      webpack(
        {
          mode: 'development',
          devtool: false,
          target: 'node20',
          context: at(),
          entry: at('worker.mjs'),
          externals,
          experiments: { outputModule: true },
          output: { path: path.dirname(to), filename: path.basename(to), module: true, library: { type: 'module' } }
        },
        (/** @type {any} */ error, /** @type {any} */ result) => (error ? failed(error) : done(result))
      )
    )
    assert.equal(stats.hasErrors(), false, stats.toString('errors-only'))
  }
}

/** @type {[string, 'cjs' | 'mjs'][]} */
const MADE = [
  ['esbuild', 'cjs'],
  ['esbuild', 'mjs'],
  ['rollup', 'mjs'],
  ['webpack', 'mjs']
]

for (const [bundler, format] of MADE) {
  test(`a bundle of ${bundler}, .${format}`, { skip: needsLinux }, async (t) => {
    const { bundlers } = await import('../scripts/lib/node-versions.mjs')
    const { path: packages, reason } = await bundlers()
    if (packages === undefined) return t.skip(reason)
    const { at, cli } = makeProject(t)
    const from = async (/** @type {string} */ name) => await import(pathToFileURL(require.resolve(name, { paths: [packages] })).href)
    const to = at('dist', `worker.${format}`)
    fs.mkdirSync(at('dist'))
    await BUNDLERS[bundler](from, at, format, to)
    // It is all in the bundle: what is left of the package has no code.
    fs.rmSync(at('node_modules', OWN_NAME), { recursive: true })
    const input = { ids: 'uid' in ids ? ids : {}, workspace: workspaceOf(makeHomes({ uid: ids.uid, test: t })) }
    // Neither of its programs has a version of a CLI's.
    const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=PROVIDER_CLI_UNTESTED', to], {
      encoding: 'utf8',
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', INPUT: JSON.stringify(input) }
    })
    assert.equal(stderr, '')
    const { named, found, findings, commands } = JSON.parse(stdout)
    assert.deepEqual([named[0], found], [7, [9, cli]])
    assert.deepEqual(findings, [
      ['platform.addon', 'ok'],
      ['platform.native-start', 'ok']
    ])
    // No path of a bundle is the command's.
    for (const command of commands) assert.match(command, /^provider-env (doctor|run-as) /)
    if (process.getuid?.() === 0) assert.ok(commands.length > 0, 'without ids the doctor asks a root worker for some')
  })
}
