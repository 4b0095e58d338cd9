// Checks of the files that would configure or redirect a CLI: in the workspace, and in its state directory.
'use strict'

const binding = require('../binding.js')
const { looked } = require('./ask.js')
const { findingsOf } = require('./finding.js')
const { command, list } = require('./words.js')

/** @typedef {{ id: string, path: string, hidden: boolean, unread: boolean, prose: boolean, ignoredWhenUntrusted: boolean, hazards: { key: string, effect: string }[] }} FoundFile */

/** @param {string} id @returns {import('./finding.js').Row} */
const hazardous = (id) => ({
  id: `files.${id}`,
  severity: 'warning',
  sentence: ({ file, facts }) =>
    `${file.path} has ${list(file.hazards.map((/** @type {any} */ { key, effect }) => `${key} (${effect})`))}. ` +
    (file.ignoredWhenUntrusted
      ? `A start by this package keeps ${facts.name} from obeying it unless you give workspaceTrust: 'trusted'; a start without this package does not.`
      : `${facts.name} obeys it in every start.`),
  remedy: () => 'Move it out of the way, or take these keys out of it:',
  commands: ({ file }) => [command('mv', '--', file.path, `${file.path}.disabled`)]
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
  {
    id: 'files.unread',
    severity: 'info',
    sentence: ({ file }) => `${file.path} is there, and could not be read or understood.`
  }
]

const finding = findingsOf(rows)

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 * @returns {Promise<import('./finding.js').Finding[]>}
 */
async function look(context, facts) {
  const { workspace } = context.directories
  const state = context.states[facts.id]?.path
  if (workspace === undefined && state === undefined) return []
  /** @type {FoundFile[]} */
  const found = await looked(() => binding.surveyConfigFiles(facts.id, workspace ?? null, state ?? null))
  const hidden = found.filter((file) => file.hidden)
  if (hidden.length > 0) context.unseen.push(`settings such as ${hidden[0].path} (uid ${context.own.uid} cannot see whether they are there)`)
  const findings = found.filter((file) => !file.hidden).map((file) => finding(idOf(file), { file, facts }, { provider: facts.id, path: file.path, details: { file: file.id, hazards: file.hazards } }))
  return hidden.length > 0 || findings.some(({ severity }) => severity !== 'info') ? findings : [finding('files.none', { facts }, { provider: facts.id }), ...findings]
}

/** @param {FoundFile} file */
function idOf({ id, prose, unread, hazards }) {
  if (hazards.length > 0) return `files.${id}`
  if (prose) return 'files.instructions'
  return unread ? 'files.unread' : 'files.harmless'
}

module.exports = { look, rows }
