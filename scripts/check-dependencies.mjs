// Checks that there is no import cycle between the files of src or between those of lib, and no import against the order
// of their folders. `lib/module-graph.mjs` defines what an import is in Rust, and `lib/ts-module-graph.mjs` in TypeScript.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { moduleGraph } from './lib/module-graph.mjs'
import { fromRoot } from './lib/paths.mjs'
import { tsModuleGraph } from './lib/ts-module-graph.mjs'

/**
 * The folders and single files of both trees, from the top floor down. Each may use what is below it and nothing else;
 * those on one floor do not know one another. The slices of lib have the order of those of src.
 */
const TREES = [
  {
    name: 'src',
    graph: moduleGraph,
    floors: [
      ['node'],
      ['doctor'],
      ['process'],
      ['broker', 'environment'],
      ['credential', 'usage'],
      ['net'],
      ['provider', 'secret'],
      ['error', 'sys'],
      ['words']
    ]
  },
  {
    name: 'lib',
    graph: tsModuleGraph,
    floors: [
      ['bundle', 'same-as-binding'],
      ['index'],
      ['doctor', 'sdk'],
      ['shared'],
      ['process'],
      ['broker', 'environment'],
      ['credential', 'usage'],
      ['secret'],
      ['internal']
    ]
  }
]

/** @param {string} root The directory that has src and lib. */
export function checkDependencies(root = fromRoot()) {
  const read = TREES.map((tree) => ({ ...tree, ...tree.graph(join(root, tree.name)) }))
  const wrong = read.flatMap((tree) => {
    if (!tree.arrows.length) throw new Error(`found no import in ${tree.name}: the check sees nothing`)
    return [...unplaced(tree), ...circles(tree), ...against(tree)]
  })
  if (wrong.length) throw new Error(wrong.join('\n'))
  for (const { name, files, arrows } of read)
    process.stdout.write(`${name}: ${files.length} files, ${arrows.length} imports between them, no circle, none against the order\n`)
}

const where = (tree, arrow) => `${tree.name}/${arrow.from}:${arrow.line}`

/** The folder below the tree, or the file that is there alone. */
const placeOf = (file) => file.split('/')[0].replace(/\.(rs|ts)$/, '')

const floorOf = ({ floors }, place) => floors.findIndex((floor) => floor.includes(place))

/** What has no place in the order, and what has one and is gone. */
function unplaced(tree) {
  const there = new Set(tree.files.filter((file) => file !== 'lib.rs').map(placeOf))
  const missing = [...there].filter((place) => floorOf(tree, place) < 0)
  const gone = tree.floors.flat().filter((place) => !there.has(place))
  return [
    ...missing.map((place) => `${tree.name}/${place} has no place in the order of scripts/check-dependencies.mjs`),
    ...gone.map((place) => `scripts/check-dependencies.mjs has a place for ${tree.name}/${place}, which does not exist`)
  ]
}

function against(tree) {
  const isWrong = ({ from, to }) => placeOf(from) !== placeOf(to) && floorOf(tree, placeOf(from)) >= floorOf(tree, placeOf(to))
  return tree.arrows.filter(isWrong).map((arrow) => {
    const [from, to] = [placeOf(arrow.from), placeOf(arrow.to)]
    return `${where(tree, arrow)}: ${from} must not use ${to}, which is not below it: ${arrow.path} is in ${tree.name}/${arrow.to}`
  })
}

/** For each knot of files that use one another, its shortest circle. */
function circles(tree) {
  const { arrows } = tree
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
    const lines = way.map((arrow) => `  ${where(tree, arrow)} uses ${tree.name}/${arrow.to}: ${arrow.path}`)
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
