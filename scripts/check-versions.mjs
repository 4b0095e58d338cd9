// Checks that every file that names versions of the CLIs has the same ones as the rows of the core, and that the table
// shows that they passed.
import { readFileSync } from 'node:fs'
import { clis } from './compat/clis.mjs'
import { rowsIn } from './compat/table.mjs'
import { fromRoot } from './lib/paths.mjs'

/**
 * What does not agree; none where all does.
 * @param {(path: string) => string} read a file of the repository
 * @returns {string[]}
 */
export function disagreements(read) {
  const rows = providersIn(read('src/provider/mod.rs')).map((cli) => {
    const [row, program] = ['mod', 'cli'].map((name) => read(`src/provider/${cli}/${name}.rs`))
    return { cli, program, name: nameOf(cli, row), ...versionsOf(cli, program) }
  })
  return [
    ...inReadme(rows, read('README.md')),
    ...inProviders(rows, read('docs/providers.md')),
    ...inTable(rows, read('docs/compatibility.md')),
    ...inManifest(rows, JSON.parse(read('package.json'))),
    ...inClis(rows)
  ]
}

export function checkVersions() {
  const wrong = disagreements((path) => readFileSync(fromRoot(path), 'utf8'))
  if (wrong.length)
    throw new Error(`the versions do not agree with the rows in src/provider:\n${wrong.map((one) => `- ${one}`).join('\n')}`)
}

/** The ids of the rows, which are the names of their folders. */
function providersIn(source) {
  const [, table = ''] = /pub static PROVIDERS: [^=]+= &\[([^\]]*)\]/.exec(source) ?? []
  const ids = [...table.matchAll(/&(\w+)::/g)].map(([, id]) => id)
  if (!ids.length) throw new Error('scripts/check-versions.mjs found no row in PROVIDERS of src/provider/mod.rs')
  return ids
}

/** As people know it. */
function nameOf(cli, source) {
  const [, name] = /^ {4}name: "([^"]+)"/m.exec(source) ?? []
  if (!name) throw new Error(`scripts/check-versions.mjs found no name in the row of ${cli}`)
  return name
}

/** The row's own, from its source: nothing has to be built. */
function versionsOf(cli, source) {
  const version = (text, field) => {
    const [, numbers] = new RegExp(`\\b${field}: Version::new\\(([\\d, ]+)\\)`).exec(text) ?? []
    if (!numbers) throw new Error(`scripts/check-versions.mjs found no ${field} in the row of ${cli}`)
    return numbers.split(',').map(Number).join('.')
  }
  const [, ofCli = ''] = source.split('versions: Versions {')
  const [, ofSdk = ''] = source.split('sdk: Sdk {')
  const [, sdk = ''] = /package: "([^"]+)"/.exec(ofSdk) ?? []
  return { oldest: version(ofCli, 'oldest'), tested: version(ofCli, 'tested'), sdk, oldestSdk: version(ofSdk, 'oldest') }
}

function inReadme(rows, text) {
  const said = rows.map(({ name, oldest, tested }) => `${name} ${oldest} to ${tested}`)
  return said.filter((range) => !text.includes(range)).map((range) => `README.md does not say "${range}"`)
}

function inProviders(rows, text) {
  const cells = (begin) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`| ${begin} |`))
      ?.split('|')
      .slice(2, -1) ?? []
  const expected = { 'oldest supported': 'oldest', 'newest tested': 'tested', 'oldest SDK': 'oldestSdk' }
  return Object.entries(expected).flatMap(([begin, field]) => {
    return rows
      .filter((row, index) => !new RegExp(`(^|\\s)${row[field].replaceAll('.', '\\.')}(\\s|$)`).test(cells(begin)[index] ?? ''))
      .map((row) => `docs/providers.md does not have ${row[field]} as "${begin}" of ${row.cli}`)
  })
}

function inTable(rows, text) {
  const passed = rowsIn(text).filter(({ failed }) => failed === 0)
  return rows.flatMap(({ cli, oldest, tested }) =>
    [oldest, tested]
      .filter((version) => !passed.some((row) => row.cli === cli && row.version === version))
      .map((version) => `docs/compatibility.md has no row of ${cli} ${version} in which all tests passed`)
  )
}

function inManifest(rows, { peerDependencies }) {
  return rows
    .filter(({ sdk, oldestSdk }) => peerDependencies[sdk] !== `>=${oldestSdk}`)
    .map(({ sdk, oldestSdk }) => `package.json does not have >=${oldestSdk} as the peer dependency ${sdk}`)
}

/** What `npm run compat` installs and tests. */
function inClis(rows) {
  return rows
    .filter(({ cli, program }) => !Object.hasOwn(clis, cli) || !program.includes(`"${clis[cli].package}"`))
    .map(({ cli }) => `scripts/compat/clis.mjs does not have ${cli} with a package of its row`)
}
