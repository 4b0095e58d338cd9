// `npm test`: runs all quick checks, in stages. `usage` below explains its options.
import { ensure, say } from './ensure.mjs'
import { readOptions, refuse } from './lib/command-line.mjs'
import { keepBusy, pinTo } from './lib/load.mjs'
import { ensureRedis } from './lib/redis.mjs'
import { Report, stepsOf } from './lib/report.mjs'
import { lint } from './stages/lint.mjs'
import { node, testFiles } from './stages/node.mjs'
import { pack } from './stages/pack.mjs'
import { rust } from './stages/rust.mjs'

const stages = { lint, rust, node, pack }
/** What can come out differently the next time: a repetition without a selection runs these alone. */
const repeatable = ['rust', 'node']
const usage = `usage: npm test -- [options] [test file …]
  --only STAGE[/STEP],…  run only these stages or steps; the stages are ${Object.keys(stages).join(', ')}
  --repeat N             run N rounds (of ${repeatable.join(' and ')} unless something is selected), then list the failures of each
  --load                 run a busy loop on every core at the same time
  --cores N              use only N of the cores (Linux, with taskset)`

const { only, repeat, load, cores, files } = await readArguments()
const from = Date.now()
const report = new Report(only.length ? [...only, 'set-up'] : [])
let setUp
await report.step('set-up', 'packages and addon', async () => {
  setUp = await ensure()
  if (report.wants('node')) await ensureRedis(say)
})
if (setUp) {
  // Not before: a build has nothing to prove on one core.
  const slowness = (cores ? await pinTo(cores).catch(({ message }) => refuse(message, usage)) : 1) * (load ? 2 : 1)
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

async function readArguments() {
  const options = { only: { type: 'string' }, repeat: { type: 'string' }, load: { type: 'boolean' }, cores: { type: 'string' } }
  const { values, positionals: files } = readOptions(options, usage)
  const count = (name) => {
    const text = values[name]
    if (text !== undefined && !/^[1-9]\d{0,3}$/.test(text)) refuse(`--${name} must be a whole number from 1 to 9999`, usage)
    return text && Number(text)
  }
  const [repeat, cores] = [count('repeat'), count('cores')]
  const unselected = files.length ? ['node'] : repeat ? repeatable : []
  const only = values.only?.split(',').filter(Boolean) ?? unselected
  for (const one of only) await refuseStranger(one)
  for (const file of files) refuseFile(file, only)
  return { only, repeat: repeat ?? 1, load: values.load ?? false, cores, files }
}

/** What runs nothing must not look as if it had passed. */
async function refuseStranger(one) {
  const [name, step] = one.split('/')
  if (!Object.hasOwn(stages, name)) refuse(`${name} is not a stage; the stages are ${Object.keys(stages).join(', ')}`, usage)
  if (step === undefined) return
  const steps = await stepsOf(stages[name])
  if (!steps.includes(step)) refuse(`${step} is not a step of ${name}; the steps are ${steps.join(', ')}`, usage)
}

function refuseFile(file, only) {
  const tests = testFiles([file])
  if (!tests.length) refuse(`the test file ${file} does not exist`, usage)
  const chosen = only.filter((one) => one.split('/')[0] === 'node')
  if (!chosen.length) refuse('test files belong to the stage node, which --only leaves out', usage)
  const runs = chosen.includes('node') || chosen.some((one) => testFiles([file], one.split('/')[1]).length)
  if (!runs) refuse(`${file} is not a test file of ${chosen.join(', ')}`, usage)
}
