// How long a start occupies the JS thread, and how long until the child's own code runs.
'use strict'

const { makeArms, ended } = require('../lib/arms.js')
const { tooBig } = require('../lib/machine.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const jobs = ({ rss }) => rss.map((rssMb) => ({ rssMb }))

async function run({ starters }, { quick, rssMb, scene }) {
  // A fork takes some 40 ms per GB, and a round should not last long: smaller batches where it is slow.
  const size = rssMb > 2048 ? 5 : rssMb > 512 ? 10 : 20
  const plan = quick ? { rounds: [3, 10], budgetMs: 4000 } : { rounds: [20, 60], budgetMs: 60_000 }
  const batch = (start) => async () => {
    const samples = []
    for (let i = 0; i < size; i++) samples.push(await startOne(start, scene.programs.now))
    return { call: samples.map((s) => s.call), main: samples.map((s) => s.main) }
  }
  return interleave({ baseline: batch(starters.baseline), ours: batch(starters.ours) }, plan)
}

async function startOne(start, program) {
  const begun = process.hrtime.bigint()
  const before = performance.now()
  const child = start(program)
  // Read inside the measured time: a stream made on first use would otherwise cost nothing here.
  const [, stdout, stderr] = [child.stdin, child.stdout, child.stderr]
  const call = performance.now() - before
  let text = ''
  stdout.on('data', (chunk) => (text += chunk))
  stderr.resume()
  await ended(child)
  return { call: call * 1000, main: Number(BigInt(text.trim()) - begun) / 1000 }
}

function rows({ baseline, ours }, { rssMb }) {
  const row = (id, key, what) =>
    compared({ id, what, unit: 'µs', better: 'less', rssMb, baseline: baseline.map((b) => b[key]), ours: ours.map((b) => b[key]) })
  return [row('latency/call', 'call', 'JS thread, in the call'), row('latency/main', 'main', 'from the call to main()')]
}

module.exports = { name: 'latency', needsCc: true, jobs, cannot: (job) => tooBig(job.rssMb), prepare: makeArms, run, rows }
