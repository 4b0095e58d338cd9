// No import circle between the files of src, and no arrow against the order of its folders. `lib/module-graph.mjs` says what
// an arrow is.
import { pathToFileURL } from 'node:url'
import { moduleGraph } from './lib/module-graph.mjs'
import { fromRoot } from './lib/paths.mjs'

/**
 * The folders and single files of src, from the top floor down. Each may use what stands below it and nothing else; those on
 * one floor do not know one another.
 */
const FLOORS = [
  ['node'],
  ['doctor'],
  ['broker', 'process'],
  ['environment'],
  ['credential', 'usage'],
  ['net', 'provider', 'secret'],
  ['error', 'sys']
]

const where = (arrow) => `src/${arrow.from}:${arrow.line}`

export function checkDependencies(src = fromRoot('src')) {
  const { files, arrows } = moduleGraph(src)
  if (!arrows.length) throw new Error('found no import in src: the check sees nothing')
  const wrong = [...unplaced(files), ...circles(arrows), ...against(arrows)]
  if (wrong.length) throw new Error(wrong.join('\n'))
  process.stdout.write(`${files.length} files, ${arrows.length} imports between them, no circle, none against the order\n`)
}

/** The folder below src, or the file that stands there alone. */
const placeOf = (file) => file.split('/')[0].replace(/\.rs$/, '')

const floorOf = (place) => FLOORS.findIndex((floor) => floor.includes(place))

/** What has no place in the order, and what has one and is gone. */
function unplaced(files) {
  const there = new Set(files.filter((file) => file !== 'lib.rs').map(placeOf))
  const missing = [...there].filter((place) => floorOf(place) < 0)
  const gone = FLOORS.flat().filter((place) => !there.has(place))
  return [
    ...missing.map((place) => `src/${place} has no place in the order of scripts/check-dependencies.mjs`),
    ...gone.map((place) => `scripts/check-dependencies.mjs has a place for src/${place}, which is not there`)
  ]
}

function against(arrows) {
  const isWrong = ({ from, to }) => placeOf(from) !== placeOf(to) && floorOf(placeOf(from)) >= floorOf(placeOf(to))
  return arrows.filter(isWrong).map((arrow) => {
    const [from, to] = [placeOf(arrow.from), placeOf(arrow.to)]
    return `${where(arrow)}: ${from} must not use ${to}, which does not stand below it: ${arrow.path} is of src/${arrow.to}`
  })
}

/** For each knot of files that use one another, its shortest circle. */
function circles(arrows) {
  const found = []
  const known = new Set()
  const out = grouped(arrows)
  const ways = arrows.flatMap((arrow) => {
    const back = wayBack(out, arrow)
    return back ? [[arrow, ...back]] : []
  })
  for (const way of ways.sort((one, other) => one.length - other.length)) {
    if (known.has(way[0].from)) continue
    const knot = knotOf(ways, way[0].from)
    for (const file of knot) known.add(file)
    const more = knot.size > way.length ? `, in a knot of ${knot.size}` : ''
    const lines = way.map((arrow) => `  ${where(arrow)} uses src/${arrow.to}: ${arrow.path}`)
    found.push([`A circle of ${way.length} files${more}:`, ...lines].join('\n'))
  }
  return found
}

/** The files that use one another, `file` among them, however long the way. */
function knotOf(ways, file) {
  const knot = new Set([file])
  for (let before = 0; before < knot.size; ) {
    before = knot.size
    for (const way of ways.filter((way) => way.some(({ from }) => knot.has(from)))) way.forEach(({ from }) => knot.add(from))
  }
  return knot
}

function grouped(arrows) {
  const out = new Map()
  for (const arrow of arrows) out.set(arrow.from, [...(out.get(arrow.from) ?? []), arrow])
  return out
}

/** The shortest way from where an arrow leads to where it begins; none where there is none. */
function wayBack(out, { from, to }) {
  const seen = new Set([to])
  let ways = [{ at: to, way: [] }]
  while (ways.length) {
    const next = []
    for (const { at, way } of ways) {
      for (const arrow of out.get(at) ?? []) {
        if (arrow.to === from) return [...way, arrow]
        if (seen.has(arrow.to)) continue
        seen.add(arrow.to)
        next.push({ at: arrow.to, way: [...way, arrow] })
      }
    }
    ways = next
  }
  return null
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) checkDependencies()
