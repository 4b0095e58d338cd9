// `npm test`: every check that is quick, in stages. `npm test -- --only lint,rust/core [file …]` runs some of them.
import { parseArgs } from 'node:util'
import { ensure, say } from './ensure.mjs'
import { ensureRedis } from './lib/redis.mjs'
import { Report } from './lib/report.mjs'
import { lint } from './stages/lint.mjs'
import { node } from './stages/node.mjs'
import { pack } from './stages/pack.mjs'
import { rust } from './stages/rust.mjs'

const stages = { lint, rust, node, pack }
const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
const only = values.only?.split(',').filter(Boolean) ?? (positionals.length ? ['node'] : [])
const stranger = only.find((one) => !Object.hasOwn(stages, one.split('/')[0]))
if (stranger) {
  process.stderr.write(`no stage is called ${stranger}; there are ${Object.keys(stages).join(', ')}\n`)
  process.exit(2)
}

const from = Date.now()
const report = new Report(only.length ? [...only, 'set-up'] : [])
let setUp
await report.step('set-up', 'packages and addon', async () => {
  setUp = await ensure()
  if (report.wants('node')) await ensureRedis(say)
})
if (setUp) {
  for (const [name, stage] of Object.entries(stages)) {
    if (report.wants(name)) await stage(report, { ...setUp, files: positionals })
  }
}
process.exitCode = report.close((Date.now() - from) / 1000)
