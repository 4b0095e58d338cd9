// Starts all runs of a scene at the same time, and collects what can be observed of each from outside.
'use strict'

const { buildProviderEnv, spawnProvider } = require('..')
const { quiet } = require('../__test__/support/quiet.js')
const { ARGUMENTS, readAll } = require('./command-line.js')
const { readEvents } = require('./events.js')
const { lookAt, readAs } = require('./live-child.js')

/**
 * @param {object} stage
 * @param {import('./scenes.js').Scene} stage.scene
 * @param {import('./workshop.js').Workshop} stage.workshop
 * @param {Record<string, { path: string, version: string | null }>} stage.programs
 * @param {AbortSignal} stage.signal
 */
async function runAll({ scene, workshop, programs, signal }) {
  const running = scene.runs.map((run) => runOne(run, { scene, workshop, program: programs[run.provider], signal }))
  // All of them end before one of them is complained of: their homes are about to go.
  const settled = await Promise.allSettled(running)
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed) throw signal.aborted ? signal.reason : failed.reason
  return settled.map((one) => /** @type {PromiseFulfilledResult<Awaited<ReturnType<typeof runOne>>>} */ (one).value)
}

async function runOne(/** @type {any} */ run, /** @type {any} */ { scene, workshop, program, signal }) {
  const homes = workshop.homes(run.tenant)
  const ids = workshop.idsOf(run.tenant)
  run.prepare?.(homes)
  const env = buildProviderEnv(
    { provider: run.provider, ...run.payload },
    {
      workspace: {
        id: run.workspaceId ?? `workspace-of-${run.tenant}`,
        dir: homes.workspace,
        home: homes.home,
        tmpDir: homes.tmpDir,
        codexHome: homes.codexHome,
        claudeConfigDir: homes.claudeConfigDir
      },
      serverCredentials: scene.serverCredentials,
      baseUrl: scene.api && (run.provider === 'codex' ? scene.api.openaiBaseUrl : scene.api.anthropicBaseUrl),
      set: scene.kind === 'mock' ? quiet[/** @type {'claude' | 'codex'} */ (run.provider)].env : {}
    }
  )
  const { credential } = env

  const started = performance.now()
  const child = spawnProvider(env, {
    command: program.path,
    args: ARGUMENTS[run.provider](run, scene.kind),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...ids,
    signal,
    killGraceMs: 1000
  })
  const startMs = performance.now() - started
  // The start keeps what it needs.
  env.dispose()

  const seen = /** @type {any} */ ({})
  child.once('spawn', () => {
    const pid = /** @type {number} */ (child.pid)
    Object.assign(seen, lookAt(pid))
    const other = scene.runs.find((/** @type {any} */ one) => one.tenant !== run.tenant)?.tenant
    if (workshop.isRoot && other)
      seen.readers = [other, run.tenant].map((tenant) => ({ tenant, read: readAs(workshop.idsOf(tenant), pid) }))
  })
  const output = readAll(child)
  const closed = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  const [code, { events, stderr }] = await Promise.all([closed.finally(() => child[Symbol.asyncDispose]()), output])

  const told = readEvents(run.provider, events)
  if (code !== 0 || told.failure)
    throw new Error(`${run.provider} for ${run.tenant} ended with ${code}: ${told.failure ?? stderr.trim().split('\n').at(-1)}`)
  return {
    ...run,
    ids: workshop.isRoot ? ids : null,
    version: program.version,
    delivery: child.delivery,
    credential,
    startPath: child.startPath,
    missingProtections: child.missingProtections,
    startMs,
    pid: child.pid,
    seen,
    told
  }
}

module.exports = { runAll }
