// Prints the report: aligned text for a person, 100 columns wide, or JSON. Tells whether everything was as it should be.
'use strict'

const { PROVIDER_NAMES, facts } = require('./facts.js')

const WIDTH = 100
const LABEL = 16

/**
 * @param {any} scenery
 * @param {{ json: boolean }} options
 * @returns {boolean}
 */
function printReport(scenery, { json }) {
  const report = facts(scenery)
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : text(report))
  return report.problems.length === 0
}

const coloured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
/** @param {number} code */
const style = (code) => (/** @type {string} */ text) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text)
const [bold, dim, red, green] = [1, 2, 31, 32].map(style)

/** @param {any} report */
function text(report) {
  const lines = ['', bold(report.title), ...wrap(report.setting), '']
  for (const run of report.runs) {
    lines.push(`${bold(`${run.tenant} with ${PROVIDER_NAMES[run.provider]}`)} ${dim(run.version ?? '')}`)
    for (const [label, value] of run.rows) lines.push(...row(label, value))
    lines.push('')
  }
  lines.push(bold('All of them together'))
  for (const [label, value] of report.together) lines.push(...row(label, value))
  if (report.notShown.length > 0) {
    lines.push('', bold('Not shown here'))
    for (const line of report.notShown) lines.push(...wrap(line, '  '))
  }
  lines.push('')
  if (report.problems.length === 0) lines.push(green('Everything was as it should be.'))
  else for (const problem of report.problems) lines.push(...wrap(`Not as it should be: ${problem}`).map(red))
  return `${lines.join('\n')}\n\n`
}

/**
 * @param {string} label
 * @param {string} value
 */
function row(label, value) {
  const [first = '', ...rest] = wrap(value, '', WIDTH - LABEL - 2)
  const indent = ' '.repeat(LABEL + 2)
  return [`  ${dim(label.padEnd(LABEL))}${first}`, ...rest.map((line) => indent + line)]
}

/**
 * @param {string} value
 * @param {string} [indent]
 * @param {number} [width]
 */
function wrap(value, indent = '', width = WIDTH) {
  /** @type {string[]} */
  const lines = []
  let line = ''
  for (const word of value.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}

module.exports = { printReport }
