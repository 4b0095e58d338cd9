// Stage `test-runners`: the package inside of jest, and of vitest with each kind of pool.
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest } from '../lib/platforms.mjs'
import { told } from '../lib/report.mjs'
import { copyOf, runIn } from './project.mjs'

const name = manifest().name
const POOLS = ['threads', 'forks', 'vmThreads']

/** Two files: jest runs them in one process, each with its own globals, over one addon. */
const FILES = ['one', 'two']

const jestFile = `
const exercise = require('./exercise.cjs')

test('the package', async () => { await exercise(require('${name}')) }, 60_000)
test('a second copy beside the first', async () => {
  const first = require('${name}')
  jest.resetModules()
  const second = require('${name}')
  expect(second).not.toBe(first)
  await Promise.all([exercise(first), exercise(second)])
}, 60_000)
`

const vitestFile = `
import { test } from 'vitest'
import * as api from '${name}'
import exercise from './exercise.cjs'

test('the package', async () => { await exercise(api) }, 60_000)
test('two starts at once', async () => { await Promise.all([exercise(api), exercise(api)]) }, 60_000)
`

export async function testRunners(report, { project, tools, node }) {
  await report.step('test-runners', 'jest', async () => {
    const copy = copyOf(project)
    for (const file of FILES) writeFileSync(join(copy, `${file}.test.cjs`), jestFile)
    writeFileSync(
      join(copy, 'jest.config.cjs'),
      "module.exports = { testMatch: ['**/*.test.cjs'], cacheDirectory: 'jest-cache', watchman: false }\n"
    )
    return ran(await runIn(copy, node, [join(tools, 'jest', 'bin', 'jest.js'), '--ci', '--runInBand']), /^Tests: +4 passed, 4 total$/m)
  })
  for (const pool of POOLS) {
    await report.step('test-runners', `vitest-${pool}`, async () => {
      const copy = copyOf(project)
      symlinkSync(join(tools, 'vitest'), join(copy, 'node_modules', 'vitest'))
      for (const file of FILES) writeFileSync(join(copy, `${file}.test.mjs`), vitestFile)
      writeFileSync(join(copy, 'vitest.config.mjs'), `export default { test: { pool: '${pool}', include: ['*.test.mjs'] } }\n`)
      return ran(await runIn(copy, node, [join(tools, 'vitest', 'vitest.mjs'), 'run', '--no-color']), /^ +Tests +4 passed \(4\)$/m)
    })
  }
}

/** Both end well, too, where they found nothing to run. */
function ran(text, wanted) {
  const [line] = wanted.exec(text) ?? []
  if (!line) throw new Error(`expected four tests to pass:\n${text}`)
  return told(line.trim().replace(/\s+/g, ' '))
}
