// Checks of the files that would configure or redirect a CLI: in the workspace, its state directory, the home, and the host's own.
'use strict'

const path = require('node:path')
const binding = require('../binding.js')
const { looked } = require('./ask.js')
const { findingsOf } = require('./finding.js')
const { asTarget, unlessSteered, wayTo } = require('./way.js')
const { command, list } = require('./words.js')

/** @typedef {{ id: string, path: string, hidden: boolean, unread: boolean, prose: boolean, ignoredWhenUntrusted: boolean, ignoredWithServerCredential: boolean, hazards: { key: string, effect: string }[] }} FoundFile */

const where = (/** @type {any} */ { file, real }) => (real === file.path ? file.path : `${file.path}, a link to ${real},`)

/** Not by root: the tenant can make a link to a directory of that name, or of a directory above it. */
const moveAway = (/** @type {any} */ { context, file, way }) => [command(...(way.targets ? asTarget(context) : []), 'mv', '-nT', '--', file.path, `${file.path}.disabled`)]

/** @param {string} id @returns {import('./finding.js').Row} */
const hazardous = (id) => unlessSteered({
  id: `files.${id}`,
  severity: 'warning',
  sentence: ({ file, facts, real }) =>
    `${where({ file, real })} has ${list(file.hazards.map((/** @type {any} */ { key, effect }) => `${key} (${effect})`))}. ` +
    (file.ignoredWhenUntrusted
      ? `A start by this package keeps ${facts.name} from obeying it unless you give workspaceTrust: 'trusted'; a start without this package does not.`
      : file.ignoredWithServerCredential
        ? `${facts.name} obeys it in every start on the tenant's own key; a start by this package on the server's key keeps it from that, or is refused.`
        : `${facts.name} obeys it in every start.`),
  remedy: () => 'Move it out of the way, or take these keys out of it:',
  commands: moveAway
})

/** @type {import('./finding.js').Row[]} */
const rows = [
  {
    id: 'files.none',
    severity: 'ok',
    sentence: ({ facts }) => `No file in the directories that were named configures or redirects ${facts.name}.`
  },
  ...binding.providerFacts().flatMap(({ configFiles }) => configFiles.map(hazardous)),
  {
    id: 'files.harmless',
    severity: 'info',
    sentence: ({ file }) => `${file.path} is there, without a key that is known to do harm.`
  },
  {
    id: 'files.instructions',
    severity: 'info',
    sentence: ({ file }) => `${file.path} is text for the agent. It instructs the model, and configures nothing.`
  },
  unlessSteered({
    id: 'files.unread',
    severity: 'warning',
    sentence: (seen) => `${where(seen)} is there, and could not be read or understood, or is larger than 1 MiB. The CLI may find in it what the doctor did not.`,
    remedy: () => 'Look into it, or move it out of the way:',
    commands: moveAway
  })
]

const finding = findingsOf(rows)

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 * @returns {Promise<import('./finding.js').Finding[]>}
 */
async function look(context, facts) {
  const { home, workspace } = context.directories
  const state = context.states[facts.id]?.path
  if (workspace === undefined && state === undefined && home === undefined) return []
  /** @type {FoundFile[]} */
  const found = await looked(() => binding.surveyConfigFiles(facts.id, workspace ?? null, state ?? null, home ?? null, context.ids))
  const hidden = found.filter((file) => file.hidden)
  if (hidden.length > 0) context.unseen.push(`settings such as ${hidden[0].path} (uid ${context.own.uid} cannot see whether they are there)`)
  const bases = [workspace, state, home].flatMap((base) => base ?? [])
  const findings = await Promise.all(found.filter((file) => !file.hidden).map((file) => judge(context, facts, file, bases)))
  return hidden.length > 0 || findings.some(({ severity }) => severity !== 'info') ? findings : [finding('files.none', { facts }, { provider: facts.id }), ...findings]
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 * @param {FoundFile} file
 * @param {string[]} bases
 */
async function judge(context, facts, file, bases) {
  const directory = path.dirname(file.path)
  const base = bases.find((base) => file.path.startsWith(path.join(base, '/'))) ?? directory
  const [whole, above, own] = await Promise.all([file.path, directory, base].map((each) => wayTo(context, each)))
  // A link that is no tenant's can lead out of the tenant's directories all the same. The file itself is moved as it is.
  const leaves = above.real !== own.real && !above.real.startsWith(path.join(own.real, '/'))
  const way = { real: above.real, steered: above.steered ?? (leaves ? directory : null), movable: above.movable, targets: above.inside }
  return finding(idOf(file), { context, file, facts, real: whole.real, way }, { provider: facts.id, path: file.path, details: { file: file.id, hazards: file.hazards } })
}

/** @param {FoundFile} file */
function idOf({ id, prose, unread, hazards }) {
  if (hazards.length > 0) return `files.${id}`
  if (prose) return 'files.instructions'
  return unread ? 'files.unread' : 'files.harmless'
}

module.exports = { look, rows }
