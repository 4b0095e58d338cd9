// Stage `test-runners`: the package inside of jest, and of vitest with each kind of pool.
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest } from '../lib/platforms.mjs'
import { copyOf, runIn } from './project.mjs'

const name = manifest().name
const POOLS = ['threads', 'forks', 'vmThreads']

/** `again`: how the runner forgets a module, so that there are two copies of the facade over one addon. */
const testFile = (again) => `
const exercise = require('./exercise.cjs')

test('the package', async () => { await exercise(require('${name}')) }, 60_000)
test('a second copy beside the first', async () => {
  const first = require('${name}')
  ${again}
  const second = require('${name}')
  await Promise.all([exercise(first), exercise(second)])
}, 60_000)
`

const vitestFile = `
import { test, vi } from 'vitest'
import exercise from './exercise.cjs'

test('the package', async () => { await exercise(await import('${name}')) }, 60_000)
test('a second copy beside the first', async () => {
  const first = await import('${name}')
  vi.resetModules()
  const second = await import('${name}')
  await Promise.all([exercise(first), exercise(second)])
}, 60_000)
`

export async function testRunners(report, { project, tools, node }) {
  await report.step('test-runners', 'jest', async () => {
    const copy = copyOf(project)
    writeFileSync(join(copy, 'package.test.cjs'), testFile('jest.resetModules()'))
    writeFileSync(join(copy, 'jest.config.cjs'), "module.exports = { testMatch: ['**/*.test.cjs'], cacheDirectory: 'jest-cache', watchman: false }\n")
    await runIn(copy, node, [join(tools, 'jest', 'bin', 'jest.js'), '--ci', '--maxWorkers=1'])
  })
  for (const pool of POOLS) {
    await report.step('test-runners', `vitest-${pool}`, async () => {
      const copy = copyOf(project)
      symlinkSync(join(tools, 'vitest'), join(copy, 'node_modules', 'vitest'))
      writeFileSync(join(copy, 'package.test.mjs'), vitestFile)
      writeFileSync(join(copy, 'vitest.config.mjs'), `export default { test: { pool: '${pool}', maxWorkers: 1, include: ['*.test.mjs'] } }\n`)
      await runIn(copy, node, [join(tools, 'vitest', 'vitest.mjs'), 'run'])
    })
  }
}
