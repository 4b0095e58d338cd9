// What each version of a CLI sends directly and through the broker: measures it, and makes the tables of docs/broker.md.
import { fromRoot } from '../lib/paths.mjs'
import { run, tail } from '../lib/run.mjs'
import { clis } from './clis.mjs'
import { END, split } from './table.mjs'
import { nameOf } from './targets.mjs'

/** By CLI, as __test__/fixtures/broker-requests.js knows them. */
const SCENARIOS = {
  claude: ['claude key', 'claude key, --model claude-sonnet-4-5', 'claude login'],
  codex: ['codex key']
}
const BEGIN = '<!-- Written by `npm run compat -- --requests`; edits here are lost. -->'

/** @typedef {{ request: string, credential: string, headers: string[] }} Sent */
/** @typedef {{ sent: Sent[], bodies: string[] }} Side */
/** @typedef {{ scenario: string, version: string, direct: Side, broker: Side }} Measured */

/**
 * @param {{ cli: string, version: string }} target
 * @param {string} program
 * @param {string} scratch where every uid may make files
 * @returns {Promise<Measured[]>}
 */
export async function measured(target, program, scratch) {
  const all = []
  for (const scenario of SCENARIOS[target.cli]) {
    const fixture = fromRoot('__test__', 'fixtures', 'broker-requests.js')
    const env = { [clis[target.cli].variable]: program, TMPDIR: scratch }
    const { text } = await run(fromRoot('scripts', 'netns.sh'), [process.execPath, fixture, scenario], {
      env,
      output: 'keep',
      timeoutMs: 300_000
    })
    const [, result] = /^RESULT (.*)$/m.exec(text) ?? []
    if (result === undefined) throw new Error(`${nameOf(target)}, ${scenario}: ${tail(text, 20)}`)
    all.push({ scenario, version: target.version, ...JSON.parse(result) })
  }
  return all
}

/** The document with these tables. @param {string} document @param {Measured[]} all */
export function withRequests(document, all) {
  const { before, after } = split(document, BEGIN)
  return `${before}${BEGIN}\n\n${requestTables(all)}\n\n${END}${after}`
}

/** Markdown: a table for each scenario, with a column for each version. @param {Measured[]} all */
export function requestTables(all) {
  const scenarios = [...new Set(all.map(({ scenario }) => scenario))].sort()
  return scenarios
    .map((scenario) =>
      tableOf(
        scenario,
        all.filter((each) => each.scenario === scenario)
      )
    )
    .join('\n\n')
}

/** @param {string} scenario @param {Measured[]} columns */
function tableOf(scenario, columns) {
  columns.sort((a, b) => a.version.localeCompare(b.version, undefined, { numeric: true }))
  const rows = [
    ...rowsOf('', columns.map(credentials)),
    ...rowsOf('header ', columns.map(headers)),
    ...rowsOf('in bodies ', columns.map(bodies))
  ]
  const equal = columns.map(
    ({ direct, broker }) => `${inBoth(headersOf(direct), headersOf(broker, direct))}, ${inBoth(direct.bodies, broker.bodies)}`
  )
  return [
    `**${scenario}**`,
    '',
    `| | ${columns.map(({ version }) => version).join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
    ...rows,
    `| equal: headers, members of bodies | ${equal.join(' | ')} |`
  ].join('\n')
}

/** A row for each thing that any version has; in each cell, how it is directly and through the broker. @param {string} prefix @param {Map<string, string>[]} cells */
function rowsOf(prefix, cells) {
  const names = [...new Set(cells.flatMap((each) => [...each.keys()]))].sort()
  return names.map((name) => `| ${prefix}\`${name}\` | ${cells.map((each) => each.get(name) ?? '').join(' | ')} |`)
}

/** What credential each request has. @param {Measured} of @returns {Map<string, string>} */
function credentials({ direct, broker }) {
  const asked = [...new Set([...direct.sent, ...broker.sent].map(({ request }) => request))]
  const having = (/** @type {Side} */ { sent }, /** @type {string} */ request) =>
    [...new Set(sent.filter((each) => each.request === request).map(({ credential }) => credential))].join(' or ') || '–'
  return new Map(asked.map((request) => [request, `${having(direct, request)} → ${having(broker, request)}`]))
}

/** What is in the headers of one side alone, of the requests that both sent. @param {Measured} of */
const headers = ({ direct, broker }) => oneSided(headersOf(direct, broker), headersOf(broker, direct))

/** @param {Measured} of */
const bodies = ({ direct, broker }) => oneSided(direct.bodies, broker.bodies)

/** @param {Side} side @param {Side} [other] */
function headersOf({ sent }, other) {
  const isShared = (/** @type {string} */ request) => !other || other.sent.some((each) => each.request === request)
  return [
    ...new Set(
      sent
        .filter(({ request }) => isShared(request))
        .flatMap(({ request, headers: all }) => all.map((header) => `${header} (${request.split(' ')[1]})`))
    )
  ]
}

/** @param {string[]} direct @param {string[]} broker */
function oneSided(direct, broker) {
  return new Map([
    ...direct.filter((each) => !broker.includes(each)).map((each) => [each, 'lost']),
    ...broker.filter((each) => !direct.includes(each)).map((each) => [each, 'added'])
  ])
}

/** @param {string[]} direct @param {string[]} broker */
const inBoth = (direct, broker) => direct.filter((each) => broker.includes(each)).length
