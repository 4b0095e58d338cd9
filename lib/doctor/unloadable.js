// The only finding that is possible without the addon: that it does not load.
'use strict'

const { isNativeError } = require('node:util').types
const { whyNotLoaded } = require('../not-loaded.js')
const { findingsOf } = require('./finding.js')
const { harmless } = require('./words.js')

/** @type {import('./finding.js').Row[]} */
const rows = [
  {
    id: 'platform.unloadable',
    severity: 'error',
    sentence: ({ reason, platform }) => `The addon does not load on ${platform}: ${reason}.`,
    remedy: ({ advice }) => advice,
    commands: ({ commands }) => commands
  }
]

const finding = findingsOf(rows)

/**
 * The report of a diagnosis that could not begin.
 * @param {unknown} error What loading the addon threw; its cause is what the generated loader met.
 * @returns {import('../../index').Diagnosis}
 */
function unloadable(error) {
  const platform = `${process.platform}-${process.arch}`
  const { reason, advice, commands } = whyNotLoaded(isNativeError(error) ? (error.cause ?? error) : error)
  return {
    schemaVersion: 1,
    version: require('../../package.json').version,
    ok: false,
    worst: 'error',
    target: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: [] },
    providers: [],
    durationMs: 0,
    findings: [finding('platform.unloadable', { reason: harmless(reason), platform, advice, commands }, { details: { platform } })]
  }
}

module.exports = { rows, unloadable }
