// What a start costs with each delivery of the credential: in the environment, on a pipe, by the broker.
'use strict'

const fs = require('node:fs')
const { makeArms, closed, ended } = require('../lib/arms.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

const DELIVERIES = ['env', 'fd', 'broker']
const PROVIDERS = ['claude', 'codex']
const IN_FLIGHT = 30
/** Starts of one round, 30 in flight. */
const MANY = 300

/** Codex reads no key from a pipe. */
const deliveriesOf = (provider) => DELIVERIES.filter((delivery) => delivery !== 'fd' || provider === 'claude')

const jobs = () => PROVIDERS.map((provider) => ({ provider, what: provider }))

function prepare(job) {
  const { api } = makeArms(job)
  const { ids, workspace } = job.scene
  const apiKey = Buffer.from(`${job.provider === 'claude' ? 'sk-ant-api03-' : 'sk-'}made-up-${'k'.repeat(80)}`)
  const env = api.buildProviderEnv({ provider: job.provider, apiKey, sessionCookie: 'made-up-cookie' }, { workspace })
  const start = (delivery, command) => api.spawnProvider(env, { command, args: [], delivery, ...ids })
  return { start }
}

async function run({ start }, { provider, quick, scene }) {
  const [size, rounds] = quick ? [10, 3] : [20, 15]
  const arms = {}
  for (const delivery of deliveriesOf(provider)) {
    arms[delivery] = async () => {
      const samples = []
      for (let i = 0; i < size; i++) samples.push(await startOne(() => start(delivery, scene.programs.now)))
      return { call: samples.map(({ call }) => call), main: samples.map(({ main }) => main) }
    }
    arms[`${delivery}-many`] = () => pump(() => start(delivery, scene.programs.nothing), MANY)
  }
  return interleave(arms, { rounds: [rounds, rounds], budgetMs: 0 })
}

async function startOne(start) {
  const begun = process.hrtime.bigint()
  const before = performance.now()
  const child = start()
  const [, stdout, stderr] = [child.stdin, child.stdout, child.stderr]
  const call = performance.now() - before
  let text = ''
  stdout.on('data', (chunk) => (text += chunk))
  stderr.resume()
  await ended(child)
  return { call: call * 1000, main: Number(BigInt(text.trim()) - begun) / 1000 }
}

/** Microseconds of a processor that the JS thread used for each start, with so many in flight, their ends and streams included. */
async function pump(start, count) {
  let left = count
  const before = usedByThisThread()
  const lane = async () => {
    while (left-- > 0) await closed(start())
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return (usedByThisThread() - before) / count
}

/** Microseconds on a processor: on a busy machine, the time of the clock would be that of others too. */
function usedByThisThread() {
  return Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000
}

function rows(raw, { provider }) {
  const pairs = deliveriesOf(provider).slice(0, -1)
  const names = { call: 'JS thread, in the call', main: 'from the call to main()' }
  return pairs.flatMap((other) => {
    const row = (id, what, of) =>
      compared({
        id: `delivery/${id}`,
        what: `${what}, ${provider}`,
        unit: 'µs',
        better: 'less',
        against: `delivery ${other}`,
        baseline: of(other),
        ours: of('broker')
      })
    return [
      ...Object.entries(names).map(([key, what]) => row(key, what, (delivery) => raw[delivery].map((batch) => batch[key]))),
      row('js', `JS thread on a processor, a start, ${IN_FLIGHT} in flight`, (delivery) => raw[`${delivery}-many`].map((each) => [each]))
    ]
  })
}

module.exports = { name: 'delivery', needsCc: true, jobs, prepare, run, rows }
