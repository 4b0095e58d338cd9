// Stage `runtimes`: the oldest Node that is promised, the lines since, the newest, and Bun.
import { loadUnder } from '../check-tarballs.mjs'
import { nodeTest } from '../lib/node-test.mjs'
import { bunBinary, nodeBinary } from '../lib/node-versions.mjs'
import { skip, told } from '../lib/report.mjs'
import { PACKAGE, testFiles } from '../stages/node.mjs'
import { copyOf, exerciseIn } from './project.mjs'

/** As the registry's package `node` has them; 26 is the newest line. */
export const lines = ['20.17.0', '22', '24', '26']

export async function runtimes(report, { project }) {
  for (const line of lines) {
    await report.step('runtimes', `node-${line}`, async () => {
      const { path, reason } = await nodeBinary(line)
      if (!path) return skip(reason)
      const copy = copyOf(project)
      await loadUnder(path, copy)
      return told(await exerciseIn(copy, path, ['use.cjs', 'use.mjs']))
    })
  }
  await report.step('runtimes', 'bun', async () => {
    const { path, reason } = await bunBinary()
    if (!path) return skip(reason)
    return told(await exerciseIn(copyOf(project), path, ['use.cjs', 'use.mjs']))
  })
  // The whole package's tests: what takes minutes stands last.
  for (const line of lines) {
    await report.step('runtimes', `tests-node-${line}`, async () => {
      const { path, reason } = await nodeBinary(line)
      return path ? await nodeTest(testFiles([], PACKAGE), { node: path, slowness: 2, output: 'keep' }) : skip(reason)
    })
  }
}
