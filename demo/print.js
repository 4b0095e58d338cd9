// Prints the facts for a person.
'use strict'

const { PROVIDERS, bold, count, dim, green, header, kernelSays, keyList, ms, red, row, wrap } = require('./layout.js')
const { SHELL_COMMAND } = require('./scenes.js')
const { searchLines } = require('./search/print.js')
const { sealedLines, sealedNotShown } = require('./sealed/print.js')

/** @type {Record<string, string>} */
const DELIVERED = {
  broker: "added by the broker to the CLI's requests",
  fd: 'passed on a pipe',
  env: 'passed in the environment'
}

/** @param {any} facts */
function toText(facts) {
  const apis = facts.apis === 'mock' ? 'made-up keys, mock APIs on loopback' : 'real keys, real APIs'
  const lines = ['', bold(`provider-env: two tenants at the same time on each provider (${apis})`), ...wrap(setting(facts)), '']
  for (const run of facts.runs) {
    lines.push(
      `${bold(`${run.tenant}, ${PROVIDERS[run.provider]}`)} ${dim(`${run.version ?? ''} (pid ${run.child.pid})`)}`,
      ...runRows(run).flatMap(row),
      ''
    )
  }
  lines.push(
    bold('all of them together'),
    ...sharedRows(facts).flatMap(row),
    '',
    ...searchLines(facts.search),
    ...sealedLines(facts.sealed)
  )
  const missing = notShown(facts)
  if (missing.length > 0) lines.push(bold('not shown here'), ...missing.flatMap((line) => wrap(line, '  ')), '')
  if (facts.problems.length === 0) lines.push(green('Everything worked as expected.'))
  else lines.push(...facts.problems.flatMap((/** @type {string} */ problem) => wrap(`Unexpected: ${problem}`)).map(red))
  return `${lines.join('\n')}\n\n`
}

/** @param {any} run @returns {[string, string][]} */
function runRows({ credential, api, answer, tokens, child, shell }) {
  return [
    [
      'credential',
      `${credential.kind} from ${credential.source}, fingerprint ${credential.fingerprint}, ${DELIVERED[credential.delivery]}`
    ],
    [
      'the API saw',
      api ? `${api.headers.map(header).join(', ')} ${api.masked} (${count(api.requests, 'request')})` : 'only the mock shows this'
    ],
    ['answer', answer.replaceAll(/\s+/g, ' ') || '(none)'],
    ['tokens', tokens ? `${tokens.input} in (${tokens.cached} of them cached), ${tokens.output} out` : 'not reported'],
    ...childRows(child),
    ...(shell ? shellRows(shell) : [])
  ]
}

/** @param {any} child @returns {[string, string][]} */
function childRows(child) {
  if (child.unseen) return [['child process', child.unseen]]
  const { names, empty, keys } = child.environment
  const readers = (child.readers ?? []).map((/** @type {any} */ { tenant, read }) => `${tenant}'s uid: ${read}`).join('; ')
  return [
    ['kernel says', kernelSays(child)],
    ['its environment', `${names.length} set: ${names.join(' ')}`],
    ['', `${empty.length} empty: ${empty.join(' ')}`],
    ['keys in it', keyList(keys)],
    ...(readers ? [/** @type {[string, string]} */ (['who can read it', readers])] : [])
  ]
}

/** @param {any} shell @returns {[string, string][]} */
function shellRows({ names, keys }) {
  return [
    ["agent's shell", `the agent ran \`${SHELL_COMMAND}\`: ${count(names.length, 'variable')} set, keys among them: ${keyList(keys)}`]
  ]
}

/** @param {any} facts @returns {[string, string][]} */
function sharedRows({ requests, environment, starts, ids, runs }) {
  /** @type {[string, string][]} */
  const rows = []
  if (requests) {
    const { all, ours, bare, strange, credentials } = requests
    rows.push([
      'requests',
      `${all} in all: ${ours} with exactly one of the ${credentials} credentials, ${bare} with none, ${strange} with any other`
    ])
  }
  const names = count(environment.names, 'name')
  rows.push(['process.env', environment.unchanged ? `unchanged, ${names}` : 'CHANGED'])
  if (starts) {
    const four = runs.reduce((/** @type {number} */ sum, /** @type {any} */ run) => sum + run.child.startMs, 0)
    rows.push(['JS thread', `blocked by the ${runs.length} calls of spawnProvider above, including the very first: ${ms(four)} in total`])
    rows.push([
      '',
      `blocked by spawnProvider ${ms(starts.oursMs)}, by child_process.spawn${ids ? ' with uid and gid' : ''} ${ms(starts.theirsMs)}: medians of ${starts.rounds} alternating starts of ${starts.program} each from this process of ${starts.rssMb} MB (child_process takes longer the larger this process is)`
    ])
  }
  return rows
}

/** @param {any} facts */
function setting({ ids, network, programsMoved }) {
  const parts = [
    ids
      ? `The demo was started as root: each tenant has its own uid and gid (${Object.entries(ids)
          .map(([tenant, { uid }]) => `${tenant} ${uid}`)
          .join(', ')}).`
      : `The demo was started without root: the child processes keep uid ${process.geteuid?.()}. It called hardenWorker(), because otherwise its agents could read its memory.`,
    network.kind === 'private'
      ? 'It runs in a network namespace that has only loopback: nothing can leave this machine.'
      : `It is not isolated from the network: ${network.why}.`
  ]
  if (programsMoved) parts.push(`The programs were copied to a directory that the child processes can reach, because: ${programsMoved}`)
  return parts.join(' ')
}

/** @param {any} facts */
function notShown({ ids, apis, network, missingProtections, sealed }) {
  const lines = []
  if (!ids) lines.push('The irreversible change to another uid and gid, which requires root: run the same command as root to see it.')
  if (apis === 'mock' && network.kind !== 'private')
    lines.push(
      "That nothing leaves this machine: the CLIs' background traffic is switched off and they know only loopback addresses, but nothing enforces this."
    )
  if (missingProtections.length > 0) lines.push(`Protections that the portable start does not have: ${missingProtections.join(', ')}.`)
  return [...lines, ...sealedNotShown(sealed)]
}

module.exports = { toText }
