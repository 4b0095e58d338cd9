// The table of results by version: reads it from the document, and writes it into the document.
import { clis } from './clis.mjs'

const BEGIN = '<!-- Written by `npm run compat`; edits here are lost. -->'
export const END = '<!-- The end of what is written. -->'
const HEAD = ['| CLI | version | passed | failed | skipped | date | provider-env |', '|---|---|--:|--:|--:|---|---|']
const LONGEST = 110
const MOST = 4

/** @typedef {{ cli: string, version: string, passed: number, failed: number, skipped: number, date: string, own: string, failures: string[] }} Row own: the version of this package */

/** @param {Row[]} rows @returns {string} Markdown: the table, and beneath it the names of the tests that failed */
export function tableText(rows) {
  const sorted = [...rows].sort(order)
  const lines = sorted.map(
    ({ cli, version, passed, failed, skipped, date, own }) => `| ${[cli, version, passed, failed, skipped, date, own].join(' | ')} |`
  )
  const failures = sorted.filter(({ failed }) => failed > 0).map(failureText)
  return [[...HEAD, ...lines].join('\n'), ...failures].join('\n\n')
}

function failureText({ cli, version, failures }) {
  const names = failures.length ? failures : ['no test failed: see the log']
  return [`${cli} ${version} failed:`, '', ...names.map((name) => `- \`${name}\``)].join('\n')
}

/** A test's name as it is in the table: its file's without what all have, and no longer than a line. */
export function shortName(name) {
  const short = name
    .replace(/^__test__\/real-cli\//, '')
    .replace(/\.test\.js: /, ': ')
    .replaceAll('`', "'")
    .replace(/\s+/g, ' ')
  return short.length > LONGEST ? `${short.slice(0, LONGEST - 1)}…` : short
}

/** The names of what failed; of a file of which more than a few did, how many. @param {string[]} names @returns {string[]} */
export function shortened(names) {
  const short = names.map(shortName)
  const fileOf = (name) => name.split(': ')[0]
  const ofFile = (name) => short.filter((other) => fileOf(other) === fileOf(name)).length
  return [...new Set(short.map((name) => (ofFile(name) > MOST ? `${fileOf(name)}: ${ofFile(name)} tests` : name)))].sort()
}

/** By CLI, the newest version first, a release before what led to it. @param {Row} a @param {Row} b */
function order(a, b) {
  const names = Object.keys(clis)
  const [left, right] = [a, b].map(({ version }) => [...version.split('-')[0].split('.').map(Number), version.includes('-') ? 0 : 1])
  const differs = left.findIndex((number, index) => number !== right[index])
  return names.indexOf(a.cli) - names.indexOf(b.cli) || (differs < 0 ? b.version.localeCompare(a.version) : right[differs] - left[differs])
}

/** @param {string} document @returns {Row[]} */
export function rowsIn(document) {
  const { inside } = split(document)
  const failures = new Map()
  for (const [, cli, version, list] of inside.matchAll(/^(\S+) (\S+) failed:\n\n((?:- `.*`\n?)+)/gm)) {
    failures.set(
      `${cli} ${version}`,
      [...list.matchAll(/^- `(.*)`$/gm)].map(([, name]) => name)
    )
  }
  return [...inside.matchAll(/^\| (\w+) \| (\d\S*) \| (\d+) \| (\d+) \| (\d+) \| (\S+) \| (\S+) \|$/gm)].map(
    ([, cli, version, passed, failed, skipped, date, own]) => ({
      cli,
      version,
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(skipped),
      date,
      own,
      failures: failures.get(`${cli} ${version}`) ?? []
    })
  )
}

/** The document with these rows; a version that it had has the newer row. @param {string} document @param {Row[]} rows */
export function withRows(document, rows) {
  const { before, after } = split(document)
  const all = new Map([...rowsIn(document), ...rows].map((row) => [`${row.cli} ${row.version}`, row]))
  return `${before}${BEGIN}\n\n${tableText([...all.values()])}\n\n${END}${after}`
}

/** A document around what is written into it. @param {string} document @param {string} [begin] */
export function split(document, begin = BEGIN) {
  const [before, rest, ...more] = document.split(begin)
  const [inside, after, ...others] = rest?.split(END) ?? []
  if (after === undefined || more.length || others.length)
    throw new Error(`the document must have exactly one ${begin} before exactly one ${END}`)
  return { before, inside, after }
}
