// The results as a table for a terminal.
'use strict'

const { bySection, figure, machineLine, ratio, size, spread, target, verdict } = require('./format.js')

const COLUMNS = [
  { title: '', cell: (row) => row.what },
  { title: 'parent', right: true, cell: (row) => (row.rssMb ? size(row.rssMb) : '') },
  { title: 'against', cell: (row) => row.against ?? '' },
  { title: 'its p50 (p99)', right: true, cell: (row) => figure(row.baseline, row.unit) },
  { title: 'our p50 (p99)', right: true, cell: (row) => figure(row.ours, row.unit) },
  { title: 'ratio', right: true, cell: ratio },
  { title: 'rounds', right: true, cell: spread },
  { title: 'target', right: true, cell: target },
  { title: 'met', cell: verdict }
]

function table(results) {
  // One set of widths for all sections, so that the columns line up down the page.
  const widths = COLUMNS.map(({ title, cell }) => Math.max(title.length, ...results.rows.map((row) => cell(row).length)))
  const pad = (text, i) => (COLUMNS[i].right ? text.padStart(widths[i]) : text.padEnd(widths[i]))
  const line = (cells) => cells.map(pad).join('  ').trimEnd()
  const out = [machineLine(results), 'ratio: how many times better ours is, in the middle round; rounds: in the middle half of them', '']
  for (const { section, rows } of bySection(results)) {
    const body = rows.map((row) => line(COLUMNS.map(({ cell }) => cell(row))))
    out.push(line([section, ...COLUMNS.slice(1).map(({ title }) => title)]), ...body, '')
  }
  for (const { what, why } of results.skipped) out.push(`skipped: ${what}: ${why}`)
  for (const { what, why } of results.failures) out.push(`failed: ${what}: ${why}`)
  const judged = results.rows.filter((row) => row.met !== undefined)
  out.push(`${judged.filter((row) => row.met).length} of ${judged.length} targets met`)
  return `${out.join('\n')}\n`
}

module.exports = { table }
