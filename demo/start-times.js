// Measures how long a start blocks the JavaScript thread: spawnProvider and child_process.spawn, alternately, with the
// same program.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { existsSync } = require('node:fs')
const { buildProviderEnv, spawnProvider } = require('..')

const ROUNDS = 20
/** The first of each makes threads and compiles code. */
const WARM_UP = 3

/**
 * @param {{ uid?: number, gid?: number }} ids
 * @param {AbortSignal} signal
 */
async function compareStarts(ids, signal) {
  const program = ['/bin/true', '/usr/bin/true'].find((file) => existsSync(file))
  if (!program) return null
  const env = buildProviderEnv({ apiKey: new TextEncoder().encode('made-up-key') }, { workspace: { home: '/', tmpDir: '/tmp' } })
  const variables = env.exposeSecrets()
  const ours = () => spawnProvider(env, { command: program, cwd: '/', ...ids })
  const theirs = () => spawn(program, [], { env: variables, cwd: '/', ...ids })

  /** @type {Record<'ours' | 'theirs', number[]>} */
  const times = { ours: [], theirs: [] }
  for (let round = -WARM_UP; round < ROUNDS && !signal.aborted; round += 1) {
    for (const [side, start] of /** @type {const} */ ([
      ['ours', ours],
      ['theirs', theirs]
    ])) {
      const from = performance.now()
      const child = start()
      const took = performance.now() - from
      await once(child, 'close')
      if (round >= 0) times[side].push(took)
    }
  }
  env.dispose()
  return {
    program,
    rounds: ROUNDS,
    oursMs: median(times.ours),
    theirsMs: median(times.theirs),
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20)
  }
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

module.exports = { compareStarts }
