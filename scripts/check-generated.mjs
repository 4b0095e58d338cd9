// Checks that the committed types are what a build of these sources writes.
import { readFileSync } from 'node:fs'
import { buildInto, generated, rollup, same } from './build.mjs'
import { declarations } from './lib/bundle.mjs'
import { fromRoot } from './lib/paths.mjs'

/**
 * @param {string[]} regenerated what this run's set-up already had to rewrite
 * @param {boolean} isBuilt whether the set-up has built the addon, so that another build would write the same
 */
export async function checkGenerated(regenerated, isBuilt) {
  const out = fromRoot('target', 'addon-check')
  const isKnown = isBuilt || regenerated.length > 0
  if (!isKnown) await buildInto(out)
  const stale = isKnown ? [...regenerated] : generated.filter((name) => !same(fromRoot(name), `${out}/${name}`))
  if (!stale.includes(rollup) && readFileSync(fromRoot(rollup), 'utf8') !== (await declarations())) stale.push(rollup)
  if (stale.length) throw new Error(`not up to date: ${stale.join(', ')}. Run \`npm run build\` and commit the files.`)
}
