// A panel of grouped bars on a log scale.
'use strict'

// Greys and a blue that stand out from white and from a dark page alike: an image cannot ask which it is on.
const COLOURS = { text: '#7a828c', line: '#8b949e', baseline: '#9aa3ad', ours: '#3b82d6' }
const ON_BAR = ['#1f2328', '#ffffff']

const WIDEST_BAR = 47
const AXIS = 52

/**
 * @param {object} panel
 * @param {number} panel.left  @param {number} panel.top  @param {number} panel.width  @param {number} panel.height
 * @param {string} panel.title  @param {string} panel.hint
 * @param {(value: number) => string} panel.ticks  @param {(value: number) => string} panel.text
 * @param {{ name: string, values: number[], limit?: number, caption: string }[]} panel.groups
 */
function bars({ left, top, width, height, title, hint, ticks, text, groups }) {
  const all = groups.flatMap(({ values, limit }) => [...values, ...(limit ? [limit] : [])])
  // The least bar is long enough to hold its figure.
  const low = Math.floor(Math.log10(Math.min(...all) / 2))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))))
  const y = (value) => top + height - ((Math.log10(value) - low) / (high - low)) * height
  const inner = width - AXIS
  const wide = Math.min(WIDEST_BAR, inner / groups.length / 2 - 4)
  const out = [label(left, top - 36, title, { size: 14, weight: 600 }), label(left, top - 19, hint, { size: 12 })]
  for (let power = low; power <= high; power++) {
    const at = y(10 ** power)
    out.push(`<path d="M${left + AXIS} ${round(at)}h${inner}" stroke="${COLOURS.line}" stroke-opacity="${power === low ? 0.9 : 0.28}"/>`)
    out.push(label(left + AXIS - 7, at + 4, ticks(10 ** power), { anchor: 'end', size: 11 }))
  }
  groups.forEach((group, i) => {
    const middle = left + AXIS + (inner * (i + 0.5)) / groups.length
    const starts = [middle - wide - 2, middle + 2]
    group.values.forEach((value, which) => {
      out.push(bar({ x: starts[which], wide, top: y(value), bottom: top + height, text: text(value), which }))
    })
    if (group.limit) out.push(dashes(starts[0] - 2, y(group.limit), 2 * wide + 8))
    out.push(label(middle, top + height + 18, group.name, { anchor: 'middle', size: 12 }))
    out.push(label(middle, top + height + 35, group.caption, { anchor: 'middle', size: 13, weight: 600, fill: COLOURS.ours }))
  })
  return out.join('\n')
}

function bar({ x, wide, top, bottom, text, which }) {
  const fill = which === 0 ? COLOURS.baseline : COLOURS.ours
  // The figure is inside the bar, where no line of the grid crosses it.
  const figure = label(x + wide / 2, top + 14, text, { anchor: 'middle', size: 11, weight: 500, fill: ON_BAR[which] })
  const box = `x="${round(x)}" y="${round(top)}" width="${round(wide)}" height="${round(bottom - top)}"`
  return `<rect ${box} rx="2" fill="${fill}"/>${figure}`
}

function dashes(x, y, length) {
  return `<path d="M${round(x)} ${round(y)}h${round(length)}" stroke="${COLOURS.text}" stroke-width="2" stroke-dasharray="4 3"/>`
}

function label(x, y, text, { anchor = 'start', size = 12, weight = 400, fill = COLOURS.text } = {}) {
  const place = `x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"`
  return `<text ${place} font-size="${size}" font-weight="${weight}" fill="${fill}">${escaped(text)}</text>`
}

const round = (value) => Number(value.toFixed(1))

const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`)

module.exports = { bars, dashes, label, escaped, COLOURS }
