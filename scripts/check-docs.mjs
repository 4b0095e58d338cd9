// What the pages name exists: error codes, exported names, options and their defaults, files, variables of ours, npm scripts, links and
// anchors. And the README is short.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fromRoot, root, walk } from './lib/paths.mjs'

const README_WORDS = 1000

/** Names of other people's that pages use, and that our sources may not have, by whose they are. */
const OTHERS = new Set(
  Object.values({
    'Agent SDK': ['abortController', 'debugFile', 'systemPrompt'],
    Codex: ['modelProvider', 'resumeThread', 'startThread'],
    'Linux and systemd': ['KillMode', 'clone', 'waitpid'],
    'Node.js and JavaScript': ['require', 'setPriority', 'toString', 'trim', 'windowsHide', 'windowsVerbatimArguments'],
    'other programs and packages': ['DeTable', 'SecretBox', 'ignoreDynamicRequires'],
    'this repository, but not its package': ['expose_secret', 'vX']
  }).flat()
)

const SOURCES = ['src', 'lib', 'bin', 'scripts', 'demo', 'bench', 'tests', 'fuzz', join('__test__', 'support')]

/** Every page with its text, by its path from the root. */
export function readPages() {
  const names = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
  const pages = [
    ...names,
    ...readdirSync(fromRoot('docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`)
  ]
  return Object.fromEntries(pages.map((page) => [page, readFileSync(fromRoot(page), 'utf8')]))
}

export function checkDocs() {
  const pages = readPages()
  const wrong = problems(pages)
  if (wrong.length) throw new Error(wrong.join('\n'))
  const counts = Object.values(pages).map((text) => words(text))
  process.stdout.write(`${counts.length} pages of ${counts.reduce((sum, count) => sum + count, 0)} words name nothing that is not there\n`)
}

/**
 * What pages name that is not there, a line for each.
 * @param {Record<string, string>} pages
 * @returns {string[]}
 */
export function problems(pages) {
  const facts = readFacts()
  const anchors = Object.fromEntries(Object.entries(pages).map(([page, text]) => [page, anchorsOf(text)]))
  const found = []
  for (const [page, text] of Object.entries(pages)) {
    const isHistory = page === 'CHANGELOG.md'
    for (const { line, number, isOption } of proseOf(text)) {
      const said = [...inLinks(line, page, anchors), ...(isHistory ? [] : [...inSpans(line, facts), ...inDefaults(line, facts)])]
      if (!isHistory && isOption) said.push(...inOptionRow(line, facts))
      found.push(...said.map((what) => `${page}:${number}: ${what}`))
    }
    if (!isHistory) found.push(...inWholeText(text, facts).map((what) => `${page}: ${what}`))
  }
  const length = words(pages['README.md'] ?? '')
  if (length >= README_WORDS) found.push(`README.md: ${length} words; it must have fewer than ${README_WORDS}`)
  return found
}

const words = (text) => text.split(/\s+/).filter(Boolean).length

function readFacts() {
  const declarations = readFileSync(fromRoot('index.d.ts'), 'utf8')
  // Not this file: it has the names of others.
  const isSource = (path) => /\.(rs|[cm]?[jt]s|json|sh|toml|ya?ml|txt|c)$/.test(path) && basename(path) !== 'check-docs.mjs'
  const sources = SOURCES.flatMap((dir) => walk(fromRoot(...dir.split('/')), isSource))
  const tests = walk(fromRoot('__test__'), isSource)
  const text = [...sources.map((path) => readFileSync(path, 'utf8')), declarations].join('\n')
  return {
    declarations,
    text,
    public: new Set(declarations.match(/[A-Za-z_]\w*/g)),
    known: new Set(text.match(/[A-Za-z_]\w*/g)),
    // Of these the addon has the list.
    codes: new Set(readFileSync(fromRoot('binding.d.ts'), 'utf8').match(/(?<=')ERR_PROVIDER_[A-Z_]+(?=')/g)),
    names: new Set([...sources, ...tests].map((path) => basename(path))),
    scripts: Object.keys(JSON.parse(readFileSync(fromRoot('package.json'), 'utf8')).scripts),
    places: readdirSync(root).filter((name) => name !== '.git' && name !== 'node_modules')
  }
}

/** The lines that are not in a block of code, with their numbers, and whether each is a row of a table of options. */
function proseOf(text) {
  let isCode = false
  let heading = ''
  return text.split('\n').flatMap((line, index) => {
    const isFence = /^\s*```/.test(line)
    if (isFence) isCode = !isCode
    const isHeading = line.startsWith('|') && !heading
    if (isHeading || !line.startsWith('|')) heading = line.startsWith('|') ? line : ''
    const isOption = !isHeading && /^\| (option|field) \|/.test(heading)
    return isCode || isFence ? [] : [{ line, number: index + 1, isOption }]
  })
}

/** As GitHub makes them of headings. */
function anchorsOf(text) {
  const counts = new Map()
  return new Set(
    proseOf(text).flatMap(({ line }) => {
      const [, heading] = /^#{1,6} (.+)$/.exec(line) ?? []
      if (!heading) return []
      const slug = heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-')
      const count = counts.get(slug) ?? 0
      counts.set(slug, count + 1)
      return [count ? `${slug}-${count}` : slug]
    })
  )
}

function inLinks(line, page, anchors) {
  return [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path, anchor] = target.split('#')
    const file = path ? relative(root, join(fromRoot(dirname(page)), path)) : page
    if (!existsSync(fromRoot(file))) return [`the link ${target} leads to no file`]
    return anchor && anchors[file] && !anchors[file].has(anchor) ? [`the link ${target} leads to no heading`] : []
  })
}

/** Codes wherever they are, also in blocks of code, and what `npm run` is told to run. */
function inWholeText(text, { codes, known, scripts }) {
  const named = new Set(text.match(/\b(?:ERR_)?PROVIDER_[A-Z_]+\b(?!\w|\*)/g))
  const unknown = [...named].filter((name) => (name.startsWith('ERR_') ? !codes.has(name) : !known.has(name)))
  const runs = [...text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map(([, name]) => name)
  return [
    ...unknown.map((name) => `there is no code or variable ${name}`),
    ...runs.filter((name) => !scripts.includes(name) && name !== 'lint').map((name) => `package.json has no script ${name}`)
  ]
}

function inSpans(line, facts) {
  return [...line.matchAll(/`([^`]+)`/g)].flatMap(([, span]) => [...inFile(span, facts), ...inNames(span, facts)])
}

/** A path below one of the root's own directories, or the name of a Rust file. A `*` or `<id>` in it may be anything. */
function inFile(span, { names, places }) {
  const [path] = span.split(/[\s:#]/, 1)
  const [first] = path.split('/', 1)
  if (path.includes('/') && places.includes(first)) {
    const [fixed] = path.split(/[*<]/, 1)
    const place = fixed === path ? path : dirname(`${fixed}x`)
    return existsSync(fromRoot(place)) ? [] : [`there is no file ${path}`]
  }
  return /^[\w-]+\.rs$/.test(path) && !names.has(path) ? [`no source file is called ${path}`] : []
}

function inNames(span, facts) {
  const [, called] = /^(?:new )?([A-Za-z_]\w*)\(/.exec(span) ?? []
  if (called && !facts.public.has(called) && !OTHERS.has(called) && !/^\w+\(\d\)$/.test(span))
    return [`nothing public is called ${called}()`]
  const [, option] = /^options\.(\w+)/.exec(span) ?? []
  if (option && !isProperty(option, facts)) return [`there is no option ${option}`]
  // A path, an address or a flag has its own words; a call's arguments are the reader's.
  const text = /^[-/~$"]|:\/\//.test(span) ? '' : span
  const compound = text.match(/(?<![\w-])[A-Za-z]\w*(?![\w-])/g)?.filter((word) => /[a-z][A-Z]/.test(word)) ?? []
  const ours = text.match(/\b(?:ALIVE|LOCKBOX)_[A-Z_]+\b/g) ?? []
  return [...compound, ...ours].filter((word) => !facts.known.has(word) && !OTHERS.has(word)).map((word) => `nothing is called ${word}`)
}

/** The first cell of a row: properties of our types, or flags of the binary. */
function inOptionRow(row, facts) {
  const [cell] = row.split(/ \| |\|$/, 1)
  return [...cell.matchAll(/`(-*\w[\w-]*)/g)].flatMap(([, name]) => {
    const isThere = name.startsWith('-') ? facts.text.includes(name) : isProperty(name, facts)
    return isThere ? [] : [`there is no option ${name}`]
  })
}

const isProperty = (name, { declarations }) => new RegExp(`^\\s+(?:readonly |get )?${name}(?:\\(\\))?\\??: `, 'm').test(declarations)

/** `option` (default 5 minutes), `option`, by default 5: as the comment on that property has it. Numbers and code alone. */
function inDefaults(line, { declarations }) {
  const said =
    /`(?:options\.)?(\w+)`(?: of [^()|]{1,40})?,? (?:\((?:[^()|]*, )?|by )default:? (`[^`]+`|\d[\d,]*(?: \d{3})*(?: (?:ms|seconds?|minutes?|hours?)\b)?)/g
  return [...line.matchAll(said)].flatMap(([, option, value]) => {
    const comments = [
      ...declarations.matchAll(new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s+(?:readonly |get )?${option}(?:\\(\\))?\\??: `, 'g'))
    ]
    const defaults = comments.flatMap(([, comment]) =>
      [...comment.replace(/\n\s*\* ?/g, ' ').matchAll(/Default:? ([^.;:]+)/g)].map(([, text]) => readValue(text))
    )
    return defaults.includes(readValue(value))
      ? []
      : [`the default of ${option} is not ${value.trim()}, but ${defaults.join(' or ') || 'not given'}`]
  })
}

const MILLISECONDS = { second: 1000, minute: 60_000, hour: 3_600_000 }

/** `5 minutes`, `300 000 (5 minutes)`, `10,000` and `"pipe"` as one value each. */
function readValue(text) {
  const plain = text.replace(/[`"']/g, '').trim()
  const [, digits, unit] = /^(\d[\d ,]*)(second|minute|hour)?/.exec(plain) ?? []
  return digits === undefined ? plain : String(Number(digits.replace(/[ ,]/g, '')) * (MILLISECONDS[unit] ?? 1))
}
