// Checks that the committed loader and its types are what a build of these sources writes.
import { buildInto, generated, same } from './build.mjs'
import { fromRoot } from './lib/paths.mjs'

/** @param {string[]} regenerated what this run's set-up already had to rewrite */
export async function checkGenerated(regenerated) {
  const out = fromRoot('target', 'addon-check')
  if (!regenerated.length) await buildInto(out)
  const stale = regenerated.length ? regenerated : generated.filter((name) => !same(fromRoot(name), `${out}/${name}`))
  if (stale.length) throw new Error(`not up to date: ${stale.join(', ')}. Run \`npm run build\` and commit the files.`)
}
