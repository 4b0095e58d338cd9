// What the pages say and a program can check: their links, and that the codes, names and numbers in them are those of the source.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const own = require('../index.js')

const ROOT = path.join(__dirname, '..')
const read = (/** @type {string} */ file) => fs.readFileSync(path.join(ROOT, file), 'utf8')
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...fs.readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]

/** @param {string[]} dirs */
const textsIn = (...dirs) =>
  dirs.filter((dir) => fs.existsSync(path.join(ROOT, dir))).flatMap((dir) =>
    fs.readdirSync(path.join(ROOT, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(rs|[cm]?[jt]s|txt|sh)$/.test(name) && path.join(ROOT, dir, name) !== __filename)
      .map((name) => read(`${dir}/${name}`))
  ).join('\n')
/** What is shipped, and what is known of both CLIs. */
const SHIPPED = [textsIn('src', 'lib', 'types', 'bin', 'tests/variables'), read('index.d.ts')].join('\n')
const WORDS = new Set([SHIPPED, textsIn('scripts', 'tests', '__test__', 'bench', 'demo'), read('package.json'), read('Cargo.toml')].join('\n').match(/[A-Za-z_][A-Za-z0-9_]*/g))
/** Names of others that nothing here uses: of Linux, of Node, and of the Agent SDK. */
const OTHERS = /^((PR_SET|CLONE|CLOCK|MADV|RLIMIT|CAP)_[A-Z_]+|SHARE_ENV|systemPrompt|debugFile)$/
const isUnknown = (/** @type {string} */ name) => !WORDS.has(name) && !OTHERS.test(name)

/** The inline code of a page, with its line. @param {string} page */
function* inlineCode(page) {
  const text = read(page).replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, ''))
  for (const [index, line] of text.split('\n').entries()) {
    for (const [, code] of line.matchAll(/`([^`]+)`/g)) yield { at: `${page}:${index + 1}`, code }
  }
}

/** As GitHub makes an anchor of a heading. @param {string} heading */
const anchorOf = (heading) => heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')

/** @param {string} page */
function anchorsOf(page) {
  const text = read(page).replace(/^```[^]*?^```/gm, '')
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading)))
}

test('each link leads to a file that exists, and to a heading in it', () => {
  const broken = PAGES.flatMap((page) => {
    const links = [...read(page).replace(/^```[^]*?^```/gm, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) => !/^[a-z]+:/.test(link))
    return links.filter((link) => {
      const [file, anchor] = link.split('#')
      const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
      return !fs.existsSync(path.join(ROOT, target)) || (anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor))
    }).map((link) => `${page}: ${link}`)
  })
  assert.deepEqual(broken, [])
})

test('each code of an error exists', () => {
  const nodes = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_UNKNOWN_SIGNAL', 'ERR_ACCESS_DENIED', 'ERR_DLOPEN_FAILED']
  const unknown = PAGES.flatMap((page) => [...new Set(read(page).match(/\bERR_[A-Z_]+\b/g))].filter((code) => !WORDS.has(code) && !nodes.includes(code)).map((code) => `${page}: ${code}`))
  assert.deepEqual(unknown, [])
})

test('what the examples import is exported', () => {
  const imported = PAGES.flatMap((page) => [...read(page).matchAll(/import (type )?\{([^}]*)\} from '@webalive\/provider-env'/g)].map(([, type, names]) => ({ page, type, names: names.split(',').map((name) => name.trim()) })))
  assert.ok(imported.length > 3, 'the examples are found')
  const types = read('index.d.ts')
  for (const { page, type, names } of imported) {
    for (const name of names) assert.ok(type ? new RegExp(`\\b${name}\\b`).test(types) : name in own, `${page} imports ${name}`)
  }
})

test('each option, property and function that a page names is one of the source', () => {
  const unknown = PAGES.flatMap((page) => [...inlineCode(page)].flatMap(({ at, code }) => {
    // camelCase: `timeoutMs`, `child.missingProtections`, `createRecipient()`. What is all lower case may be any word.
    const names = /^[\w.]+(\(.*\))?$/.test(code) ? code.replace(/\(.*$/, '').split('.') : []
    return names.filter((name) => /^[a-z]{2,}[A-Z]\w*$/.test(name) && isUnknown(name)).map((name) => `${at}: ${name}`)
  }))
  assert.deepEqual(unknown, [])
})

test('each variable that a page names is one of the source', () => {
  const unknown = PAGES.flatMap((page) => [...inlineCode(page)].flatMap(({ at, code }) => {
    const [, name] = /^([A-Z][A-Z0-9]*_[A-Z0-9_]+)(=.*)?$/.exec(code) ?? []
    return name !== undefined && isUnknown(name) ? [`${at}: ${name}`] : []
  }))
  assert.deepEqual(unknown, [])
})

/** What a page says of a limit or a default, and the constant that it is. */
const NUMBERS = /** @type {[string, string, RegExp][]} */ ([
  ['docs/usage.md', '`maxEntries` (default 10,000)', /DEFAULT_ENTRIES = 10_000\b/],
  ['docs/usage.md', 'by 256 MiB of Prometheus text', /EXPOSITION_BYTES: usize = 256 \* 1024 \* 1024;/],
  ['docs/usage.md', 'At most 32 models of a turn', /pub const MODELS: usize = 32;/],
  ['docs/usage.md', 'a turn reached 244,800 tokens', /compacts_at: Some\(244_800\)/],
  ['docs/usage.md', 'more than 20,000 entries', /MAX_ENTRIES: usize = 20_000;/],
  ['docs/credentials.md', '`refreshAheadMs` (default 5 minutes)', /DEFAULT_AHEAD_MS = 5 \* 60 \* 1000\b/],
  ['docs/credentials.md', '| the vendors | 32 | 16 |', /VENDOR_REQUESTS: Pool = Pool::new\(32, 16\)/],
  ['docs/credentials.md', '| the vendors, through a `proxy` | 32 | 16 |', /PROXIED_REQUESTS: Pool = Pool::new\(32, 16\)/],
  ['docs/credentials.md', '| a `baseUrl` | 256 | 4 |', /OTHER_REQUESTS: Pool = Pool::new\(256, 4\)/],
  ['docs/credentials.md', 'one of 64 threads', /LOGINS: Pool = Pool::new\(64, 1\)/],
  ['docs/credentials.md', 'At most 4,096 requests wait', /MAX_WAITING: usize = 4096;/],
  ['docs/credentials.md', 'At most 65,536 credentials', /MAX_REVOKED: usize = 1 << 16;/],
  ['docs/credentials.md', 'the last 64 used refresh tokens', /MAX_SPENT: usize = 64;/],
  ['docs/credentials.md', 'more than 16 KiB', /MAX_CREDENTIAL_BYTES: usize = 16 \* 1024;/],
  ['docs/secrets.md', '`maxAgeMs`, by default 5 minutes', /DEFAULT_MAX_AGE: Duration = Duration::from_secs\(5 \* 60\)/],
  ['docs/secrets.md', 'up to one minute ahead', /MAX_AHEAD: u64 = 60_000;/],
  ['docs/secrets.md', 'up to 65,536 used secrets', /MAX_REMEMBERED: usize = 65_536;/],
  ['docs/secrets.md', 'at least 8 bytes (`minLength`)', /DEFAULT_MIN_LENGTH: usize = 8;/],
  ['docs/secrets.md', 'are limited to 256 KiB', /ENCODED_BYTES: usize = 256 \* 1024;/],
  ['docs/errors.md', 'larger than 10 MB (10 × 1024 × 1024 bytes)', /MAX_JSON_BYTES: usize = 10 \* 1024 \* 1024;/],
  ['docs/errors.md', 'at most 4,096 bytes', /MAX_MESSAGE_BYTES: usize = 4096;/],
  ['docs/doctor.md', '/opt/provider-env', /['"]\/opt\/provider-env['"]/]
])

test('numbers and defaults are those of the source', () => {
  for (const [page, said, constant] of NUMBERS) {
    assert.ok(read(page).includes(said), `${page} does not say "${said}"`)
    assert.ok(constant.test(SHIPPED), `${page} says "${said}", and nothing shipped has ${constant}`)
  }
})
