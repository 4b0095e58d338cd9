// Stage `bundlers`: the package bundled into one file by esbuild and webpack, in both module formats, with the addon
// beside it.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest } from '../lib/platforms.mjs'
import { told } from '../lib/report.mjs'
import { copyOf, exerciseIn, runIn } from './project.mjs'

const name = manifest().name
/** A bundler cannot put an addon into its file: what the loader requires by name stays its own package. */
const ADDONS = `/^${name.replace('/', '\\/')}-/`

const webpackScript = (tools, format) => `
const webpack = require(${JSON.stringify(join(tools, 'webpack'))})
const esm = ${format === 'esm'}
const kind = esm ? 'node-commonjs' : 'commonjs'
webpack({
  mode: 'production', target: 'node', devtool: false, context: __dirname, entry: './use.' + (esm ? 'mjs' : 'cjs'),
  optimization: { minimize: false },
  externals: ({ request }, done) => (${ADDONS}.test(request) || request.endsWith('.node') ? done(null, kind + ' ' + request) : done()),
  experiments: { outputModule: esm },
  output: { path: __dirname, filename: esm ? 'bundle.mjs' : 'bundle.cjs', ...(esm ? { module: true, library: { type: 'module' }, chunkFormat: 'module' } : {}) }
}, (error, stats) => {
  if (error || stats.hasErrors()) { console.error(error ?? stats.toString()); process.exitCode = 1 }
})
`

const BUNDLERS = {
  esbuild: async (project, node, tools, format, out) => {
    const args = [
      `use.${format === 'esm' ? 'mjs' : 'cjs'}`,
      '--bundle',
      '--platform=node',
      '--target=node20',
      `--format=${format}`,
      `--external:${name}-*`,
      '--external:*.node',
      `--outfile=${out}`,
      '--log-level=warning'
    ]
    // An ESM bundle has no require for what stays outside, unless one is made.
    const banner =
      format === 'esm' ? [`--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`] : []
    await runIn(project, node, [join(tools, 'esbuild', 'bin', 'esbuild'), ...args, ...banner])
  },
  webpack: async (project, node, tools, format) => {
    writeFileSync(join(project, 'webpack.cjs'), webpackScript(tools, format))
    await runIn(project, node, ['webpack.cjs'])
  }
}

export async function bundlers(report, { project, tools, node }) {
  for (const [called, bundle] of Object.entries(BUNDLERS)) {
    for (const format of ['cjs', 'esm']) {
      await report.step('bundlers', `${called}-${format}`, async () => {
        const copy = copyOf(project)
        const out = `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`
        await bundle(copy, node, tools, format, out)
        // The bundle stands for it: only the addon's package is left.
        rmSync(join(copy, 'node_modules', ...name.split('/')), { recursive: true })
        for (const file of ['use.cjs', 'use.mjs', 'exercise.cjs']) rmSync(join(copy, file))
        return told(await exerciseIn(copy, node, [out]))
      })
    }
  }
}
