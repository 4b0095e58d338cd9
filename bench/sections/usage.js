// What it costs to read a CLI's output for usage: a UsageMeter beside JSON.parse of each line, and a stream read beside one
// that is not.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { makeArms } = require('../lib/arms.js')
const { agentOutput } = require('../lib/made-up.js')
const { MB, receive } = require('../lib/receive.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const PIECES = [
  { bytes: 65536, name: '64 KiB' },
  { bytes: 8192, name: '8 KiB' }
]
const OUTPUT = 4 * MB
const REPEATS = 64

function prepare(job) {
  const arms = makeArms(job)
  const output = agentOutput(OUTPUT, ['made-up'])
  const file = path.join(job.scene.workspace.home, 'agent-output')
  const last = output.lastIndexOf(10) + 1
  fs.writeFileSync(file, Buffer.concat(Array(REPEATS).fill(output.subarray(0, last))))
  fs.chmodSync(file, 0o644)
  // A file, as it gets the CLI's arguments.
  const script = path.join(job.scene.workspace.home, 'write-output')
  fs.writeFileSync(script, `#!/bin/sh\nexec cat '${file}'\n`)
  fs.chmodSync(script, 0o755)
  return { ...arms, output: output.subarray(0, last), script, bytes: REPEATS * last }
}

async function run(context, { quick, scene }) {
  const texts = {}
  for (const { bytes } of PIECES) texts[bytes] = await readText(context, bytes, quick)
  return { texts, stream: await readStream(context, { quick, scene }) }
}

function readText({ api, output }, size, quick) {
  const plan = quick ? { rounds: [3, 5], budgetMs: 2000 } : { rounds: [11, 21], budgetMs: 15_000 }
  const arm = (make) => () => {
    const read = make()
    const before = performance.now()
    for (let from = 0; from < output.length; from += size) read(output.subarray(from, from + size))
    return [output.length / MB / ((performance.now() - before) / 1000)]
  }
  const ours = () => {
    const meter = new api.UsageMeter('claude')
    return (piece) => meter.write(piece)
  }
  return interleave({ baseline: arm(parseLines), ours: arm(ours) }, plan)
}

/** What a worker does without: decodes, splits, and parses every line. */
function parseLines() {
  const decoder = new TextDecoder()
  let rest = ''
  let seen = 0
  return (piece) => {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()
    for (const line of lines) if (JSON.parse(line).type === 'result') seen += 1
    return seen
  }
}

function readStream({ api, env, script, bytes }, { quick, scene }) {
  const plan = quick ? { rounds: [3, 3], budgetMs: 0 } : { rounds: [21, 21], budgetMs: 0 }
  const launch = { command: script, ...scene.ids }
  const arm = (usage) => async () => [await receive(api.spawnProvider(env, { ...launch, usage }), bytes)]
  return interleave({ baseline: arm(false), ours: arm(true) }, plan)
}

function rows({ texts, stream }) {
  const row = (id, what, against, rounds) => compared({ id: `usage/${id}`, what, against, unit: 'MB/s', better: 'more', ...rounds })
  const text = ({ bytes, name }) => row(bytes, `UsageMeter, ${name} at a time`, 'JSON.parse of each line', texts[bytes])
  return [...PIECES.map(text), row('stream', 'stdout read for usage', 'stdout as it is', { as: 'percent', ...stream })]
}

module.exports = { name: 'usage', jobs: () => [{}], prepare, run, rows }
