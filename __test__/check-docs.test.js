// The lint step that reads the pages: what it finds when a name, a code, an option, a default, a file or a link that does not exist is planted.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const SCRIPT = path.join(__dirname, '..', 'scripts', 'check-docs.mjs')

/** What the check says of the pages as they are, and with this line at the end of a page. @param {string} page @param {string} line */
async function planted(page, line) {
  const { problems, readPages } = await import(SCRIPT)
  const pages = readPages()
  const number = pages[page].split('\n').length
  return { found: problems({ ...pages, [page]: `${pages[page]}${line}\n` }), at: `${page}:${number}: ` }
}

test('the pages as they are name nothing that is not there', async () => {
  const { problems, readPages } = await import(SCRIPT)
  const pages = readPages()
  assert.ok(Object.keys(pages).length > 10)
  assert.deepEqual(problems(pages), [])
})

const PLANTED = /** @type {[string, string, string][]} what, the line, what is said of it */ ([
  ['a function', 'Call `buildPlantedEnv()`.', 'nothing public is called buildPlantedEnv()'],
  ['a class', 'A `PlantedStore` has them.', 'nothing is called PlantedStore'],
  ['a member', 'See `child.plantedProtections`.', 'nothing is called plantedProtections'],
  ['an option', 'Set `options.plantedMs`.', 'there is no option plantedMs'],
  ['an option in a table', '| option | |\n|---|---|\n| `planted` | is not there |', 'there is no option planted'],
  ['a flag in a table', '| option | |\n|---|---|\n| `--planted-dir DIR` | is not there |', 'there is no option --planted-dir'],
  ['a default', 'After `killGraceMs` (default 7000) it is killed.', 'the default of killGraceMs is not 7000, but 5000'],
  ['a default with a unit', 'Up to `maxAgeMs`, by default 6 minutes.', 'the default of maxAgeMs is not 6 minutes, but 300000'],
  ['a file', 'It is in `src/planted/rules.rs`.', 'there is no file src/planted/rules.rs'],
  ['a folder', 'It is in `lib/planted/`.', 'there is no file lib/planted/'],
  ['a Rust file', 'It is in `planted.rs`.', 'no source file is called planted.rs'],
  ['a variable of ours', 'It gets `ALIVE_PLANTED_ID`.', 'nothing is called ALIVE_PLANTED_ID'],
  ['a link', 'See [there](planted.md).', 'the link planted.md leads to no file'],
  ['an anchor of another page', 'See [there](errors.md#planted).', 'the link errors.md#planted leads to no heading'],
  ['an anchor of the page', 'See [there](#planted).', 'the link #planted leads to no heading']
])

for (const [what, line, message] of PLANTED) {
  test(`${what} that does not exist is found`, async () => {
    const { found, at } = await planted('docs/hardening.md', line)
    assert.equal(found.length, 1, found.join('\n'))
    assert.ok(found[0].endsWith(`: ${message}`) && found[0].startsWith('docs/hardening.md:'), found[0])
    if (!line.includes('\n')) assert.equal(found[0], at + message)
  })
}

test('codes and npm scripts that do not exist are found, in a block of code too', async () => {
  const block = '```\nnpm run planted # ERR_PROVIDER_PLANTED, PROVIDER_PLANTED_WARNING\n```'
  const { found } = await planted('docs/hardening.md', block)
  const expected = [
    'there is no code or variable ERR_PROVIDER_PLANTED',
    'there is no code or variable PROVIDER_PLANTED_WARNING',
    'package.json has no script planted'
  ]
  assert.deepEqual(
    found,
    expected.map((message) => `docs/hardening.md: ${message}`)
  )
})

test('a README of a thousand words is too long', async () => {
  const { found } = await planted('README.md', 'word '.repeat(1000))
  assert.equal(found.length, 1)
  assert.match(found[0], /^README\.md: \d{4} words; it must have fewer than 1000$/)
})

test('a block of code, a path with a placeholder, a system call and what a changelog says of the past are let pass', async () => {
  for (const line of [
    '```js\nbuildPlantedEnv()\n```',
    'In `src/provider/<id>/cli.rs`, `docs/*.md` and `npm/linux-*/`.',
    'See `fork(2)`, `npm install`, `https://planted.example/camelCase`.'
  ]) {
    assert.deepEqual((await planted('docs/hardening.md', line)).found, [], line)
  }
  assert.deepEqual((await planted('CHANGELOG.md', 'There was `buildPlantedEnv()`.')).found, [])
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
  ['docs/errors.md', 'at most 4,096 bytes', /ErrorLimits = ErrorLimits \{ message: 4096,/],
  ['docs/doctor.md', '/opt/provider-env', /['"]\/opt\/provider-env['"]/]
])

test('numbers and defaults on pages are those of the constants', async () => {
  const { readPages } = await import(SCRIPT)
  const pages = readPages()
  const root = path.join(__dirname, '..')
  const sources = ['src', 'lib'].flatMap((dir) =>
    fs
      .readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(rs|js|ts)$/.test(name))
      .map((name) => path.join(root, dir, name))
  )
  const text = sources.map((file) => fs.readFileSync(file, 'utf8')).join('\n')
  for (const [page, said, constant] of NUMBERS) {
    assert.ok(pages[page].includes(said), `${page} does not say "${said}"`)
    assert.ok(constant.test(text), `${page} says "${said}", and no source has ${constant}`)
  }
})
