// What it costs to decide one request's environment: buildProviderEnv beside today's writes to process.env.
'use strict'

const { userEnvKeys } = require('../lib/arms.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')
const { today } = require('../lib/today.js')

const CALLS = 200
const USER_KEYS = 26
const PROVIDERS = ['codex', 'claude']

function prepare({ package: dir, scene }) {
  const workspace = { ...scene.workspace, key: 'site-1', id: 'ws_0123456789', userId: 'user_0123456789', dir: scene.workspace.home }
  // Today the parent hands these to the worker in its environment: they are there before the first request.
  Object.assign(process.env, {
    ALIVE_WORKSPACE_KEY: workspace.key,
    ALIVE_WORKSPACE_ID: workspace.id,
    ALIVE_USER_ID: workspace.userId,
    ALIVE_WORKSPACE_PATH: workspace.dir
  })
  return { api: require(dir), workspace }
}

async function run({ api, workspace }, { quick }) {
  const plan = quick ? { rounds: [5, 10], budgetMs: 1500 } : { rounds: [30, 60], budgetMs: 15_000 }
  const measured = {}
  const counts = {}
  for (const provider of PROVIDERS) {
    const payload = payloadOf(provider)
    const line = Buffer.from(JSON.stringify(payload))
    const ours = (input) => {
      const env = api.buildProviderEnv(input, { workspace })
      env.dispose()
    }
    const env = api.buildProviderEnv(payload, { workspace })
    counts[provider] = { ours: env.names.length, today: Object.keys(today(payload)).length }
    env.dispose()
    // Both sides get a fresh copy of the line each time: ours wipes it.
    const copies = () => Array.from({ length: CALLS }, () => Buffer.from(line))
    const same = () => Array.from({ length: CALLS }, () => payload)
    measured[`${provider}-object`] = await interleave({ baseline: batch(today, same), ours: batch(ours, same) }, plan)
    const parsed = (bytes) => today(JSON.parse(bytes.toString('utf8')))
    measured[`${provider}-bytes`] = await interleave({ baseline: batch(parsed, copies), ours: batch(ours, copies) }, plan)
  }
  return { measured, counts }
}

/** @returns {() => number[]} microseconds of each call; its inputs are made before */
function batch(act, inputs) {
  return () =>
    inputs().map((input) => {
      const before = performance.now()
      act(input)
      return (performance.now() - before) * 1000
    })
}

function payloadOf(provider) {
  const apiKey = provider === 'claude' ? `sk-ant-api03-made-up-${'k'.repeat(80)}` : `sk-made-up-${'k'.repeat(40)}`
  return { provider, apiKey, sessionCookie: 'made-up-cookie', userEnvKeys: userEnvKeys(USER_KEYS) }
}

function rows({ measured, counts }) {
  return Object.entries(measured).map(([name, { baseline, ours }]) => {
    const [provider, form] = name.split('-')
    return compared({
      id: `environment/${name}`,
      what: `${provider}, ${counts[provider].ours} variables, ${form === 'bytes' ? 'from JSON bytes' : 'from an object'}`,
      against: `${form === 'bytes' ? 'JSON.parse and ' : ''}process.env, ${counts[provider].today}`,
      unit: 'µs',
      better: 'less',
      baseline,
      ours
    })
  })
}

module.exports = { name: 'environment', jobs: () => [{}], prepare, run, rows }
