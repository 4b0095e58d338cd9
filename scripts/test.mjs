// `npm test`: every check that is quick, in stages. `usage` below says what can be asked of it.
import { parseArgs } from 'node:util'
import { ensure, say } from './ensure.mjs'
import { keepBusy, pinTo } from './lib/load.mjs'
import { ensureRedis } from './lib/redis.mjs'
import { Report } from './lib/report.mjs'
import { lint } from './stages/lint.mjs'
import { node } from './stages/node.mjs'
import { pack } from './stages/pack.mjs'
import { rust } from './stages/rust.mjs'

const stages = { lint, rust, node, pack }
/** What can come out differently the next time: a repetition without a selection runs these alone. */
const repeatable = ['rust', 'node']
const usage = `usage: npm test -- [options] [test file …]
  --only STAGE[/STEP],…  some stages or steps; the stages are ${Object.keys(stages).join(', ')}
  --repeat N             N rounds (of ${repeatable.join(' and ')}, unless something is selected), then what failed in which
  --load                 with a busy loop on every core meanwhile
  --cores N              with N of the cores (Linux, by taskset)`

const { only, repeat, load, cores, files } = readArguments()
const from = Date.now()
const report = new Report(only.length ? [...only, 'set-up'] : [])
let setUp
await report.step('set-up', 'packages and addon', async () => {
  setUp = await ensure()
  if (report.wants('node')) await ensureRedis(say)
})
if (setUp) {
  // Not before: a build has nothing to prove on one core.
  const slowness = (cores ? await pinTo(cores).catch(refuse) : 1) * (load ? 2 : 1)
  const idle = load ? keepBusy() : () => {}
  for (let round = 1; round <= repeat; round += 1) {
    if (repeat > 1) report.beginRound(round, repeat)
    for (const [name, stage] of Object.entries(stages)) {
      if (report.wants(name)) await stage(report, { ...setUp, files, slowness })
    }
  }
  idle()
}
process.exitCode = report.close((Date.now() - from) / 1000)

function readArguments() {
  const options = { only: { type: 'string' }, repeat: { type: 'string' }, load: { type: 'boolean' }, cores: { type: 'string' } }
  let parsed
  try {
    parsed = parseArgs({ options, allowPositionals: true })
  } catch (error) {
    refuse(error)
  }
  const { values, positionals: files } = parsed
  const count = (name) => {
    const text = values[name]
    if (text !== undefined && !/^[1-9]\d{0,3}$/.test(text)) refuse(new Error(`--${name} takes a whole number from 1 to 9999`))
    return text && Number(text)
  }
  const [repeat, cores] = [count('repeat'), count('cores')]
  const unselected = files.length ? ['node'] : repeat ? repeatable : []
  const only = values.only?.split(',').filter(Boolean) ?? unselected
  const stranger = only.find((one) => !Object.hasOwn(stages, one.split('/')[0]))
  if (stranger) refuse(new Error(`no stage is called ${stranger}`))
  return { only, repeat: repeat ?? 1, load: values.load ?? false, cores, files }
}

function refuse({ message }) {
  process.stderr.write(`${message}\n${usage}\n`)
  process.exit(2)
}
