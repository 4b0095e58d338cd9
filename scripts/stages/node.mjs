// Stage `node`: runs node:test over the built package; tests that start real CLIs run in a network that has only
// loopback.
import { join, relative, resolve, sep } from 'node:path'
import { nodeTest } from '../lib/node-test.mjs'
import { fromRoot, root, walk } from '../lib/paths.mjs'

/** The step of what is in no private directory. */
export const PACKAGE = 'package'
const privateDirs = ['real-cli', 'sdk', 'routes']
/** What only a new version of a CLI can change: `npm run compat` runs these, and so does naming them. */
const ON_REQUEST = ['routes']

export async function node(report, { files, slowness }) {
  const plain = testFiles(files, PACKAGE)
  if (plain.length || !files.length) await report.step('node', PACKAGE, () => nodeTest(plain, { slowness }))
  for (const dir of privateDirs) {
    const own = testFiles(files, dir)
    if (!files.length && ON_REQUEST.includes(dir)) continue
    if (own.length) await report.step('node', dir, () => nodeTest(own, { slowness, isPrivate: true }))
  }
}

/**
 * The test files that these name, as files or as directories that hold them; all where none is named.
 * @param {string[]} files
 * @param {string} [step] those of this step alone
 */
export function testFiles(files, step) {
  const tests = walk(fromRoot('__test__'), (path) => /\.test\.[cm]?js$/.test(path)).map((path) => relative(root, path))
  const isIn = (test, path) => test === path || test.startsWith(path + sep)
  const chosen = tests.filter((test) => !files.length || files.some((file) => isIn(resolve(root, test), resolve(file))))
  const stepOf = (test) => privateDirs.find((dir) => isIn(test, join('__test__', dir))) ?? PACKAGE
  return step === undefined ? chosen : chosen.filter((test) => stepOf(test) === step)
}
