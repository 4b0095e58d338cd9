// Turns the observations about the sealed tenant into plain facts, and finds what is not as expected.
'use strict'

const { apiFacts, idProblems, requestFacts } = require('../facts.js')

/**
 * @param {any} seen
 * @param {import('../workshop.js').Workshop} workshop
 */
function gatherSealed(seen, workshop) {
  const { tenant, rows, pids, hardening, requests, turns, masterKey, parentMemory, environments, files, leak } = seen
  const facts = {
    tenant,
    rows: rows.map((/** @type {any} */ { purpose, name, version, key_meta: keyMeta }) => ({ purpose, name, version, keyMeta })),
    pids,
    hardening,
    turns: turns.map((/** @type {any} */ turn) => turnFacts(turn, requests)),
    requests: requestFacts(requests, turns),
    memory: { masterKey, parent: parentMemory, leak },
    environments,
    files
  }
  return { ...facts, problems: problemsOf(facts, workshop.tenants[tenant] ?? null) }
}

/**
 * @param {any} turn
 * @param {any[]} requests
 */
function turnFacts({ provider, version, key, answer, delivery, protection, live, after }, requests) {
  const carrying = requests.filter(({ credentials }) => credentials.some((/** @type {any} */ { value }) => value === key))
  return {
    provider,
    version,
    answer,
    delivery,
    api: apiFacts(carrying, key),
    child: live?.child ?? { unseen: 'it sent no request to the API' },
    protection,
    memory: { live: live?.memory ?? { copies: 0, guarded: 0 }, after }
  }
}

/**
 * @param {any} facts
 * @param {{ uid: number, gid: number } | null} ids
 * @returns {string[]}
 */
function problemsOf(facts, ids) {
  const { tenant, turns, requests, memory, environments, files, hardening } = facts
  const problems = turns.flatMap((/** @type {any} */ turn) =>
    turnProblems(turn, ids).map((what) => `${tenant}, sealed, with ${turn.provider}: ${what}.`)
  )
  if (requests.strange > 0)
    problems.push(`${requests.strange} requests for the sealed tenant carried two credentials, or one that does not belong to it.`)
  for (const [what, scan] of /** @type {const} */ ([
    ['the master key in the memory of the worker', memory.masterKey],
    ['a key in the memory of the parent', memory.parent]
  ])) {
    if (scan.copies > 0) problems.push(`There is ${what}.`)
  }
  if (memory.leak.copies === 0) problems.push('The scanner did not find the key that was leaked on purpose.')
  for (const [name, { secrets }] of Object.entries({
    'environment of the parent': environments.parent,
    'environment of the worker': environments.worker,
    'lockbox file': files.lockbox,
    'traffic to the worker': files.sent,
    'traffic from the worker': files.received
  })) {
    if (secrets > 0) problems.push(`There is a key in the ${name}.`)
  }
  if (process.platform === 'linux' && !(hardening.nonDumpable && hardening.noCoreDumps))
    problems.push('hardenWorker() did not get every protection.')
  return problems
}

/**
 * @param {any} turn
 * @param {{ uid: number, gid: number } | null} ids
 */
function turnProblems({ api, child, delivery, protection, memory: { live, after } }, ids) {
  const problems = idProblems(child, ids)
  if (api.requests === 0) problems.push('the API did not receive its key')
  if (delivery !== 'env' && child.environment?.keys.length > 0) problems.push('its environment contains a key')
  if (live.copies === 0) problems.push('no copy of the key was found while the CLI ran, so the scan shows nothing')
  if (hasFlags(protection) && live.copies > live.guarded) problems.push('there was a copy of the key outside guarded memory')
  if (after.copies > 0) problems.push('a copy of the key was left')
  return problems
}

/** Whether the scan can recognize guarded memory by its flags. @param {any} protection */
function hasFlags({ excludedFromCoreDumps, wipedOnFork }) {
  return excludedFromCoreDumps && wipedOnFork
}

module.exports = { gatherSealed, hasFlags }
