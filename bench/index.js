// `npm run bench`: measures the package beside child_process and today's JavaScript, and reports the ratios.
'use strict'

const path = require('node:path')
const { parse, usage, STORED } = require('./lib/options.js')
const { machineFacts, warnings } = require('./lib/machine.js')
const { makeScene } = require('./lib/scene.js')
const { runJob } = require('./lib/run-job.js')
const { readResults, writeFile } = require('./lib/results.js')
const { fillBlock, markdown } = require('./report/markdown.js')
const { plot } = require('./report/plot.js')
const { table } = require('./report/table.js')

const say = (line) => process.stderr.write(`${line}\n`)

function readOptions() {
  try {
    return parse(process.argv.slice(2))
  } catch (error) {
    say(`${error.message}\n${usage}`)
    process.exit(2)
  }
}

async function main() {
  const options = readOptions()
  if (options.help) return process.stdout.write(usage)
  const results = options.from ? readResults(options.from) : await measure(options)
  process.stdout.write(table(results))
  report(results, options)
  if (results.failures.length) process.exitCode = 1
}

async function measure(options) {
  if (process.platform !== 'linux') throw new Error('the benchmarks read /proc and compare with a vfork loop, which requires Linux')
  const machine = machineFacts()
  for (const warning of warnings(machine)) say(warning)
  const scene = makeScene()
  const results = {
    schema: 1,
    machine,
    quick: options.quick,
    targetIds: scene.ids,
    withoutCc: Boolean(scene.cc.missing),
    skipped: [],
    failures: [],
    rows: []
  }
  if (scene.cc.missing) say(scene.cc.missing)
  for (const name of options.only) await runSection(require(`./sections/${name}.js`), { options, scene, results })
  return results
}

async function runSection(section, { options, scene, results }) {
  const skip = (what, why) => {
    results.skipped.push({ what, why })
    say(`skipped: ${what}: ${why}`)
  }
  if (section.needsCc && scene.cc.missing) return skip(section.name, 'there is no C compiler')
  const missing = section.build?.(scene)
  if (missing) return skip(section.name, missing)
  for (const job of section.jobs(options)) {
    const label = labelOf(section, job)
    const why = section.cannot?.(job)
    if (why) {
      skip(label, why)
      continue
    }
    say(`measuring: ${label}`)
    try {
      const raw = await runJob(section, { ...job, quick: options.quick, package: options.package, scene: scene.forJobs })
      const rss = raw.rssMb ? { rssMb: job.rssMb, rssMeasuredMb: raw.rssMb } : {}
      for (const row of section.rows(raw, job)) results.rows.push({ section: section.name, ...rss, ...row })
    } catch (error) {
      results.failures.push({ what: label, why: error.message })
      say(`failed: ${label}: ${error.message}`)
    }
  }
}

function labelOf({ name }, { rssMb, what, streams }) {
  if (rssMb) return `${name} at ${rssMb} MB`
  return [name, what, streams].filter(Boolean).join(' ')
}

function report(results, options) {
  const written = []
  // A run with a hole must not replace a whole one; a size that the machine is too small for is no hole.
  const stores = options.full && !results.failures.length && !results.withoutCc
  if (stores) options = { json: STORED.json, svg: STORED.svg, ...options }
  if (options.json) written.push(writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`))
  if (options.svg) {
    const svg = plot(results)
    if (svg) written.push(writeFile(options.svg, svg))
    else say('the plot is skipped, because it requires the sections latency and throughput')
  }
  if (options.markdown) {
    const page = path.join(__dirname, '..', 'docs', 'benchmarks.md')
    fillBlock(page, markdown(results))
    written.push(page)
  }
  for (const file of written) say(`written: ${path.relative('', file)}`)
  if (!stores && !options.from) say(`${path.relative('', STORED.json)} is kept: only a full run without a failure replaces it`)
}

// Without a handler a signal ends the process at once, and neither the runner nor the directories would go.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

main().catch((error) => {
  say(error.message)
  process.exitCode = 2
})
