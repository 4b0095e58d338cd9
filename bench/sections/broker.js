// What the broker adds to a request and to an event of a stream, and what it costs, beside nginx and Codex's own proxy.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { findPrograms } = require('../../__test__/support/programs.js')
const { buildBrokerProgram } = require('../lib/broker-program.js')
const { startProxies, client, cpuSeconds, rssKib } = require('../lib/proxies.js')
const { alone, compared } = require('../lib/results.js')
const { median, quantile } = require('../lib/stats.js')

const ROUTES = { unix: 'Unix socket', tcp: 'TCP' }
const STREAMS = [1, 100, 1000]
/** A thousand are of ten launches: each connection by TCP costs a look at all descriptors of its process. */
const STREAMS_OF_LAUNCH = 100
/** In flight, when requests per second are counted. With eight connections or more, responses-api-proxy 0.169.0 often hangs. */
const CONNECTIONS = 32
const connectionsOf = ({ name }) => (name === RIVALS.codex ? 4 : CONNECTIONS)
const MB = 1024 * 1024

/** What stands on the other side, where it is installed. */
const RIVALS = { nginx: 'nginx', codex: 'responses-api-proxy' }

/** Builds the program, and looks for the others. @returns {string | undefined} why nothing can be measured */
function build(scene) {
  const { missing, program } = buildBrokerProgram(path.dirname(scene.forJobs.workspace.home))
  if (missing) return missing
  if (spawnSync('taskset', ['-c', '1', 'true']).status !== 0) return 'it needs taskset and two cores, one of them for the proxy alone'
  scene.forJobs.programs.broker = program
  if (fs.existsSync('/usr/sbin/nginx')) scene.forJobs.programs.nginx = '/usr/sbin/nginx'
  scene.forJobs.programs.codex = findPrograms().codex
  return undefined
}

const jobs = () => [
  { what: 'requests' },
  { what: 'rate' },
  { what: 'bytes' },
  ...STREAMS.map((streams) => ({ what: 'streams', streams })),
  { what: 'grants' }
]

function prepare({ scene, what, streams = '' }) {
  const { broker: program, nginx, codex } = scene.programs
  if (!nginx) throw new Error('nginx is not installed: apt-get install nginx-light')
  const directory = path.join(path.dirname(scene.workspace.home), `proxies-${what}${streams}`)
  fs.mkdirSync(directory)
  return { program, nginx, codex, directory }
}

const RUNS = { requests, rate, bytes, streams, grants }

async function run(context, job) {
  const started = await startProxies(context)
  try {
    return await RUNS[job.what]({ ...context, ...started, ...job })
  } finally {
    await started.stop()
  }
}

/** A, B, C … round by round. The first round opens connections and grows buffers, and is thrown away. */
async function byRound(ways, rounds, measure) {
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const result = await unlessRivalHangs(ways, name, () => measure(way))
      if (result === undefined) delete found[name]
      else if (round > 0) found[name].push(result)
    }
  }
  return found
}

/** What stands on the other side may not take so much: nothing of it is reported then. */
async function unlessRivalHangs(ways, name, measure) {
  try {
    return await measure()
  } catch (error) {
    if (!RIVALS[name]) throw error
    process.stderr.write(`not measured: ${ways[name].name}: ${error.message}\n`)
    delete ways[name]
    return undefined
  }
}

/** One request after the other on one connection. */
async function requests({ program, ways, quick }) {
  return byRound(ways, quick ? 3 : 15, async (way) => {
    const load = await client(program, way, ['latency', quick ? 300 : 1000])
    const { microseconds } = await load.answer()
    await load.end()
    return microseconds
  })
}

/** Requests for each second of a processor that the proxy used. */
async function rate({ program, ways: { direct: _, ...ways }, quick }) {
  return byRound(ways, quick ? 2 : 5, async (way) => {
    const load = await client(program, way, ['rate', connectionsOf(way), quick ? 1 : 2])
    await load.answer()
    const before = cpuSeconds(way.pid)
    const { requests: count, seconds } = await load.ask('go')
    const used = cpuSeconds(way.pid) - before
    await load.end()
    return { perCore: count / used, perSecond: count / seconds }
  })
}

/** One large answer. */
async function bytes({ program, ways, quick }) {
  return byRound(ways, quick ? 2 : 7, async (way) => {
    const load = await client(program, way, ['bytes', (quick ? 64 : 256) * MB])
    const before = way.pid && cpuSeconds(way.pid)
    const { bytes: count, seconds } = await load.answer()
    const used = way.pid && cpuSeconds(way.pid) - before
    await load.end()
    return { perSecond: count / MB / seconds, perCore: used && count / MB / used }
  })
}

/** Open streams: how late their events are, and what memory the proxy has more than before they were opened. */
async function streams({ program, ways, quick, streams: count }) {
  const kib = {}
  // Some thousand events in each round, whatever the number of streams.
  const interval = Math.max(2000, count * 1000)
  const seconds = quick ? 2 : 3
  const late = {}
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const [name, way] of Object.entries(ways)) {
      const samples = await unlessRivalHangs(ways, name, () => measure(name, way, round))
      if (samples === undefined) delete late[name]
      else late[name] = [...(late[name] ?? []), samples]
    }
  }
  return { late, kib }

  async function measure(name, way, round) {
    // A connection was there before: what the proxy has at first is not the stream's.
    const first = await client(program, way, ['latency', 20])
    await first.answer()
    await first.end()
    const before = way.pid && rssKib(way.pid)
    const loads = await Promise.all(Array.from({ length: Math.ceil(count / STREAMS_OF_LAUNCH) }, () => open(way)))
    const measured = await Promise.allSettled(loads.map((load) => load.answer()))
    // Later rounds find the memory that earlier ones gave back to the allocator.
    if (way.pid && round === 0) kib[name] = (rssKib(way.pid) - before) / count
    for (const load of loads) await load.end()
    const failed = measured.find(({ status }) => status === 'rejected')
    if (failed) throw failed.reason
    return measured.flatMap(({ value }) => value.microseconds)
  }

  function open(way) {
    return client(program, way, ['streams', Math.min(count, STREAMS_OF_LAUNCH), interval, seconds])
  }
}

/** Grants that nobody uses. */
async function grants({ broker, quick }) {
  const kib = {}
  for (const [route, count] of [
    ['tcp', quick ? 10_000 : 100_000],
    ['unix', quick ? 500 : 2000]
  ]) {
    await broker.ask(`idle ${route} 100`)
    const before = rssKib(broker.pid)
    await broker.ask(`idle ${route} ${count}`)
    kib[route] = (rssKib(broker.pid) - before) / count
  }
  return { bytes: { tcp: kib.tcp * 1024, unix: kib.unix * 1024 } }
}

const ROWS = { requests: requestRows, rate: rateRows, bytes: byteRows, streams: streamRows, grants: grantRows }

function rows(raw, job) {
  return ROWS[job.what](raw, job)
}

/** Each route against each rival of which something was measured. */
const pairs = (measured, make) =>
  Object.keys(ROUTES).flatMap((route) =>
    Object.keys(RIVALS)
      .filter((rival) => measured[rival])
      .map((rival) => make(route, rival))
  )

/** Samples less the median of the same round without a proxy. */
const added = (samples, direct) => samples.map((round, i) => round.map((each) => each - median(direct[i])))

function addedRows(prefix, what, late) {
  const more = Object.fromEntries(Object.keys(late).map((name) => [name, added(late[name], late.direct)]))
  const of = (route, name, q) =>
    alone({
      id: `${prefix}/${name}`,
      what: `added to ${what}, ${ROUTES[route]}, ${name}`,
      unit: 'µs',
      samples: more[route].map((round) => quantile(round, q))
    })
  return [
    alone({ id: `${prefix}/direct`, what: `${what} without a proxy`, unit: 'µs', samples: late.direct.flat() }),
    ...Object.keys(ROUTES).flatMap((route) => [of(route, 'p50', 0.5), of(route, 'p99', 0.99)]),
    ...pairs(late, (route, rival) =>
      compared({
        id: `${prefix}/${rival}`,
        what: `added to ${what}, ${ROUTES[route]}`,
        unit: 'µs',
        better: 'less',
        against: RIVALS[rival],
        baseline: more[rival],
        ours: more[route]
      })
    )
  ]
}

function requestRows(raw) {
  return addedRows('broker/request', 'a request', raw)
}

function rateRows(raw) {
  const of = (name, key) => raw[name].map((round) => [round[key]])
  const rows = (key, what) =>
    pairs(raw, (route, rival) =>
      compared({
        id: `broker/${key}-${rival}`,
        what: `${what}, ${ROUTES[route]}`,
        unit: '/s',
        better: 'more',
        against: RIVALS[rival],
        as: rival === 'nginx' ? 'percent' : 'times',
        baseline: of(rival, key),
        ours: of(route, key)
      })
    )
  return [...rows('perCore', 'requests for a second of a core'), ...rows('perSecond', `requests, ${CONNECTIONS} in flight`)]
}

function byteRows(raw) {
  const of = (name, key) => raw[name].map((round) => [round[key]])
  const row = (key, what, route, rival, against) =>
    compared({
      id: `broker/bytes-${key}-${rival}`,
      what: `${what}, ${ROUTES[route]}`,
      unit: 'MB/s',
      better: 'more',
      against,
      baseline: of(rival, key),
      ours: of(route, key)
    })
  return [
    ...Object.keys(ROUTES).map((route) => row('perSecond', 'one answer', route, 'direct', 'no proxy')),
    ...pairs(raw, (route, rival) => row('perSecond', 'one answer', route, rival, RIVALS[rival])),
    ...pairs(raw, (route, rival) => row('perCore', 'one answer, for a second of a core', route, rival, RIVALS[rival]))
  ]
}

function streamRows({ late, kib }, { streams: count }) {
  const open = `${count.toLocaleString('en-US')} open ${count === 1 ? 'stream' : 'streams'}`
  return [
    ...addedRows('broker/event', `an event, ${open}`, late),
    ...pairs(late, (route, rival) =>
      compared({
        id: `broker/stream-memory-${rival}`,
        what: `memory of a stream, ${open}, ${ROUTES[route]}`,
        unit: 'KiB',
        better: 'less',
        against: RIVALS[rival],
        baseline: [[kib[rival]]],
        ours: [[kib[route]]]
      })
    ),
    // A page or two more or less is all that one stream shows.
    ...(count === 1
      ? []
      : Object.keys(ROUTES).map((route) =>
          alone({ id: 'broker/stream-memory', what: `memory of a stream, ${open}, ${ROUTES[route]}`, unit: 'KiB', samples: [kib[route]] })
        ))
  ]
}

function grantRows({ bytes: of }) {
  return Object.keys(ROUTES).map((route) =>
    alone({ id: 'broker/grant', what: `memory of an idle grant, ${ROUTES[route]}`, unit: 'B', samples: [of[route]] })
  )
}

module.exports = { name: 'broker', build, jobs, prepare, run, rows }
