// Writes the types that follow from the table of providers at the end of binding.d.ts, so that a new row requires no manual change of types.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const BEGIN = '// What follows from the rows in src/provider.'

/** @param {string} outDir where a build for this platform lies */
export function providerTypes(outDir) {
  const addon = readdirSync(outDir).find((name) => name.endsWith('.node'))
  const { providerFacts, keyClasses } = createRequire(import.meta.url)(join(outDir, addon))
  const rows = providerFacts()
  return [
    BEGIN,
    '',
    '/** The CLI that serves a request. */',
    `export type ProviderId = ${union(rows.map(({ id }) => id))}`,
    '',
    '/** The classes of keys with a known shape. */',
    `export type KeyClass = ${union(keyClasses())}`,
    '',
    '/** The directories in which the CLIs keep their state. docs/providers.md explains what each CLI does without one. */',
    'export interface StateDirectories {',
    ...rows.flatMap(stateDirectory),
    '}',
    ''
  ].join('\n')
}

/** Those that a file has already. @param {string} file */
export function providerTypesIn(file) {
  const text = readFileSync(file, 'utf8')
  return text.slice(text.indexOf(BEGIN))
}

/** @param {string[]} words */
function union(words) {
  return words.map((word) => `'${word}'`).join(' | ')
}

function stateDirectory({ name, stateVariable, stateOption, stateBelowHome, neededDirectories }) {
  const must = neededDirectories.includes(stateVariable)
    ? 'If it is given, it must exist, and the target uid must be able to write to it.'
    : 'If it is given, the target uid must be able to write to it; the CLI creates it if it does not exist.'
  return [
    `  /** \`${stateVariable}\` of ${name}. ${must} Default: \`${stateBelowHome}\` below \`home\`. */`,
    `  ${stateOption}?: string | undefined`
  ]
}
