// What a secret costs in memory that is locked, and how long it takes to put one there and wipe it.
'use strict'

const { cannotLock, pageSize } = require('../lib/machine.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const MIB = 1024 * 1024
const HELD = 10_000
const CALLS = 1000

/** A token, an Anthropic key, and more than most keys are, in bytes. */
const SIZES = [16, 108, 1024]

const prepare = ({ package: dir }) => require(dir)

async function run({ Secret, memoryProtection }, { bytes, quick }) {
  const plan = quick ? { rounds: [5, 10], budgetMs: 1000 } : { rounds: [21, 41], budgetMs: 10_000 }
  // Each call gets its own bytes, which are wiped.
  const inputs = () => Array.from({ length: CALLS }, () => Buffer.alloc(bytes, 7))
  const timed = (act) => () => {
    const all = inputs()
    const before = performance.now()
    for (const input of all) act(input)
    return [((performance.now() - before) * 1000) / CALLS]
  }
  const keep = (input) => Secret.from(input).dispose()
  const empty = await interleave({ baseline: timed(plainBuffer), ours: timed(keep) }, plan)
  const { held, perMiB } = fill(Secret, memoryProtection, bytes)
  const full = await interleave({ baseline: timed(plainBuffer), ours: timed(keep) }, plan)
  for (const secret of held) secret.dispose()
  return { perMiB, empty, full }
}

/** The same without protection: a Buffer that shares its memory with no other, and wiping. */
function plainBuffer(input) {
  const copy = Buffer.allocUnsafeSlow(input.length)
  copy.set(input)
  input.fill(0)
  copy.fill(0)
}

function fill(Secret, memoryProtection, bytes) {
  const before = memoryProtection()
  const held = Array.from({ length: HELD }, () => Secret.from(Buffer.alloc(bytes, 7)))
  const { locked, allocations, lockedBytes } = memoryProtection()
  if (!locked) throw new Error(`the kernel did not lock ${HELD} secrets of ${bytes} bytes`)
  return { held, perMiB: ((allocations - before.allocations) * MIB) / lockedBytes }
}

function rows({ perMiB, empty, full }, { bytes }) {
  const name = `${bytes.toLocaleString('en-US')} B`
  const time = { against: 'a Buffer, wiped', unit: 'µs', better: 'less' }
  return [
    compared({
      id: `memory/per-mib-${bytes}`,
      what: `secrets of ${name} a MiB of locked memory`,
      against: 'a page for each',
      unit: '',
      better: 'more',
      baseline: [[MIB / pageSize()]],
      ours: [[perMiB]]
    }),
    compared({ id: `memory/from-${bytes}`, what: `Secret.from and dispose, ${name}`, ...time, ...empty }),
    compared({ id: `memory/from-full-${bytes}`, what: `the same beside ${HELD.toLocaleString('en-US')} others`, ...time, ...full })
  ]
}

const jobs = () => SIZES.map((bytes) => ({ bytes }))

// A third more than the secrets have: they lie in mappings of 16 KiB.
const cannot = ({ bytes }) => cannotLock((HELD * bytes * 4) / 3)

module.exports = { name: 'memory', jobs, cannot, prepare, run, rows }
