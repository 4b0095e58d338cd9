// Prints the facts for a person: what of them is shown, and in which words.
'use strict'

const { PROVIDERS, bold, count, dim, green, header, kernelSays, keyList, ms, red, row, wrap } = require('./layout.js')
const { SHELL_COMMAND } = require('./scenes.js')
const { sealedLines, sealedNotShown } = require('./sealed/print.js')

/** @param {any} facts */
function toText(facts) {
  const apis = facts.apis === 'mock' ? 'made-up keys, mock APIs on loopback' : 'real keys, real APIs'
  const lines = ['', bold(`provider-env: two tenants at once on each provider; ${apis}`), ...wrap(setting(facts)), '']
  for (const run of facts.runs) {
    lines.push(`${bold(`${run.tenant}, ${PROVIDERS[run.provider]}`)} ${dim(`${run.version ?? ''} (pid ${run.child.pid})`)}`, ...runRows(run).flatMap(row), '')
  }
  lines.push(bold('all of them together'), ...sharedRows(facts).flatMap(row), '', ...sealedLines(facts.sealed))
  const missing = notShown(facts)
  if (missing.length > 0) lines.push(bold('not shown here'), ...missing.flatMap((line) => wrap(line, '  ')), '')
  if (facts.problems.length === 0) lines.push(green('Everything was as it should be.'))
  else lines.push(...facts.problems.flatMap((/** @type {string} */ problem) => wrap(`Not as it should be: ${problem}`)).map(red))
  return `${lines.join('\n')}\n\n`
}

/** @param {any} run @returns {[string, string][]} */
function runRows({ credential, api, answer, tokens, child, shell }) {
  const how = credential.delivery === 'fd' ? 'on a pipe' : 'in the environment'
  return [
    ['credential', `${credential.kind} from ${credential.source}, fingerprint ${credential.fingerprint}, handed over ${how}`],
    ['the API saw', api ? `${api.headers.map(header).join(', ')} ${api.masked} (${count(api.requests, 'request')})` : 'only the mock tells'],
    ['answer', answer.replaceAll(/\s+/g, ' ') || '(none)'],
    ['tokens', tokens ? `${tokens.input} in (${tokens.cached} of them cached), ${tokens.output} out` : 'not told'],
    ...childRows(child),
    ...(shell ? shellRows(shell) : [])
  ]
}

/** @param {any} child @returns {[string, string][]} */
function childRows(child) {
  if (child.unseen) return [['the child', child.unseen]]
  const { names, empty, keys } = child.environment
  const readers = (child.readers ?? []).map((/** @type {any} */ { tenant, read }) => `${tenant}'s uid: ${read}`).join('; ')
  return [
    ['kernel says', kernelSays(child)],
    ['its environment', `${names.length} set: ${names.join(' ')}`],
    ['', `${empty.length} empty: ${empty.join(' ')}`],
    ['keys in there', keyList(keys)],
    ...(readers ? [/** @type {[string, string]} */ (['who can read it', readers])] : [])
  ]
}

/** @param {any} shell @returns {[string, string][]} */
function shellRows({ names, keys }) {
  return [["agent's shell", `the agent ran \`${SHELL_COMMAND}\`: ${count(names.length, 'variable')} set, keys in there: ${keyList(keys)}`]]
}

/** @param {any} facts @returns {[string, string][]} */
function sharedRows({ requests, environment, starts, ids, runs }) {
  /** @type {[string, string][]} */
  const rows = []
  if (requests) {
    const { all, ours, bare, strange, credentials } = requests
    rows.push(['requests', `${all} in all: ${ours} with exactly one of the ${credentials} credentials, ${bare} with none, ${strange} with another`])
  }
  const names = count(environment.names, 'name')
  rows.push(['process.env', environment.unchanged ? `the same before and after, ${names}` : 'CHANGED'])
  if (starts) {
    const four = runs.reduce((/** @type {number} */ sum, /** @type {any} */ run) => sum + run.child.startMs, 0)
    rows.push(['JS thread held', `by the ${runs.length} calls of spawnProvider above, the very first among them: ${ms(four)} in all`])
    rows.push(['', `by spawnProvider ${ms(starts.oursMs)}, by child_process.spawn${ids ? ' with uid and gid' : ''} ${ms(starts.theirsMs)}: medians of ${starts.rounds} starts of ${starts.program} each, by turns, from this process of ${starts.rssMb} MB (child_process takes the longer, the larger it is)`])
  }
  return rows
}

/** @param {any} facts */
function setting({ ids, network, programsMoved }) {
  const parts = [
    ids ? `Started as root: each tenant has a uid and gid of its own (${Object.entries(ids).map(([tenant, { uid }]) => `${tenant} ${uid}`).join(', ')}).` : `Started without root: the children stay uid ${process.geteuid?.()}.`,
    network.kind === 'private' ? 'In a network namespace that has only loopback: nothing can leave this machine.' : `Not cut off from the network: ${network.why}.`
  ]
  if (programsMoved) parts.push(`The programs were put where the children can reach them, because: ${programsMoved}`)
  return parts.join(' ')
}

/** @param {any} facts */
function notShown({ ids, apis, network, missingProtections, sealed }) {
  const lines = []
  if (!ids) lines.push('The change to another uid and gid, and that there is no way back: that needs root. As root, the same command shows it.')
  if (apis === 'mock' && network.kind !== 'private') lines.push("That nothing leaves this machine: the CLIs' background traffic is switched off and they know loopback addresses only, but nothing enforces it.")
  if (missingProtections.length > 0) lines.push(`What the portable start cannot give: ${missingProtections.join(', ')}.`)
  return [...lines, ...sealedNotShown(sealed)]
}

module.exports = { toText }
