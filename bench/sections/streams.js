// How fast stdout arrives in 'data' events, by the size of the child's writes.
'use strict'

const { makeArms, ended } = require('../lib/arms.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const MB = 1024 * 1024
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

/** @returns {Promise<number>} MB/s, from the first bytes to the end: the start is measured elsewhere */
async function receive(child, bytes) {
  let received = 0
  let first = 0
  let last = 0
  child.stderr.resume()
  child.stdout.on('data', (chunk) => {
    if (received === 0) first = performance.now()
    received += chunk.length
  })
  child.stdout.on('end', () => (last = performance.now()))
  await ended(child)
  if (received !== bytes) throw new Error(`${received} bytes arrived of ${bytes}`)
  return bytes / MB / ((last - first) / 1000)
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
