// The lint step that reads the pages: what it finds when a name, a code, an option, a default, a file or a link that does not exist is planted.
'use strict'

const assert = require('node:assert/strict')
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
  const expected = ['there is no code or variable ERR_PROVIDER_PLANTED', 'there is no code or variable PROVIDER_PLANTED_WARNING', 'package.json has no script planted']
  assert.deepEqual(found, expected.map((message) => `docs/hardening.md: ${message}`))
})

test('a README of a thousand words is too long', async () => {
  const { found } = await planted('README.md', 'word '.repeat(1000))
  assert.equal(found.length, 1)
  assert.match(found[0], /^README\.md: \d{4} words; it must have fewer than 1000$/)
})

test('a block of code, a path with a placeholder, a system call and what a changelog says of the past are let pass', async () => {
  for (const line of ['```js\nbuildPlantedEnv()\n```', 'In `src/provider/<id>/cli.rs`, `docs/*.md` and `npm/linux-*/`.', 'See `fork(2)`, `npm install`, `https://planted.example/camelCase`.']) {
    assert.deepEqual((await planted('docs/hardening.md', line)).found, [], line)
  }
  assert.deepEqual((await planted('CHANGELOG.md', 'There was `buildPlantedEnv()`.')).found, [])
})
