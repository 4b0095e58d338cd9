// Writes the types that follow from the table of providers, so that a new row requires no manual change of types.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * @param {string} outDir where a build for this platform lies
 * @param {string} file the name of the types below it
 */
export function writeProviderTypes(outDir, file) {
  const addon = readdirSync(outDir).find((name) => name.endsWith('.node'))
  const rows = createRequire(import.meta.url)(join(outDir, addon)).providerFacts()
  const lines = [
    '// The types that follow from the rows in src/provider. `npm run build` writes this file.',
    '',
    '/** The CLI that serves a request. */',
    `export type ProviderId = ${rows.map(({ id }) => `'${id}'`).join(' | ')}`,
    '',
    '/** The directories in which the CLIs keep their state. docs/providers.md explains what each CLI does without one. */',
    'export interface StateDirectories {',
    ...rows.flatMap(stateDirectory),
    '}',
    ''
  ]
  mkdirSync(dirname(join(outDir, file)), { recursive: true })
  writeFileSync(join(outDir, file), lines.join('\n'))
}

function stateDirectory({ name, stateVariable, stateOption, stateBelowHome, neededDirectories }) {
  const must = neededDirectories.includes(stateVariable)
    ? 'If it is given, it must exist, and the target uid must be able to write to it.'
    : 'If it is given, the target uid must be able to write to it; the CLI creates it if it does not exist.'
  return [`  /** \`${stateVariable}\` of ${name}. ${must} Default: \`${stateBelowHome}\` below \`home\`. */`, `  ${stateOption}?: string | undefined`]
}
