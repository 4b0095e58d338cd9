// The differences from ChildProcess that the docs list: a test may show no other.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')

const PAGE = path.join(__dirname, '..', '..', 'docs', 'migration.md')
const HEADING = '## Differences from `ChildProcess`'

/** The first column of the table. */
function documentedDifferences() {
  const text = fs.readFileSync(PAGE, 'utf8')
  const start = text.indexOf(`${HEADING}\n`)
  assert.notEqual(start, -1, `${PAGE} has no section "${HEADING}"`)
  const [section] = text.slice(start + HEADING.length).split('\n## ', 1)
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| +\|/.test(line))
  return rows.map((row) => row.split(' | ', 1)[0].slice(2))
}

module.exports = { documentedDifferences }
