// How fast stdout arrives in 'data' events, by the size of the child's writes.
'use strict'

const { makeArms } = require('../lib/arms.js')
const { MB, receive } = require('../lib/receive.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const BLOCKS = [
  { block: 256, total: 64 * MB, name: '256 B' },
  { block: 8192, total: 512 * MB, name: '8 KiB' },
  { block: 65536, total: 512 * MB, name: '64 KiB' }
]

async function run({ starters }, { quick, scene }) {
  const plan = quick ? { rounds: [3, 3], budgetMs: 0 } : { rounds: [21, 21], budgetMs: 0 }
  const rates = {}
  for (const { block, total } of BLOCKS) {
    const bytes = quick ? total / 8 : total
    const arm = (start) => () => receive(start(scene.programs.blocks, [`bench:${block}:${bytes}`]), bytes)
    rates[block] = await interleave({ baseline: arm(starters.baseline), ours: arm(starters.ours) }, plan)
  }
  return { rates }
}

function rows({ rates }) {
  return BLOCKS.map(({ block, name }) =>
    compared({
      id: `streams/${block}`,
      what: `stdout, ${name} at a time`,
      unit: 'MB/s',
      better: 'more',
      baseline: rates[block].baseline.map((rate) => [rate]),
      ours: rates[block].ours.map((rate) => [rate])
    })
  )
}

module.exports = { name: 'streams', needsCc: true, jobs: () => [{}], prepare: makeArms, run, rows }
