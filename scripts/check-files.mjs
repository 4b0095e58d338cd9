// Checks the rules for files: at most 500 lines without tests, a first comment that states the file's job, texts that must not
// occur at all or only in one place, names at the boundary, and phrases that no reader should meet.
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fromRoot, root, walk } from './lib/paths.mjs'

const most = 500
/** Of a line of the facade. The formatter breaks code there, and leaves comments alone, and a text that is one string. */
const mostColumns = 140

/** What fetches a package by its name, then the command's name, which is no package of ours: nobody owns it. */
const FETCHES =
  /\b(?:npx|pnpx|bunx|npm (?:exec|x|i|install|add|create)|(?:pnpm|yarn|bun) (?:dlx|x|exec|add))\b[^\n`|"']*?(?<![\w@/.-])provider-env(?![\w./-])/g

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

/** The names of the addon's types against the rule: a class is `Native…`, and nothing else is. */
export function misnamed(types) {
  const declared = [...types.matchAll(/^export (?:declare )?(class|interface|type|enum|const enum) (\w+)/gm)]
  if (!declared.length) throw new Error('found no type in binding.d.ts: the check sees nothing')
  return declared
    .filter(([, kind, name]) => (kind === 'class') !== name.startsWith('Native'))
    .map(([, kind, name]) => `binding.d.ts: the ${kind} ${name} is misnamed: a class begins with Native, and nothing else does`)
}

/** Phrases that are never good English in a message or on a page, each with what to write instead. Only what is always wrong. */
const PHRASES = /** @type {[RegExp, string][]} */ ([
  [/\b(?:cannot be|can be|is to be|are to be) had\b/i, 'is (not) available'],
  [/\bby turns\b/i, 'alternately'],
  [/\bfor want of\b/i, 'without, because … is missing'],
  [/\bof (?:its|their) own accord\b/i, 'automatically'],
  [/\bbest it is\b/i, 'a sentence that begins with its subject or with a verb'],
  [/\bmend(?:s|ed|ing)?\b(?!\()/i, 'fix, correct'],
  [/\b(?:somebody|anybody|something|nothing) else than\b|\bothers than\b/i, 'other than'],
  [/(?<!\bthere )\b(?:is|are) no (?:regular file|file|directory|symlink|number|object|pipe|JSON|UTF-8|terminal)\b/i, 'is not a'],
  [/\bhalf of a surrogate\b/i, 'an unpaired surrogate']
])

/**
 * The phrases in the text of a file that a user reads: the whole of a page and of types, and what is no comment and no unit test
 * in code.
 * @param {string} name
 * @param {string} text
 */
export function unidiomatic(name, text) {
  const read = /\.(?:md|d\.m?ts)$/.test(name) ? text : withoutComments(text.split(/^#\[cfg\(test\)\]/m)[0])
  return PHRASES.flatMap(([phrase, instead]) => {
    const found = phrase.exec(read)
    return found ? [`${name}: "${found[0]}" is not idiomatic English. Write: ${instead}`] : []
  })
}

/** Comments on separate lines, and those behind code. A Rust string goes on in the next line after a backslash. @param {string} text */
const withoutComments = (text) =>
  text
    .replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
    .replace(/\s\/\/ .*$/gm, '')
    .replace(/\\\n\s*/g, '')

/** Whether a user reads the text of this file: messages, pages, types. @param {string} name */
const isRead = (name) =>
  name !== 'CHANGELOG.md' &&
  !/(?:^|\/)tests?(?:\/|\.rs$)/.test(name) &&
  /^(?:(?:src|lib|bin|demo|scripts)\/.*\.(?:rs|[cm]?js|ts)|docs\/.*\.md|[^/]*\.(?:md|d\.m?ts))$/.test(name)

/** Every text of the repository, but for what is made or fetched. */
function texts() {
  const isText = (path) => /\.(md|rs|[cm]?js|[cm]?ts|json|ya?ml|toml|sh)$/.test(path)
  const entries = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !['.git', 'node_modules', 'target'].includes(name))
  return entries.flatMap((entry) => (entry.isDirectory() ? walk(fromRoot(entry.name), isText) : [fromRoot(entry.name)].filter(isText)))
}

export function checkFiles() {
  const source = (path) => /\.(rs|[cm]?js|ts|mts)$/.test(path)
  const files = ['src', 'lib', 'bin', 'scripts', 'tests', 'fuzz/fuzz_targets', 'bench', 'demo', '__test__'].flatMap((dir) =>
    walk(fromRoot(...dir.split('/')), source)
  )
  const wrong = misnamed(readFileSync(fromRoot('binding.d.ts'), 'utf8'))
  const sizes = []
  for (const path of texts()) {
    const [name, text] = [relative(root, path), readFileSync(path, 'utf8')]
    for (const found of unscopedNames(text))
      wrong.push(`${name}: "${found}" fetches a package that is not ours. Write @webalive/provider-env`)
    // The table of phrases has them all.
    if (isRead(name) && name !== 'scripts/check-files.mjs') wrong.push(...unidiomatic(name, text))
  }
  for (const path of files) {
    const text = readFileSync(path, 'utf8')
    const name = relative(root, path)
    const opening = text.split('\n', 3).filter((line) => !/^(#!.*|'use strict'|)$/.test(line))[0] ?? ''
    if (!/^(\/\/|\/\*)/.test(opening)) wrong.push(`${name}: does not begin with a comment that states its job`)
    if (/^lib\//.test(name) && name !== PLACES && PLACE.test(text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')))
      wrong.push(`${name}: uses its own path, which only ${PLACES} may do, because a file in a bundle has no path`)
    if (/^lib\//.test(name)) wrong.push(...tooLong(text).map((line) => `${name}:${line}: longer than ${mostColumns} columns`))
    if (!/^(src|lib|bin|bench|demo|scripts)\//.test(name)) continue
    // Unit tests stand at the foot of a Rust file and don't count.
    const lines = text
      .split(/^#\[cfg\(test\)\]\s*\n(?:#\[.*\]\s*\n)*mod \w+ \{/m)[0]
      .trimEnd()
      .split('\n').length
    sizes.push(lines)
    if (lines > most) wrong.push(`${name}: ${lines} lines without its tests; the limit is ${most}`)
  }
  if (wrong.length) throw new Error(wrong.join('\n'))
  sizes.sort((a, b) => a - b)
  process.stdout.write(`${sizes.length} files of source, median ${sizes[sizes.length >> 1] ?? 0} lines, most ${sizes.at(-1) ?? 0}\n`)
}
