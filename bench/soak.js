// `npm run soak`: launches by the broker for half an hour, well-behaved ones and others, and checks that nothing is left behind.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { parseArgs } = require('node:util')
const { makeHomes } = require('../__test__/support/homes.js')
const { buildBrokerProgram, LineProcess } = require('./lib/broker-program.js')
const { rssMb } = require('./lib/machine.js')
const { median } = require('./lib/stats.js')

const USAGE = `usage: npm run soak -- [options]
  --minutes n      how long; default 30
  --lanes n        launches at the same time; default 6
  --json file      write all figures to this file
`

/** The share of the time after which everything that grows once has grown. */
const WARM_UP = 0.2
/** How often the load stops so that what is left can be counted. */
const PAUSES = 20
const ROTATION_MS = 2000
/** By how many MB the median of the second half may be above the first half's: single points move by 20, as V8 and malloc keep what is free. */
const MOST_GROWTH_MB = 6

const KEYS = { claude: 'sk-ant-api03-made-up-', codex: 'sk-made-up-' }
const keyOf = (provider) => Buffer.from(`${KEYS[provider]}${'k'.repeat(80)}`)

/** How a launch goes, and how often. `ends`: what the agent's status is. */
const SCENARIOS = [
  { name: 'stream', weight: 6, count: 5 },
  { name: 'abort', weight: 2, count: 5 },
  { name: 'reset', weight: 2, count: 2 },
  { name: 'killed', agent: 'hang', weight: 2, end: (child) => child.kill('SIGKILL') },
  { name: 'stopped', agent: 'hang', weight: 1, end: (child) => child.kill() },
  { name: 'revoked', agent: 'until-refused', weight: 1, ownWorkspace: true, revoke: true }
]

class Soak {
  #stopped = false
  #paused = false
  #running = new Set()
  #launches = 0
  counts = {}
  failures = []
  rotations = 0

  constructor({ api, broker, program, homes, ids, baseUrl, socketDirectory, lanes }) {
    Object.assign(this, { api, broker, program, homes, ids, baseUrl, socketDirectory })
    this.scenarios = SCENARIOS.flatMap((each) => Array(each.weight).fill(each))
    this.lanes = Array.from({ length: lanes }, () => this.#lane())
  }

  async #lane() {
    while (!this.#stopped) {
      if (this.#paused) {
        await sleep(20)
        continue
      }
      const launch = this.#launch(this.#launches++).catch((error) => this.failures.push(error.message))
      this.#running.add(launch)
      await launch
      this.#running.delete(launch)
    }
  }

  async #launch(number) {
    const scenario = this.scenarios[number % this.scenarios.length]
    const provider = Math.floor(number / this.scenarios.length) % 2 ? 'claude' : 'codex'
    const workspaceId = scenario.ownWorkspace ? `workspace-${number}` : 'workspace'
    const child = this.#start(provider, workspaceId, scenario)
    let said = ''
    const streaming = new Promise((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        said += text
        if (said.includes('streaming')) resolve(undefined)
      })
    })
    child.stderr.resume()
    const closed = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
    if (scenario.end || scenario.revoke) await Promise.race([streaming, closed])
    scenario.end?.(child)
    if (scenario.revoke) this.broker.revoke({ provider, workspaceId })
    const { code, signal } = await closed
    const isRight = scenario.end ? signal !== null : code === 0
    if (!isRight) throw new Error(`${scenario.name} of ${provider} ended with ${signal ?? code}: ${said.trim().slice(-200)}`)
    const key = `${provider} ${scenario.name}`
    this.counts[key] = (this.counts[key] ?? 0) + 1
  }

  #start(provider, id, { name, agent = name, count = 1 }) {
    const { home, tmpDir, codexHome, claudeConfigDir, workspace } = this.homes
    const own = provider === 'codex' ? { codexHome } : { claudeConfigDir }
    const options = { baseUrl: provider === 'codex' ? `${this.baseUrl}/v1` : this.baseUrl, workspace: { id, home, tmpDir, ...own } }
    const env = this.api.buildProviderEnv({ provider, apiKey: keyOf(provider) }, options)
    try {
      const args = ['agent', agent, String(count)]
      return this.api.spawnProvider(env, { command: this.program, args, cwd: workspace, delivery: 'broker', ...this.ids })
    } finally {
      env.dispose()
    }
  }

  /** Has the running launches of the common workspace go on with another key. */
  rotate() {
    for (const provider of Object.keys(KEYS)) this.broker.rotate({ provider, workspaceId: 'workspace' }, keyOf(provider))
    this.rotations++
  }

  /** What there is while no launch runs. */
  async pause() {
    this.#paused = true
    await Promise.all(this.#running)
    // What closes in a later turn, and what the broker's threads still have to end.
    await sleep(500)
    globalThis.gc()
    await sleep(200)
    const left = this.#left()
    this.#paused = false
    return { launches: this.#launches, ...left }
  }

  #left() {
    const list = (directory) => fs.readdirSync(directory)
    const { tokens, connections } = this.broker.counts
    return {
      descriptors: list('/proc/self/fd').length,
      threads: list('/proc/self/task').length,
      // Of every thread, zombies included, but for the API.
      children: list('/proc/self/task').flatMap(childrenOf).length - 1,
      // But for the broker's own directory, in which each launch with a socket has one.
      sockets: fs.readdirSync(this.socketDirectory, { recursive: true }).length - 1,
      tokens,
      connections,
      rssMb: Number(rssMb().toFixed(2))
    }
  }

  async stop() {
    this.#stopped = true
    await Promise.all(this.lanes)
  }
}

function childrenOf(thread) {
  return fs.readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean)
}

/** @returns {string[]} what is more at the end than it may be */
function grown(points) {
  const warm = points.slice(Math.floor(points.length * WARM_UP))
  const [first, last] = [warm[0], warm.at(-1)]
  const rssOf = (some) => median(some.map(({ rssMb: each }) => each))
  const half = warm.length >> 1
  const growth = rssOf(warm.slice(half)) - rssOf(warm.slice(0, half))
  const more = ['descriptors', 'threads'].filter((name) => last[name] > first[name])
  const left = ['children', 'sockets', 'tokens', 'connections'].filter((name) => last[name] > 0)
  const said = [...more, ...left].map((name) => `${name}: ${first[name]}, at the end ${last[name]}`)
  return growth > MOST_GROWTH_MB ? [...said, `resident memory: ${growth.toFixed(1)} MB more in the second half`] : said
}

async function main() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      lanes: { type: 'string', default: '6' },
      json: { type: 'string' },
      help: { type: 'boolean' }
    }
  })
  if (values.help) return process.stdout.write(USAGE)
  if (process.getuid() !== 0) throw new Error('the soak needs root: its agents have a uid of their own')
  const uid = 400_000 + (process.pid % 100_000)
  const ids = { uid, gid: uid }
  const homes = makeHomes(ids)
  process.once('exit', homes.remove)
  const { missing, program } = buildBrokerProgram(homes.root)
  if (missing) throw new Error(missing)
  const upstream = new LineProcess(program, ['api', homes.root])
  process.once('exit', () => upstream.child.kill('SIGKILL'))
  const baseUrl = `https://localhost:${(await upstream.answer()).address.split(':')[1]}`
  const socketDirectory = path.join(homes.root, 's')
  fs.mkdirSync(socketDirectory)
  const api = require('..')
  const broker = api.startBroker({ caFile: path.join(homes.root, 'ca.pem'), socketDirectory, upstreams: [baseUrl] })
  const audited = countOutcomes(broker)
  const soak = new Soak({ api, broker, program, homes, ids, baseUrl, socketDirectory, lanes: Number(values.lanes) })
  const points = await watch(soak, Number(values.minutes) * 60_000)
  await soak.stop()
  await broker.stop()
  const audit = await audited
  const wrong = [...soak.failures.slice(0, 20), ...grown(points)]
  const report = {
    minutes: Number(values.minutes),
    counts: soak.counts,
    audit,
    rotations: soak.rotations,
    failures: soak.failures.length,
    points,
    wrong
  }
  if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(`${JSON.stringify({ ...report, points: undefined })}\n`)
  await upstream.end()
  process.exit(wrong.length ? 1 : 0)
}

/** Reads the audit to its end. */
async function countOutcomes(broker) {
  const counts = {}
  for await (const { outcome, reason } of broker.audit()) {
    const what = reason ? `${outcome}: ${reason}` : outcome
    counts[what] = (counts[what] ?? 0) + 1
  }
  return counts
}

async function watch(soak, ms) {
  const points = []
  const begun = Date.now()
  let rotated = begun
  for (let next = 1; next <= PAUSES; next++) {
    while (Date.now() < begun + (ms * next) / PAUSES) {
      await sleep(100)
      if (Date.now() - rotated < ROTATION_MS) continue
      soak.rotate()
      rotated = Date.now()
    }
    points.push(await soak.pause())
    process.stderr.write(`${JSON.stringify(points.at(-1))}\n`)
  }
  return points
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(2)
})
