// The two figures that depend on the parent's size, drawn as an SVG: time of the call, and starts per second.
'use strict'

const { machineLine, number, size } = require('./format.js')
const { bars, dashes, label, COLOURS, escaped } = require('./svg.js')

const WIDTH = 800
const HEIGHT = 400
const FONTS = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
const PANEL = { top: 96, width: 372, height: 216 }

/** @returns {string | undefined} nothing when neither was measured */
function plot(results) {
  const of = (id) => results.rows.filter((row) => row.id === id)
  const panels = [callPanel(of('latency/call')), ratePanel(of('throughput/in-flight-30'), of('throughput/of-limit-2'))].filter(Boolean)
  if (!panels.length) return undefined
  const drawn = panels.map((panel, i) => bars({ ...PANEL, left: 16 + i * (PANEL.width + 24), ...panel }))
  const area = `viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${area} role="img" aria-label="${escaped(described(panels))}" font-family="${FONTS}">
${legend(panels.some((panel) => panel.groups.some((group) => group.limit)))}
${drawn.join('\n')}
${footer(machineLine(results))}
</svg>
`
}

function callPanel(rows) {
  if (!rows.length) return undefined
  return {
    title: 'JS thread blocked by one start',
    hint: 'p50, lower is better',
    ticks: (value) => (value >= 1e6 ? `${value / 1e6} s` : value >= 1000 ? `${value / 1000} ms` : `${value} µs`),
    text: (value) => (value >= 1000 ? `${short(value / 1000)} ms` : `${short(value)} µs`),
    groups: rows.map((row) => ({ ...pair(row), caption: `${short(row.ratio)}× less` }))
  }
}

function ratePanel(rows, limits) {
  if (!rows.length) return undefined
  return {
    title: 'Starts per second, 30 in flight',
    hint: 'to the end, streams closed; higher is better',
    ticks: (value) => number(value),
    text: short,
    groups: rows.map((row) => ({
      ...pair(row),
      limit: limits.find((limit) => limit.rssMb === row.rssMb)?.baseline.p50,
      caption: `${short(row.ratio)}× more`
    }))
  }
}

const pair = (row) => ({ name: size(row.rssMb), values: [row.baseline.p50, row.ours.p50] })

const short = (value) => (value >= 10 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1))

function legend(limit) {
  const entries = [
    [150, COLOURS.baseline, 'child_process.spawn'],
    [316, COLOURS.ours, 'spawnProvider']
  ].map(([x, fill, text]) => `<rect x="${x}" y="16" width="12" height="12" rx="2" fill="${fill}"/>${label(x + 19, 26, text)}`)
  if (limit) entries.push(dashes(446, 22, 18), label(471, 26, 'bare vfork loop in C, two processes'))
  return entries.join('\n')
}

/** On two lines: it would not fit on one. */
function footer(text) {
  const all = `${text}. By resident memory of the parent; log scale.`
  const half = all.indexOf(', ', all.length * 0.45) + 1
  const lines = [all.slice(0, half), all.slice(half + 1)]
  return lines.map((line, i) => label(WIDTH / 2, HEIGHT - 28 + i * 16, line, { anchor: 'middle', size: 11 })).join('\n')
}

function described(panels) {
  const group = (text, { name, values }) => `at ${name} child_process ${text(values[0])}, spawnProvider ${text(values[1])}`
  return panels.map(({ title, groups, text }) => `${title}: ${groups.map((each) => group(text, each)).join('; ')}`).join('. ')
}

module.exports = { plot }
