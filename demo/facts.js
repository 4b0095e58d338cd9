// Turns the observations into plain facts, and finds what is not as expected.
'use strict'

const { mask, shellSummary } = require('./live-child.js')

/** @param {any} scenery */
function gather({ scene, network, workshop, results, seen, search, starts, environment, sealed }) {
  const runs = results.map((/** @type {any} */ result) => runFacts(result, scene))
  const requests = scene.api ? requestFacts(seen, results) : null
  const facts = {
    apis: scene.kind,
    network,
    ids: workshop.isRoot ? workshop.tenants : null,
    programsMoved: workshop.moved || null,
    runs,
    requests,
    environment,
    starts,
    search,
    sealed,
    missingProtections: [...new Set(results.flatMap((/** @type {any} */ result) => result.missingProtections))]
  }
  return { ...facts, problems: [...problemsOf(facts), ...(search?.problems ?? []), ...(sealed?.problems ?? [])] }
}

/**
 * @param {any} result
 * @param {any} scene
 */
function runFacts(result, scene) {
  const { tenant, ids, provider, version, credential, delivery, startPath, startMs, pid, told, seen } = result
  return {
    tenant,
    ids,
    provider,
    version,
    credential: { ...credential, delivery },
    api: scene.api ? apiFacts(scene.api.requestsWith(result.key), result.key) : null,
    answer: told.answer,
    tokens: told.tokens,
    child: { pid, startPath, startMs, ...seen },
    shell: !result.shell ? null : told.shell === null ? { names: [], keys: [] } : shellSummary(told.shell)
  }
}

/**
 * @param {any[]} requests
 * @param {string} key
 */
function apiFacts(requests, key) {
  return { headers: [...new Set(requests.map((request) => request.credentialHeader))], masked: mask(key), requests: requests.length }
}

/**
 * @param {any[]} requests
 * @param {any[]} results
 */
function requestFacts(requests, results) {
  const known = new Set(results.map((result) => result.key))
  const carrying = requests.filter((request) => request.credentials.length > 0)
  const strange = carrying.filter(({ credentials }) => credentials.length > 1 || !known.has(credentials[0].value))
  return {
    all: requests.length,
    ours: carrying.length - strange.length,
    bare: requests.length - carrying.length,
    strange: strange.length,
    credentials: known.size
  }
}

/** @param {any} facts */
function problemsOf({ runs, requests, environment }) {
  const problems = runs.flatMap((/** @type {any} */ run) => runProblems(run).map((what) => `${run.tenant} with ${run.provider}: ${what}.`))
  if (requests?.strange > 0) problems.push(`${requests.strange} requests carried two credentials, or one that belongs to neither tenant.`)
  if (!environment.unchanged) problems.push('process.env has changed.')
  return problems
}

/** @param {any} run */
function runProblems({ tenant, api, child, credential, shell, ids }) {
  const problems = []
  if (api?.requests === 0) problems.push('the API did not receive its credential')
  if (credential.delivery !== 'env' && child.environment?.keys.length > 0) problems.push('its environment contains a key')
  problems.push(...idProblems(child, ids))
  for (const { tenant: reader, read } of child.readers ?? []) {
    if (reader !== tenant && read !== 'Permission denied') problems.push(`${reader} read its environment: ${read}`)
  }
  if (shell && shell.names.length === 0) problems.push("the agent's shell showed no variables")
  if (shell && shell.keys.length > 0) problems.push("the agent's shell contains a key")
  return problems
}

/**
 * @param {any} child
 * @param {{ uid: number, gid: number } | null} ids
 */
function idProblems(child, ids) {
  const problems = []
  if (ids && child.uid?.map(Number).some((/** @type {number} */ id) => id !== ids.uid)) problems.push('the uid is not the target uid')
  if (ids && child.gid?.map(Number).some((/** @type {number} */ id) => id !== ids.gid)) problems.push('the gid is not the target gid')
  if (ids && child.groups?.length > 0) problems.push('it kept supplementary groups')
  return problems
}

module.exports = { apiFacts, gather, idProblems, requestFacts }
