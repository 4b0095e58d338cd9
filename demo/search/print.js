// Prints what the searching agents found, and the audit of their requests.
'use strict'

const { PROVIDERS, bold, count, dim, row } = require('../layout.js')
const { PROMPT } = require('./run.js')

/** @param {any} facts */
function searchLines(facts) {
  if (facts === null) return []
  const { runs, audit } = facts
  const lines = [bold(`both agents are told: “${PROMPT}”`)]
  for (const run of runs)
    lines.push(`${PROVIDERS[run.provider]} ${dim(`${run.version ?? ''} (pid ${run.pid})`)}`, ...runRows(run).flatMap(row))
  if (audit !== null) lines.push(bold('the audit of these runs'), ...auditRows(audit).flatMap(row))
  return [...lines, '']
}

/** @param {any} run @returns {[string, string][]} */
function runRows({ looked, isFound, where, decoys, strangers, answers, requests, fromShell }) {
  const read = looked.map((/** @type {any} */ { name, looked: times }) => `${name} (${times})`).join(', ')
  const others =
    strangers.length === 0
      ? ''
      : `, and ${count(strangers.length, 'other text')} that ${strangers.length === 1 ? 'looks' : 'look'} like a key and ${strangers.length === 1 ? 'is' : 'are'} not of this demo`
  return [
    ['it read', `${read}: whatever the kernel lets its uid read`],
    [
      'it found',
      `${isFound ? `THE KEY, in: ${where.join(', ')}` : 'its key nowhere'}; ${count(decoys, 'decoy')} that it had hidden before${others}`
    ],
    ['it then asked', answers.length === 0 ? 'nobody: it found no address' : answersText(answers)],
    ['the API saw', `the key in ${count(requests, 'request')}, ${fromShell === 0 ? 'none' : fromShell} of them from the shell`]
  ]
}

/** @param {{ status: number, message: string }[]} answers */
function answersText(answers) {
  /** @type {Map<string, number>} */
  const texts = new Map()
  for (const { status, message } of answers) {
    const text = status === 0 ? 'no answer' : `${status}: “${message}”`
    texts.set(text, (texts.get(text) ?? 0) + 1)
  }
  const each = [...texts].map(([text, times]) => `${text}${times > 1 ? ` (${times} times)` : ''}`)
  return `the broker, with every address and token that it found, and got ${each.join('; ')}`
}

/** @param {any[]} audit @returns {[string, string][]} */
function auditRows(audit) {
  const rows = audit.map((record) => /** @type {[string, string]} */ ([record.provider, recordText(record)]))
  return [...rows, ['as a JSON line', JSON.stringify(audit.at(-1) ?? {})]]
}

/** @param {any} record */
function recordText({ workspace, uid, pid, method, path, status, bytesUp, bytesDown, milliseconds, generation, outcome, reason }) {
  const who = `${workspace ?? 'nobody known'}, uid ${uid ?? '?'}${pid === null ? '' : `, pid ${pid}`}`
  const what = `${method} ${path} ${status ?? '-'} ${outcome}${reason === null ? '' : ` (${reason})`}`
  return `${who}: ${what}, ${bytesUp} bytes up, ${bytesDown} down, ${milliseconds} ms${generation === null ? '' : `, credential ${generation}`}`
}

module.exports = { searchLines }
