// What is left behind after thousands of starts.
'use strict'

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const { makeArms, closed } = require('../lib/arms.js')
const { rssMb } = require('../lib/machine.js')
const { alone } = require('../lib/results.js')

const IN_FLIGHT = 30
// V8's young generation grows to its full size over the first few thousand starts, of child_process as of ours, and
// then stays: some 35 MB that are no leak.
const WARM_UP = 5000

async function run({ starters }, { quick, scene }) {
  const total = quick ? 1000 : 10_000
  const start = () => starters.ours(scene.programs.nothing)
  await many(start, WARM_UP)
  const before = await snapshot()
  await many(start, total)
  return { total, before, after: await snapshot(), peak: peakMb() }
}

async function many(start, count) {
  let left = count
  const lane = async () => {
    while (left-- > 0) await closed(start())
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

async function snapshot() {
  // Time for what closes in a later turn, and for other threads to end.
  await sleep(100)
  globalThis.gc()
  await sleep(100)
  return {
    descriptors: fs.readdirSync('/proc/self/fd').length,
    threads: fs.readdirSync('/proc/self/task').length,
    zombies: zombies(),
    rss: rssMb()
  }
}

/** Children of this process that ended and were not waited for. */
function zombies() {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => {
    try {
      // After the name, which is in parentheses and may hold anything: state, parent (proc(5)).
      const [state, parent] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
      return state === 'Z' && Number(parent) === process.pid
    } catch {
      return false // ended meanwhile
    }
  }).length
}

function peakMb() {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
}

function rows({ total, before, after, peak }) {
  const row = (id, what, unit, value) => alone({ id: `leaks/${id}`, what, unit, samples: [value] })
  const count = total.toLocaleString('en-US')
  return [
    row('descriptors', `descriptors more after ${count} starts`, '', after.descriptors - before.descriptors),
    row('threads', 'threads more', '', after.threads - before.threads),
    row('zombies', 'zombies', '', after.zombies),
    row('rss-growth', 'RSS more', 'MB', after.rss - before.rss),
    row('rss-before', 'RSS before', 'MB', before.rss),
    row('rss-after', 'RSS after', 'MB', after.rss),
    row('rss-peak', 'RSS at most', 'MB', peak)
  ]
}

module.exports = { name: 'leaks', needsCc: true, nodeArgs: ['--expose-gc'], jobs: () => [{}], prepare: makeArms, run, rows }
