// Stage `runtimes`: the oldest supported Node, the release lines since then, the newest, and Bun.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { loadUnder } from '../check-tarballs.mjs'
import { nodeTest } from '../lib/node-test.mjs'
import { bunBinary, nodeBinary } from '../lib/node-versions.mjs'
import { userCache } from '../lib/paths.mjs'
import { failure, skip, told } from '../lib/report.mjs'
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
  // The whole package's tests: what takes minutes is last.
  for (const line of lines) {
    await report.step('runtimes', `tests-node-${line}`, async () => {
      const { path, reason } = await nodeBinary(line)
      return path ? await packageTests(path, line) : skip(reason)
    })
  }
}

/** They print too much for a table: what failed is named, and the rest is in a file. */
async function packageTests(node, line) {
  const log = userCache('matrix', 'logs', `tests-node-${line}.log`)
  mkdirSync(dirname(log), { recursive: true })
  try {
    return await nodeTest(testFiles([], PACKAGE), { node, slowness: 2, output: 'keep', log: (text) => writeFileSync(log, text) })
  } catch (error) {
    throw failure([error.message, ...(error.counts?.failures ?? []), `all output is in ${log}`].join('\n  '), error.counts)
  }
}
