// Figures as a person reads them.
'use strict'

/** Three significant digits, thousands apart. */
function number(value) {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function withUnit(value, unit) {
  return unit === '' ? number(value) : /^[%/]/.test(unit) ? `${number(value)}${unit}` : `${number(value)} ${unit}`
}

/** The median, and the 99th percentile in parentheses where there is one. */
function figure(summary, unit) {
  if (!summary) return ''
  return withUnit(summary.p50, unit) + (summary.p99 === undefined ? '' : ` (${number(summary.p99)})`)
}

function ratio(row) {
  return row.ratio === undefined ? '' : asRatio(row.ratio, row.as)
}

function asRatio(value, as) {
  return as === 'percent' ? `${number(Math.round(value * 100))} %` : `${number(value)}×`
}

/** The middle half of what single rounds said. */
function spread(row) {
  if (!row.quartiles) return ''
  const [low, high] = row.quartiles
  return row.as === 'percent' ? `${Math.round(low * 100)}–${Math.round(high * 100)} %` : `${number(low)}–${number(high)}×`
}

function target(row) {
  if (row.atLeast !== undefined) return `≥ ${row.as === 'percent' ? asRatio(row.atLeast, row.as) : `${row.atLeast}×`}`
  if (row.valueAtLeast !== undefined) return `≥ ${withUnit(row.valueAtLeast, row.unit)}`
  return row.atMost === undefined ? '' : `≤ ${withUnit(row.atMost, row.unit)}`
}

function verdict(row) {
  if (row.met === undefined) return ''
  return `${row.met ? 'yes' : 'no'}${row.inNoise ? ' (in the noise)' : ''}`
}

/** Each section with its rows, the sizes of one measure together. */
function bySection({ rows }) {
  return [...new Set(rows.map((row) => row.section))].map((section) => {
    const own = rows.filter((row) => row.section === section)
    const order = [...new Set(own.map((row) => row.id))]
    return { section, rows: own.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id)) }
  })
}

/** 55 MB, 1 GB. */
function size(mb) {
  return mb % 1024 === 0 ? `${mb / 1024} GB` : `${mb} MB`
}

/** One line on what measured it. */
function machineLine({ machine, targetIds, quick }) {
  const { node, kernel, cpus, cpuModel, memoryMb, transparentHugePages, date } = machine
  const ids = targetIds.dropped ? `children dropped to uid ${targetIds.uid}` : 'without root: children keep their uid'
  const ram = `${Math.round(memoryMb / 1024)} GB`
  const hardware = `${cpus} × ${cpuModel}, ${ram}`
  return `${date}, Node ${node}, ${kernel}, ${hardware}, huge pages ${transparentHugePages}, ${ids}${quick ? '; a quick run' : ''}`
}

module.exports = { bySection, figure, machineLine, number, ratio, size, spread, target, verdict, withUnit }
