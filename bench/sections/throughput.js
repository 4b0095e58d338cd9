// Starts per second to the end with all streams closed, beside child_process and beside a bare vfork loop in C.
'use strict'

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { makeArms, closed } = require('../lib/arms.js')
const { tooBig } = require('../lib/machine.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const execute = promisify(execFile)
const IN_FLIGHT = [1, 30]
const LIMIT_PROCESSES = [1, 2]

const jobs = ({ rss }) => rss.map((rssMb) => ({ rssMb }))

async function run({ starters, env }, { quick, scene }) {
  const ms = quick ? 400 : 1500
  const plan = quick ? { rounds: [3, 3], budgetMs: 0 } : { rounds: [9, 9], budgetMs: 0 }
  const arms = {}
  const variables = env.exposeSecrets()
  for (const inFlight of IN_FLIGHT) {
    arms[`baseline-${inFlight}`] = () => pump(() => starters.baseline(scene.programs.nothing), { inFlight, ms })
    arms[`ours-${inFlight}`] = () => pump(() => starters.ours(scene.programs.nothing), { inFlight, ms })
  }
  for (const processes of LIMIT_PROCESSES) {
    const args = [processes, ms, ...scene.limitIds, scene.programs.nothing].map(String)
    arms[`limit-${processes}`] = async () => {
      const { stdout } = await execute(scene.programs.limit, args, { env: variables })
      const { count, ns } = JSON.parse(stdout)
      return { rate: (count * 1e9) / ns }
    }
  }
  return interleave(arms, plan)
}

/** Keeps `inFlight` children going for `ms` and then waits for the last: the wait counts. */
async function pump(start, { inFlight, ms }) {
  let count = 0
  const loop = performance.eventLoopUtilization()
  const begun = performance.now()
  const lane = async () => {
    do {
      await closed(start())
      count++
    } while (performance.now() - begun < ms)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const took = performance.now() - begun
  const { active, utilization } = performance.eventLoopUtilization(loop)
  return { rate: (count * 1000) / took, busy: utilization * 100, jsPerStart: (active * 1000) / count }
}

function rows(raw, { rssMb }) {
  const pick = (name, key) => raw[name].map((round) => [round[key]])
  const pair = (inFlight, key) => ({ baseline: pick(`baseline-${inFlight}`, key), ours: pick(`ours-${inFlight}`, key) })
  const rate = { unit: '/s', better: 'more', rssMb }
  const many = IN_FLIGHT[1]
  return [
    ...IN_FLIGHT.map((n) => compared({ id: `throughput/in-flight-${n}`, what: `starts, ${n} in flight`, ...rate, ...pair(n, 'rate') })),
    ...LIMIT_PROCESSES.map((processes, i) =>
      compared({
        id: `throughput/of-limit-${processes}`,
        what: `starts, ${IN_FLIGHT[i]} in flight`,
        against: processes === 1 ? 'C vfork loop' : `${processes} C vfork loops`,
        as: 'percent',
        ...rate,
        baseline: pick(`limit-${processes}`, 'rate'),
        ours: pick(`ours-${IN_FLIGHT[i]}`, 'rate')
      })
    ),
    compared({ id: 'throughput/busy', what: `JS thread busy, ${many} in flight`, unit: '%', better: 'less', rssMb, ...pair(many, 'busy') }),
    compared({
      id: 'throughput/js',
      what: `JS thread a start, ${many} in flight`,
      unit: 'µs',
      better: 'less',
      rssMb,
      ...pair(many, 'jsPerStart')
    })
  ]
}

module.exports = { name: 'throughput', needsCc: true, jobs, cannot: (job) => tooBig(job.rssMb), prepare: makeArms, run, rows }
