// A reporter for node:test that writes the run's totals and the names of failed tests as JSON, for the end of
// `npm test`.
import { relative } from 'node:path'
import { root } from './paths.mjs'

/** Node 20 reports tests that the requested names exclude as skipped; newer lines do not report them. */
const LEFT_OUT = 'test name does not match pattern'
const names = { pass: 'passed', fail: 'failed', cancelled: 'failed', skipped: 'skipped', todo: 'skipped' }

export default async function* counts(source) {
  const totals = { passed: 0, failed: 0, skipped: 0, failures: [] }
  for await (const { type, data } of source) {
    if (type === 'test:fail' && isOwn(data)) totals.failures.push(nameOf(data))
    if (type === 'test:pass' && data.skip === LEFT_OUT) totals.skipped--
    if (type !== 'test:diagnostic' || data.nesting !== 0) continue
    const [, what, number] = /^(pass|fail|cancelled|skipped|todo) (\d+)$/.exec(data.message) ?? []
    if (what) totals[names[what]] += Number(number)
  }
  yield JSON.stringify(totals)
}

/** A file that did not come to its end is reported as a test that has its path for a name. */
function nameOf({ file, name }) {
  if (!file) return name
  return `${relative(root, file)}: ${[file, relative(root, file)].includes(name) ? 'the file as a whole' : name}`
}

/** Not one that failed because of a test inside it, and none that is expected to. */
function isOwn({ details, todo, skip }) {
  return details?.error?.failureType !== 'subtestsFailed' && todo === undefined && skip === undefined
}
