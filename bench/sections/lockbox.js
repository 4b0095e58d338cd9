// What it costs to open encrypted rows and sealed secrets: ours beside Node's crypto and @hpke/core.
'use strict'

const { randomBytes } = require('node:crypto')
const { otherHpke, openRow, sealRow } = require('../lib/js-lockbox.js')
const { alone, compared } = require('../lib/results.js')
const { interleave, median } = require('../lib/stats.js')

// As long as an Anthropic key is.
const KEY = `sk-ant-api03-${'k'.repeat(95)}`
const CONTEXT = { tenant: 'tenant_0123456789', purpose: 'anthropic', extra: 'live', name: 'api_key', rowVersion: 7 }
const BINDING = { workspace: 'ws_0123456789', field: 'apiKey', request: 'req_0123456789' }
const VERSIONS = /** @type {const} */ ([2, 3])

const ROWS = 1000
// A recipient remembers what it opened, 65,536 at the most: no more than that in a run.
const SEALED = 100

async function prepare({ package: dir, scene }) {
  const api = require(dir)
  const master = randomBytes(32)
  const rows = Object.fromEntries(VERSIONS.map((version) => [version, sealRow(master, version, CONTEXT, KEY)]))
  for (const version of VERSIONS) {
    if (openRow(master, version, rows[version], CONTEXT).toString() !== KEY) throw new Error(`a row of version ${version} does not open`)
  }
  const options = { workspace: { ...scene.workspace, id: BINDING.workspace }, requestId: BINDING.request, recipient: api.createRecipient() }
  const lockbox = new api.Lockbox({ masterKeys: [Buffer.from(master)] })
  return { api, master, rows, lockbox, options, other: await otherHpke() }
}

async function run(context, { quick }) {
  const plan = quick ? { rounds: [3, 5], budgetMs: 1500 } : { rounds: [21, 41], budgetMs: 10_000 }
  const opened = {}
  for (const version of VERSIONS) opened[version] = await interleave(openingRows(context, version), plan)
  return {
    opened,
    sealing: await interleave(sealing(context), plan),
    opening: await interleave(opening(context), plan),
    building: await interleave(building(context), plan)
  }
}

function openingRows({ master, rows, lockbox }, version) {
  const row = rows[version]
  const many = Array.from({ length: ROWS })
  return {
    baseline: () => rate(many, () => openRow(master, version, row, CONTEXT)),
    ours: () => rate(many, () => lockbox.open(row, CONTEXT).dispose())
  }
}

/** From a row to a sealed secret, on both sides. */
function sealing({ master, rows, lockbox, other }) {
  const many = Array.from({ length: SEALED })
  return {
    baseline: () => rateAtOnce(many, () => other.seal(openRow(master, 3, rows[3], CONTEXT), BINDING)),
    ours: () => rate(many, () => lockbox.unsealFor(rows[3], CONTEXT, other.publicKey, BINDING))
  }
}

/** From a sealed secret to an environment, on both sides. */
function opening(context) {
  const { rows, lockbox, other } = context
  const build = builder(context)
  const foreign = () => lockbox.unsealFor(rows[3], CONTEXT, other.publicKey, BINDING)
  return {
    baseline: () => rateAtOnce(inputs(foreign), async (text) => build(await other.open(text, BINDING))),
    ours: () => rate(inputs(sealer(context)), build)
  }
}

/** The same environment from a sealed key and from the key's bytes: microseconds of each call. */
function building(context) {
  const build = builder(context)
  const timed = (make) => () =>
    inputs(make).map((apiKey) => {
      const before = performance.now()
      build(apiKey)
      return (performance.now() - before) * 1000
    })
  return { baseline: timed(() => Buffer.from(KEY)), ours: timed(sealer(context)) }
}

const sealer =
  ({ rows, lockbox, options }) =>
  () =>
    lockbox.unsealFor(rows[3], CONTEXT, options.recipient.publicKey, BINDING)

const builder =
  ({ api, options }) =>
  (apiKey) =>
    api.buildProviderEnv({ apiKey }, options).dispose()

/** Made before the clock starts: each opens once. */
const inputs = (make) => Array.from({ length: SEALED }, make)

/** @returns {number[]} how many a second, one after the other */
function rate(all, act) {
  const before = performance.now()
  for (const input of all) act(input)
  return [(all.length * 1000) / (performance.now() - before)]
}

/** The same of what is asynchronous: all at once, which is faster, because WebCrypto has its own threads. */
async function rateAtOnce(all, act) {
  const before = performance.now()
  await Promise.all(all.map(act))
  return [(all.length * 1000) / (performance.now() - before)]
}

function rows({ opened, sealing, opening, building }) {
  const perSecond = (id, what, against, rounds) => compared({ id: `lockbox/${id}`, what, against, unit: '/s', better: 'more', ...rounds })
  const added = building.ours.map((batch, i) => median(batch) - median(building.baseline[i]))
  const toEnvironment = { what: 'environment from a sealed key', against: "from the key's bytes" }
  return [
    ...VERSIONS.map((version) => perSecond(`open-v${version}`, `rows of version ${version} opened`, "Node's crypto", opened[version])),
    perSecond('unseal-for', 'rows sealed for a worker', "Node's crypto and @hpke/core", sealing),
    perSecond('open-sealed', 'sealed keys opened into an environment', '@hpke/core and from bytes', opening),
    compared({ id: 'lockbox/build-sealed', ...toEnvironment, unit: 'µs', better: 'less', ...building }),
    alone({ id: 'lockbox/sealed-adds', what: 'what sealing adds to it', unit: 'µs', samples: added })
  ]
}

module.exports = { name: 'lockbox', jobs: () => [{}], prepare, run, rows }
