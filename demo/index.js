// `npm run demo`: two tenants at once on each provider, started by spawnProvider, and what the other side saw of it.
//
// node scripts/with-build.mjs demo/index.js [--live] [--json]
'use strict'

const { parseArgs } = require('node:util')
const { hardenWorker } = require('..')
const { enterPrivateNetwork } = require('./network.js')
const { liveScene, mockScene } = require('./scenes.js')
const { runAll } = require('./run.js')
const { compareStarts } = require('./start-times.js')
const { gatherSearch } = require('./search/facts.js')
const { runSearch } = require('./search/run.js')
const { gatherSealed } = require('./sealed/facts.js')
const { runSealed } = require('./sealed/run.js')
const { gather } = require('./facts.js')
const { toText } = require('./print.js')
const { Workshop } = require('./workshop.js')

const USAGE = `usage: npm run demo [-- --live] [--json]

  --live  use real keys (ANTHROPIC_API_KEY, OPENAI_API_KEY) and the real APIs, which costs a few cents
  --json  print the same facts as JSON
`

/** Real models may take their time. */
const LIMIT_MS = { mock: 120_000, live: 180_000 }

function readOptions() {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  try {
    return parseArgs({ options: { live: flag, json: flag, help: { ...flag, short: 'h' } } }).values
  } catch (error) {
    process.stderr.write(`${/** @type {Error} */ (error).message}\n${USAGE}`)
    process.exit(2)
  }
}

async function main() {
  const values = readOptions()
  if (values.help) return void process.stdout.write(USAGE)
  const network = values.live ? /** @type {const} */ ({ kind: 'open', why: 'the demo uses the real APIs' }) : await enterPrivateNetwork()
  if (network.kind === 'done') return void (process.exitCode = network.status)

  const stop = new AbortController()
  const limit = values.live ? LIMIT_MS.live : LIMIT_MS.mock
  const timer = setTimeout(() => stop.abort(new Error(`The demo took longer than ${limit / 1000} s and was stopped.`)), limit)
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(name, () => stop.abort(new Error(`stopped by ${name}`)))

  const workshop = new Workshop()
  // Its agents then have its own uid, and could read its memory.
  if (!workshop.isRoot) hardenWorker()
  try {
    const scene = values.live ? liveScene() : await mockScene(workshop)
    // From here on nothing may change it: not building, not starting, not running.
    const before = JSON.stringify(Object.entries(process.env))
    const programs = workshop.programs(
      scene.runs.map((run) => run.provider),
      scene.runs[0].tenant
    )
    const results = await runAll({ scene, workshop, programs, signal: stop.signal })
    // Those that follow are of other parts of the demo.
    const seen = [...(scene.api?.requests ?? [])]
    const searched = values.live ? null : await runSearch({ scene, workshop, programs, signal: stop.signal })
    const starts = await compareStarts(workshop.idsOf(scene.runs[0].tenant), stop.signal)
    const sealed = values.live ? null : gatherSealed(await runSealed({ workshop, programs, signal: stop.signal }), workshop)
    const after = JSON.stringify(Object.entries(process.env))
    const environment = { names: Object.keys(process.env).length, unchanged: before === after }
    const search = searched && gatherSearch(searched, scene.api)
    const facts = gather({ scene, network, workshop, results, seen, search, starts, environment, sealed })
    process.stdout.write(values.json ? `${JSON.stringify(facts, null, 2)}\n` : toText(facts))
    process.exitCode = facts.problems.length === 0 ? 0 : 1
  } finally {
    clearTimeout(timer)
    await workshop.close()
  }
}

main().then(
  // The signal handlers would not keep the process, but a handle of a stopped CLI might.
  () => process.exit(),
  (error) => {
    process.stderr.write(`demo: ${error.message}\n`)
    process.exit(1)
  }
)
