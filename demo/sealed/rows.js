// The lockbox file: rows in the shape of a table of secrets, and the Lockbox's names for their columns.
'use strict'

const { readFileSync, writeFileSync } = require('node:fs')

/** The columns that say what a row is. @type {Record<string, { purpose: string, name: string }>} */
const PURPOSES = {
  claude: { purpose: 'anthropic', name: 'api_key' },
  codex: { purpose: 'openai', name: 'api_key' }
}

/** @typedef {{ tenant: string, purpose: string, name: string, version: number, is_current: boolean, ciphertext: string, iv: string, auth_tag: string, key_meta: string }} TableRow */

/**
 * @param {string} file
 * @param {TableRow[]} rows
 */
function writeRows(file, rows) {
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`, { mode: 0o600 })
}

/** @param {string} file @returns {TableRow[]} */
function readRows(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * @param {string} tenant
 * @param {string} provider
 * @param {number} version
 * @param {import('../..').SealedLockboxRow} sealed
 * @returns {TableRow}
 */
function toTableRow(tenant, provider, version, { ciphertext, iv, authTag, keyMeta }) {
  return { tenant, ...PURPOSES[provider], version, is_current: true, ciphertext, iv, auth_tag: authTag, key_meta: keyMeta }
}

/**
 * The current row of a tenant's key: its columns for the Lockbox, and the context that it is expected in.
 * @param {TableRow[]} rows
 * @param {string} tenant
 * @param {string} provider
 */
function findRow(rows, tenant, provider) {
  const { purpose, name } = PURPOSES[provider]
  const found = rows.find((row) => row.is_current && row.tenant === tenant && row.purpose === purpose && row.name === name)
  if (!found) throw new Error(`the lockbox has no current row of ${tenant} for ${provider}`)
  return {
    row: { ciphertext: found.ciphertext, iv: found.iv, authTag: found.auth_tag, keyMeta: found.key_meta },
    context: { tenant, purpose, name, rowVersion: found.version }
  }
}

module.exports = { PURPOSES, findRow, readRows, toTableRow, writeRows }
