// Turns what was seen into the rows of the report, and finds what is not as it should be.
'use strict'

const { mask, shellSummary } = require('./live-child.js')
const { SHELL_COMMAND } = require('./scenes.js')

/** @type {Record<string, string>} */
const PROVIDER_NAMES = { claude: 'Claude Code', codex: 'OpenAI Codex' }

/** @param {any} scenery */
function facts({ scene, network, workshop, results, starts, environment }) {
  /** @type {string[]} */
  const problems = []
  const runs = results.map((/** @type {any} */ result) => ({
    tenant: result.tenant,
    provider: result.provider,
    version: result.version,
    credential: result.credential,
    rows: rowsOf(result, { scene, workshop, problems })
  }))
  const together = [
    ...(scene.api ? [requestsRow(scene, results, problems)] : []),
    ['process.env', environment.unchanged ? `identical before and after: ${environment.names} names, none of them a key` : 'CHANGED'],
    ...(starts ? [['JS thread held', startLine(starts, workshop)]] : [])
  ]
  if (!environment.unchanged) problems.push('process.env changed')
  return {
    title: `provider-env: two tenants at once on each provider, ${scene.kind === 'mock' ? 'made-up keys, mock APIs on loopback' : 'real keys, real APIs'}`,
    setting: settingOf(network, workshop),
    runs,
    together,
    notShown: notShown(scene, network, workshop, results),
    problems
  }
}

/**
 * @param {any} result
 * @param {{ scene: any, workshop: any, problems: string[] }} context
 * @returns {[string, string][]}
 */
function rowsOf(result, { scene, workshop, problems }) {
  const { credential, seen, told, tenant, provider } = result
  const complain = (/** @type {string} */ what) => problems.push(`${tenant} with ${provider}: ${what}`)
  const how = result.delivery === 'fd' ? 'on a pipe (fd 3)' : 'in the environment'
  /** @type {[string, string][]} */
  const rows = [
    ['credential', `${credential.kind} from ${credential.source}, fingerprint ${credential.fingerprint}, handed over ${how}`],
    ['the API saw', scene.api ? apiRow(result, scene, complain) : 'not shown: only the mock tells'],
    ['answer', told.answer || '(none)'],
    ['tokens', told.tokens ? `${told.tokens.input} in (${told.tokens.cached} of them cached), ${told.tokens.output} out` : 'not told']
  ]
  if (seen.unseen) return [...rows, ['the child', seen.unseen], ...shellRows(result, complain)]
  checkIds(seen, workshop, complain)
  const { names, keys } = seen.environment
  if (result.delivery === 'fd' && keys.length > 0) complain('its environment holds a key')
  return [
    ...rows,
    ['kernel says', `pid ${result.pid}, uid ${same(seen.uid)}, gid ${same(seen.gid)}, ${seen.groups.length} more groups, no_new_privs ${seen.noNewPrivileges ? 'on' : 'off'}, capabilities ${/^0+$/.test(seen.capabilities) ? 'none' : seen.capabilities}`],
    ['environ: names', `${names.length}: ${names.join(' ')}`],
    ['environ: keys', keys.length === 0 ? 'none' : keys.map((/** @type {any} */ key) => `${key.name}=${key.masked}`).join(', ')],
    ...shellRows(result, complain)
  ]
}

/**
 * @param {any} result
 * @param {any} scene
 * @param {(what: string) => void} complain
 */
function apiRow(result, scene, complain) {
  const requests = scene.api.requestsWith(result.key)
  if (requests.length === 0) complain('the API did not see its credential')
  const headers = new Set(requests.map((/** @type {any} */ request) => request.credentialHeader))
  const bearer = (/** @type {string} */ header) => (header === 'authorization' ? 'authorization: Bearer' : `${header}:`)
  return `${[...headers].map(bearer).join(', ')} ${mask(result.key)} (${requests.length} requests)`
}

/**
 * @param {any} seen
 * @param {any} workshop
 * @param {(what: string) => void} complain
 */
function checkIds(seen, workshop, complain) {
  const { uid, gid } = workshop.ids
  if (uid === undefined) return
  if (!seen.uid.every((/** @type {string} */ id) => id === String(uid)) || !seen.gid.every((/** @type {string} */ id) => id === String(gid))) complain('the ids are not the target\'s')
}

/** @param {string[]} ids */
function same(ids) {
  return new Set(ids).size === 1 ? ids[0] : ids.join('/')
}

/**
 * @param {any} result
 * @param {(what: string) => void} complain
 * @returns {[string, string][]}
 */
function shellRows({ shell, told }, complain) {
  if (!shell) return []
  if (told.shell === null) {
    complain('the agent ran no shell command')
    return [["agent's shell", 'ran no command']]
  }
  const { names, keys } = shellSummary(told.shell)
  if (keys.length > 0) complain("the agent's shell has a key")
  if (names.length === 0) complain(`the agent's shell answered \`${SHELL_COMMAND}\` with no variable`)
  const which = keys.length === 0 ? 'none' : keys.map((key) => `${key.name}=${key.masked}`).join(', ')
  return [["agent's shell", `\`${SHELL_COMMAND}\` there: ${names.length} variables, keys: ${which}`]]
}

/**
 * @param {any} scene
 * @param {any[]} results
 * @param {string[]} problems
 * @returns {[string, string]}
 */
function requestsRow(scene, results, problems) {
  const { requests } = scene.api
  const known = new Set(results.map((result) => result.key))
  // Claude Code asks /api/hello and the like without a credential.
  const carrying = requests.filter((/** @type {any} */ request) => request.credentials.length > 0)
  const strange = carrying.filter((/** @type {any} */ request) => request.credentials.some((/** @type {any} */ one) => !known.has(one.value)) || request.credentials.length > 1)
  if (strange.length > 0) problems.push(`${strange.length} requests carried a credential that is none of these, or two`)
  const bare = requests.length - carrying.length
  return ['requests', `${requests.length}: ${carrying.length} with exactly one of the ${known.size} credentials, ${bare} with none, ${strange.length} with another`]
}

/**
 * @param {any} starts
 * @param {any} workshop
 */
function startLine(starts, workshop) {
  const ids = workshop.isRoot ? ' with uid and gid' : ''
  const ratio = (starts.theirsMs / starts.oursMs).toFixed(1)
  return `spawnProvider ${ms(starts.oursMs)}, child_process.spawn${ids} ${ms(starts.theirsMs)}: ${ratio} times as long (median of ${starts.rounds} starts of /bin/true each, by turns, in this process of ${starts.rssMb} MB; child_process grows with that size)`
}

/** @param {number} value */
function ms(value) {
  return `${value.toFixed(2)} ms`
}

/**
 * @param {any} network
 * @param {any} workshop
 */
function settingOf(network, workshop) {
  const parts = [
    workshop.isRoot ? `Started as root; the children become uid ${workshop.ids.uid}, gid ${workshop.ids.gid}.` : `Started without root, as uid ${process.geteuid?.()}; the children stay that.`,
    network.kind === 'private' ? 'In a network namespace with loopback only: nothing can leave this machine.' : `Not cut off from the network: ${network.why}.`
  ]
  if (workshop.moved) parts.push(`The programs were copied to a place that the children can reach, because ${workshop.moved}`)
  return parts.join(' ')
}

/**
 * @param {any} scene
 * @param {any} network
 * @param {any} workshop
 * @param {any[]} results
 */
function notShown(scene, network, workshop, results) {
  const lines = []
  if (!workshop.isRoot) lines.push('- The drop to another uid, and that it cannot be undone: that needs root. `sudo npm run demo` shows it.')
  if (scene.kind === 'mock' && network.kind !== 'private') lines.push("- That nothing leaves this machine: the CLIs' background traffic is off and they were given loopback addresses, but nothing enforces it.")
  const missing = new Set(results.flatMap((result) => result.missingProtections))
  if (missing.size > 0) lines.push(`- What the portable start cannot give: ${[...missing].join(', ')}.`)
  return lines
}

module.exports = { PROVIDER_NAMES, facts }
