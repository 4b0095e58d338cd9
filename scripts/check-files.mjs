// The house's rules for files: none over 500 lines without its tests, each opens with a comment that says its job, and what must
// stand nowhere, or in one place alone.
import { readFileSync, readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fromRoot, root, walk } from './lib/paths.mjs'

const most = 500
/** Of a line of the facade. The formatter breaks code there, and leaves comments alone, and a text that is one string. */
const mostColumns = 140

/** What fetches a package by its name, then the command's name, which is no package of ours: nobody owns it. */
const FETCHES = /\b(?:npx|pnpx|bunx|npm (?:exec|x|i|install|add|create)|(?:pnpm|yarn|bun) (?:dlx|x|exec|add))\b[^\n`|"']*?(?<![\w@/.-])provider-env(?![\w./-])/g

/** The places of a text that would have somebody else's package fetched and run: the name without its scope. */
export function unscopedNames(text) {
  return [...text.matchAll(FETCHES)].map(([found]) => found).filter((found) => !found.includes('@webalive/provider-env'))
}

/** Where this package lies is asked for in one file, which knows that a bundle lies nowhere. */
const PLACE = /\b__(?:dir|file)name\b|\brequire\.resolve\b|\bimport\.meta\b/
const PLACES = 'lib/internal/own-directory.ts'

/** The lines that nobody had to make so long. */
function tooLong(text) {
  const hasLongText = /(['"`])(?:(?!\1).){50,}/
  return text.split('\n').flatMap((line, index) => (line.length > mostColumns && !hasLongText.test(line) ? [index + 1] : []))
}

/** Every text of the repository, but for what is made or fetched. */
function texts() {
  const isText = (path) => /\.(md|rs|[cm]?js|[cm]?ts|json|ya?ml|toml|sh)$/.test(path)
  const entries = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !['.git', 'node_modules', 'target'].includes(name))
  return entries.flatMap((entry) => (entry.isDirectory() ? walk(fromRoot(entry.name), isText) : [fromRoot(entry.name)].filter(isText)))
}

export function checkFiles() {
  const source = (path) => /\.(rs|[cm]?js|ts|mts)$/.test(path)
  const files = ['src', 'lib', 'bin', 'scripts', 'tests', 'fuzz/fuzz_targets', 'bench', 'demo', '__test__']
    .flatMap((dir) => walk(fromRoot(...dir.split('/')), source))
  const wrong = []
  const sizes = []
  for (const path of texts()) {
    for (const found of unscopedNames(readFileSync(path, 'utf8'))) wrong.push(`${relative(root, path)}: "${found}" fetches a package that is not ours: its name is @webalive/provider-env`)
  }
  for (const path of files) {
    const text = readFileSync(path, 'utf8')
    const name = relative(root, path)
    const opening = text.split('\n', 3).filter((line) => !/^(#!.*|'use strict'|)$/.test(line))[0] ?? ''
    if (!/^(\/\/|\/\*)/.test(opening)) wrong.push(`${name}: does not open with a comment that says its job`)
    if (/^lib\//.test(name) && name !== PLACES && PLACE.test(text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, ''))) wrong.push(`${name}: asks where it lies, which only ${PLACES} does: in a bundle there is no such place`)
    if (/^lib\//.test(name)) wrong.push(...tooLong(text).map((line) => `${name}:${line}: longer than ${mostColumns} columns`))
    if (!/^(src|lib|bin|bench|demo|scripts)\//.test(name)) continue
    // Unit tests stand at the foot of a Rust file and don't count.
    const lines = text.split(/^#\[cfg\(test\)\]\s*\n(?:#\[.*\]\s*\n)*mod \w+ \{/m)[0].trimEnd().split('\n').length
    sizes.push(lines)
    if (lines > most) wrong.push(`${name}: ${lines} lines without its tests; the most is ${most}`)
  }
  if (wrong.length) throw new Error(wrong.join('\n'))
  sizes.sort((a, b) => a - b)
  process.stdout.write(`${sizes.length} files of source, median ${sizes[sizes.length >> 1] ?? 0} lines, most ${sizes.at(-1) ?? 0}\n`)
}
