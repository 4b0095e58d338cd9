// Creates a finding from a row of the table of checks and what was observed.
'use strict'

const { bare } = require('../errors.js')

/** @typedef {import('../../index').ProviderId} ProviderId */
/** @typedef {import('../../index').Finding} Finding */

/**
 * @typedef {object} Row One kind of finding.
 * @property {string} id Stable: scripts and documentation name it.
 * @property {import('../../index').Severity} severity
 * @property {(seen: any) => boolean} [isError] Where it is an error instead.
 * @property {(seen: any) => string} sentence
 * @property {(seen: any) => string} [remedy]
 * @property {(seen: any) => string[]} [commands] The commands that fix it, to run in order in one shell.
 */

/**
 * @typedef {object} Seen
 * @property {ProviderId | null} [provider]
 * @property {string} [path]
 * @property {Record<string, any>} [details] Into the report as they are: no secret, and nothing that JSON cannot hold.
 */

/**
 * Makes findings from rows. A row that is not there is a defect.
 * @param {readonly Row[]} rows
 */
function findingsOf(rows) {
  const table = new Map(rows.map((row) => [row.id, row]))
  /**
   * @param {string} id
   * @param {Record<string, any>} seen What the row's functions are given.
   * @param {Seen} [about]
   * @returns {Finding}
   */
  return function finding(id, seen, about) {
    const { provider = null, path, details = {} } = bare(/** @type {Seen} */ (about ?? {}))
    const found = table.get(id)
    if (!found) throw new Error(`no row ${id}`)
    const row = bare(found)
    return Object.freeze({
      id,
      severity: row.isError?.(seen) ? 'error' : row.severity,
      provider,
      sentence: row.sentence(seen),
      remedy: row.remedy?.(seen) ?? null,
      commands: Object.freeze(row.commands?.(seen) ?? []),
      path: path ?? null,
      details: Object.freeze(details)
    })
  }
}

module.exports = { findingsOf }
