// A reporter for node:test that writes only the run's totals, as JSON, for the closing line of `npm test`.
const names = { pass: 'passed', fail: 'failed', cancelled: 'failed', skipped: 'skipped', todo: 'skipped' }

export default async function* counts(source) {
  const totals = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of source) {
    if (type !== 'test:diagnostic' || data.nesting !== 0) continue
    const [, what, number] = /^(pass|fail|cancelled|skipped|todo) (\d+)$/.exec(data.message) ?? []
    if (what) totals[names[what]] += Number(number)
  }
  yield JSON.stringify(totals)
}
