// `npm run matrix`: tests the packed package under other runtimes, test runners, bundlers and package managers, which
// takes too long for `npm test`.
import { packMain, packPlatform } from './check-tarballs.mjs'
import { ensure } from './ensure.mjs'
import { readOptions, refuse } from './lib/command-line.mjs'
import { nodeBinary } from './lib/node-versions.mjs'
import { Report, skip, stepsOf } from './lib/report.mjs'
import { makeScratch } from './lib/scratch.mjs'
import { bundlers } from './matrix/bundlers.mjs'
import { packageManagers } from './matrix/package-managers.mjs'
import { installedProject } from './matrix/project.mjs'
import { startRegistry } from './matrix/registry.mjs'
import { runtimes } from './matrix/runtimes.mjs'
import { tarball } from './matrix/tarball.mjs'
import { testRunners } from './matrix/test-runners.mjs'
import { installTools } from './matrix/tools.mjs'

const stages = { tarball, 'package-managers': packageManagers, bundlers, 'test-runners': testRunners, runtimes }
/** The Node that the tools run under: some of them want a newer one than our floor. */
const TOOLS_NODE = '24'
const usage = `usage: npm run matrix [-- --only STAGE[/STEP],…]
  the stages are ${Object.keys(stages).join(', ')}`

const only = await readOnly()
const from = Date.now()
const report = new Report(only.length ? [...only, 'set-up'] : [])
// Every uid can enter it: the exercise starts a process as another one.
const { dir } = makeScratch('matrix-', 0o755)
const given = {}
await report.step('set-up', 'packed', async () => {
  await ensure()
  given.tarballs = { main: await packMain(dir), platform: await packPlatform(dir) }
  given.project = await installedProject(dir, given.tarballs)
})
let missing
await report.step('set-up', 'tools', async () => {
  try {
    const { path, reason } = await nodeBinary(TOOLS_NODE)
    if (!path) throw new Error(reason)
    Object.assign(given, { tools: await installTools(), node: path })
  } catch ({ message }) {
    missing = message
    return skip(message)
  }
})
if (given.project) {
  given.registry = await startRegistry(dir, given.tarballs.main)
  for (const [name, stage] of Object.entries(stages)) {
    if (report.wants(name)) await stage(missing && name !== 'runtimes' ? skipping(report, missing) : report, { ...given, dir })
  }
  given.registry.close()
}
process.exitCode = report.close((Date.now() - from) / 1000)

/** Every step of a stage that cannot run, with the reason. */
function skipping(report, reason) {
  return { wants: () => true, step: (stage, name) => report.step(stage, name, () => skip(reason)) }
}

async function readOnly() {
  const { values, positionals } = readOptions({ only: { type: 'string' } }, usage)
  if (positionals.length) refuse(`${positionals[0]}: name a stage with --only`, usage)
  const only = values.only?.split(',').filter(Boolean) ?? []
  for (const one of only) {
    const [name, step] = one.split('/')
    if (!Object.hasOwn(stages, name)) refuse(`${name} is not a stage`, usage)
    if (step === undefined) continue
    const steps = await stepsOf(stages[name])
    if (!steps.includes(step)) refuse(`${step} is not a step of ${name}; the steps are ${steps.join(', ')}`, usage)
  }
  return only
}
