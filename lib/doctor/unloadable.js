// The one finding that can be made without the addon: that it does not load.
'use strict'

const { findingsOf } = require('./finding.js')
const { harmless } = require('./words.js')

/** @type {import('./finding.js').Row[]} */
const rows = [
  {
    id: 'platform.unloadable',
    severity: 'error',
    sentence: ({ reason, platform }) => `The addon does not load on ${platform}: ${reason}`,
    remedy: () => 'The install left out optional dependencies, or there is no package for this system. In the project that has this package, install again with them:',
    commands: () => ['npm install --include=optional']
  }
]

const finding = findingsOf(rows)

/**
 * The report of a diagnosis that could not begin.
 * @param {unknown} error What loading the addon threw.
 * @returns {import('../../index').Diagnosis}
 */
function unloadable(error) {
  const platform = `${process.platform}-${process.arch}`
  const reason = harmless(error instanceof Error ? error.message.split('\n')[0] : '')
  return {
    schemaVersion: 1,
    version: require('../../package.json').version,
    ok: false,
    worst: 'error',
    target: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: [] },
    providers: [],
    durationMs: 0,
    findings: [finding('platform.unloadable', { reason, platform }, { details: { platform } })]
  }
}

module.exports = { rows, unloadable }
