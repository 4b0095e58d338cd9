// Prints the facts about the sealed tenant.
'use strict'

const { PROVIDERS, bold, count, dim, header, kernelSays, keyList, row } = require('../layout.js')
const { hasFlags } = require('./facts.js')

/** @param {any} facts @returns {string[]} */
function sealedLines(facts) {
  if (facts === null) return []
  const { tenant, turns } = facts
  return [
    bold(`a sealed tenant: ${tenant}'s keys from a lockbox file to both CLIs, never in JavaScript on the way`),
    ...wayRows(facts).flatMap(row),
    '',
    ...turns.flatMap((/** @type {any} */ turn) => [
      `${bold(`${tenant} (sealed), ${PROVIDERS[turn.provider]}`)} ${dim(pidText(turn))}`,
      ...turnRows(turn).flatMap(row),
      ''
    ])
  ]
}

/** @param {any} facts @returns {[string, string][]} */
function wayRows({ rows, pids, hardening, turns, memory, environments, files }) {
  const versions = [...new Set(rows.map((/** @type {any} */ { keyMeta }) => keyMeta))].join(', ')
  return [
    ['lockbox file', `${count(rows.length, 'row')}, key_meta ${versions}, written by another process before; ${secretText(files.lockbox)}`],
    ['parent', `pid ${pids.parent}: removes LOCKBOX_MASTER_KEY from its environment, opens the rows and seals the keys for the worker`],
    ['', `its environment now: ${environmentText(environments.parent)}; keys in its memory: ${scanText(memory.parent)}`],
    [
      'Unix socket',
      `${files.received.bytes} bytes from the worker, including its public key, and ${files.sent.bytes} to it; ${secretText(files.sent, files.received)}`
    ],
    ['worker', `pid ${pids.worker}: ${hardeningText(hardening)}; its secrets: ${protectionText(turns[0].protection)}`],
    ['', `its environment: ${environmentText(environments.worker)}; master key in its memory: ${scanText(memory.masterKey)}`],
    [
      'control',
      `the scan finds a key that the worker then leaked on purpose: ${memory.leak.unseen ? 'not shown' : count(memory.leak.copies, 'place')}`
    ]
  ]
}

/** @param {any} turn */
function pidText({ version, child }) {
  return `${version ?? ''} (pid ${child.pid})`
}

/** @param {any} turn @returns {[string, string][]} */
function turnRows({ api, answer, child, memory: { live, after } }) {
  return [
    ['the API saw', `${api.headers.map(header).join(', ')} ${api.masked} (${count(api.requests, 'request')})`],
    ['answer', answer.replaceAll(/\s+/g, ' ') || '(none)'],
    ['kernel says', child.unseen ?? kernelSays(child)],
    ...(child.unseen ? [] : [keysRow(child)]),
    [
      'worker memory',
      `while the CLI runs: ${scanText(live)}${live.copies > 1 ? ", for the requests of the CLI and in the redactor's forms of it" : ''}`
    ],
    ['', `after dispose() and the CLI's end: ${scanText(after)}`]
  ]
}

/** @param {any} child @returns {[string, string]} */
function keysRow({ environment: { names, keys } }) {
  return ['its environment', `${names.length} set, keys among them: ${keyList(keys)}`]
}

/** @param {any} scan */
function scanText({ unseen, copies, guarded }) {
  if (unseen) return 'not shown'
  if (copies === 0) return '0 copies'
  return `${copies} ${copies === 1 ? 'copy' : 'copies'}, ${guarded} in guarded memory`
}

/** @param {any[]} places */
function secretText(...places) {
  return places.some(({ secrets }) => secrets > 0) ? 'A KEY IS IN THERE' : 'no key in it'
}

/** @param {any} environment */
function environmentText(environment) {
  return environment.unseen ? 'not shown' : `${count(environment.names, 'name')}, ${secretText(environment)}`
}

/** @param {any} hardening */
function hardeningText({ nonDumpable, noCoreDumps }) {
  return [nonDumpable ? 'non-dumpable' : 'dumpable', noCoreDumps ? 'no core dumps' : 'core dumps'].join(', ')
}

/** @type {Record<string, string>} */
const PROTECTIONS = {
  guardPages: 'guard pages around',
  locked: 'locked',
  excludedFromCoreDumps: 'in no core dump',
  wipedOnFork: 'in no fork'
}

/** @param {any} protection */
function protectionText(protection) {
  const had = Object.keys(PROTECTIONS).filter((name) => protection[name])
  return had.map((name) => PROTECTIONS[name]).join(', ') || 'unprotected'
}

/** @param {any} facts What to say of it under "not shown here". @returns {string[]} */
function sealedNotShown(facts) {
  if (facts === null) return ['The sealed tenant, because that part needs its own made-up keys for the mock APIs.']
  const { memory, environments, turns } = facts
  const unseen = [environments.worker, memory.masterKey, memory.parent, ...turns.map((/** @type {any} */ turn) => turn.memory.live)].find(
    (one) => one.unseen
  )?.unseen
  const lines = turns.every((/** @type {any} */ { protection }) => hasFlags(protection))
    ? []
    : ["That the sealed tenant's keys are only in guarded memory: the system refused the flags by which the scan recognizes it."]
  if (!unseen) return lines
  return [
    ...lines,
    `The memory and the environment of the sealed tenant's worker: ${unseen}. hardenWorker() denies access to processes with the same uid; root (with CAP_SYS_PTRACE) on Linux can read them.`
  ]
}

module.exports = { sealedLines, sealedNotShown }
