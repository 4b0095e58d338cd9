// The results as the marked block of the documentation page.
'use strict'

const fs = require('node:fs')
const { bySection, figure, machineLine, ratio, size, spread, target, verdict } = require('./format.js')

const BEGIN = '<!-- results: written by `node bench/index.js --markdown` -->'
const END = '<!-- /results -->'

function markdown(results) {
  const lines = [`Measured ${machineLine(results)}.`, '']
  for (const { section, rows } of bySection(results)) {
    lines.push(`### ${section[0].toUpperCase()}${section.slice(1)}`, '', ...tableOf(rows), '')
  }
  for (const { what, why } of [...results.skipped, ...results.failures]) lines.push(`Not measured: ${what}: ${why}.`, '')
  return lines.join('\n').trimEnd()
}

function tableOf(rows) {
  if (!rows.some((row) => row.baseline)) {
    const line = (row) => cells([row.what, figure(row.ours, row.unit), target(row), verdict(row)])
    return ['| | value | target | met |', '|---|--:|--:|---|', ...rows.map(line)]
  }
  const sized = rows.some((row) => row.rssMb)
  const parent = (row) => (sized ? [row.rssMb ? size(row.rssMb) : ''] : [])
  const figures = (row) => [
    figure(row.baseline, row.unit),
    figure(row.ours, row.unit),
    row.ratio === undefined ? '' : `**${ratio(row)}**`,
    spread(row)
  ]
  return [
    cells(['', ...(sized ? ['parent RSS'] : []), 'against', 'its p50 (p99)', 'our p50 (p99)', 'ratio', 'rounds', 'target', 'met']),
    `|---|${sized ? '--:|' : ''}---|--:|--:|--:|--:|--:|---|`,
    ...rows.map((row) => cells([row.what, ...parent(row), row.against, ...figures(row), target(row), verdict(row)]))
  ]
}

const cells = (texts) => `| ${texts.join(' | ')} |`.replace(/\| {2}(?=\|)/g, '| ')

/** Replaces what is between the two marks of a page. */
function fillBlock(file, text) {
  const page = fs.readFileSync(file, 'utf8')
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${file} does not have the marks ${BEGIN} and ${END}`)
  fs.writeFileSync(file, `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`)
}

module.exports = { markdown, fillBlock }
