// The lint step that reads the imports of src and lib: what it finds when a circle or an arrow against the order is planted.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const test = require('node:test')

const ROOT = path.join(__dirname, '..')

/** What the check says of a copy of src and lib in which these lines end these files. @param {any} t @param {Record<string, string>} lines */
function check(t, lines) {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'check-dependencies-'))
  t.after(() => fs.rmSync(copy, { recursive: true }))
  for (const tree of ['src', 'lib']) fs.cpSync(path.join(ROOT, tree), path.join(copy, tree), { recursive: true })
  for (const [file, text] of Object.entries(lines)) {
    const to = path.join(copy, file.startsWith('lib/') ? file : `src/${file}`)
    fs.mkdirSync(path.dirname(to), { recursive: true })
    fs.appendFileSync(to, `\n${text}\n`)
  }
  const script = `
    import { checkDependencies } from './scripts/check-dependencies.mjs'
    try { checkDependencies(${JSON.stringify(copy)}) } catch (error) { process.stdout.write(error.message); process.exitCode = 1 }`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(stderr, '')
  return { status, text: stdout }
}

const lineOf = (/** @type {string} */ file, tree = 'src') => fs.readFileSync(path.join(ROOT, tree, file), 'utf8').split('\n').length + 1

test('src and lib as they are have no circle and nothing against the order', (t) => {
  const { status, text } = check(t, {})
  assert.equal(status, 0, text)
  assert.match(
    text,
    /^src: \d{3,} files, \d{3,} imports between them, no circle, none against the order\nlib: \d{2,} files, \d{3,} imports .+ order\n$/
  )
})

const PLANTED = /** @type {[string, Record<string, string>, (at: number) => string[]][]} */ ([
  [
    'two files',
    { 'sys/step.rs': 'use super::clone::Stack;' },
    (at) => ['A circle of 2 files', `src/sys/step.rs:${at} uses src/sys/clone.rs: super::clone::Stack`, 'uses src/sys/step.rs: ']
  ],
  [
    'a name that a parent hands on',
    { 'provider/api.rs': 'fn planted(row: &super::Provider) {}' },
    (at) => ['A circle of 2 files', `src/provider/api.rs:${at} uses src/provider/row.rs: super::Provider`, 'uses src/provider/api.rs: ']
  ],
  [
    'a parent and its child',
    { 'process/program/elf.rs': 'use super::super::program;\nfn planted() { program::resolve() }' },
    (at) => [`src/process/program/elf.rs:${at + 1} uses src/process/program/mod.rs: program::resolve`, 'uses src/process/program/elf.rs']
  ],
  [
    'three files, by a renamed import in braces',
    { 'usage/tokens.rs': 'use crate::usage::{self as planted, wait::ClockTime};\nfn planted(_: planted::Meter) {}' },
    (at) => ['A circle of ', `src/usage/tokens.rs:${at + 1} uses src/usage/meter.rs: planted::Meter`]
  ]
])

for (const [what, lines, expected] of PLANTED) {
  test(`a circle is found: ${what}`, (t) => {
    const { status, text } = check(t, lines)
    assert.equal(status, 1, text)
    for (const part of expected(lineOf(Object.keys(lines)[0]))) assert.ok(text.includes(part), `${part}\n---\n${text}`)
    assert.doesNotMatch(text, /must not use/)
  })
}

test('an arrow against the order is found, also in the middle of code, and alone where it closes no circle', (t) => {
  const file = 'secret/redaction/encodings.rs'
  const { status, text } = check(t, { [file]: 'fn planted(_: crate::process::exhausted::used_up) {}' })
  const line = `src/${file}:${lineOf(file)}: secret must not use process, which is not below it: crate::process::exhausted::used_up is in src/process/exhausted.rs`
  assert.deepEqual([status, text], [1, line])
})

test('one floor does not know itself, and a folder without a floor is reported', (t) => {
  assert.match(check(t, { 'net/jobs.rs': 'use crate::secret::Secret;' }).text, /^src\/net\/jobs\.rs:\d+: net must not use secret,/)
  const { status, text } = check(t, { 'lib.rs': 'mod planted;', 'planted/mod.rs': '//! Planted.' })
  assert.deepEqual([status, text], [1, 'src/planted has no place in the order of scripts/check-dependencies.mjs'])
})

test('tests, comments, texts and names of a child that are only handed on are no imports', (t) => {
  const nothing = [
    '// use crate::process::exhausted::used_up;',
    '/// [`crate::process::exhausted::used_up`]',
    'const PLANTED: &str = "crate::process::exhausted::used_up";',
    '#[cfg(test)]\nuse crate::process::exhausted::used_up;',
    '#[cfg(test)]\n#[allow(unused, reason = "planted")]\nmod planted_tests {\n    use crate::process::exhausted::used_up;\n}'
  ]
  // A child that names an item of its parent, which only hands on an item of the child.
  const parent = {
    'process/program/elf/planted.rs': 'fn planted() { super::needs() }',
    'process/program/elf.rs': 'mod planted;\npub use planted::planted;'
  }
  const { status, text } = check(t, { 'secret/redaction/encodings.rs': nothing.join('\n'), ...parent })
  assert.equal(status, 0, text)
  const upwards = check(t, { 'secret/redaction/variants.rs': 'pub use crate::process::exhausted::used_up;' })
  assert.match(upwards.text, /^src\/secret\/redaction\/variants\.rs:\d+: secret must not use process,/)
})

test('in lib a circle is found, also one of types, re-exports or import() alone', (t) => {
  const text = (/** @type {string} */ line) => check(t, { 'lib/secret/memory-protection.ts': line }).text
  const at = `lib/secret/memory-protection.ts:${lineOf('secret/memory-protection.ts', 'lib')} uses lib/secret/secret.ts: ./secret.ts`
  for (const line of [
    "import { Secret as Planted } from './secret.ts'",
    "import type { Secret as Planted } from './secret.ts'",
    "export type { Secret as Planted } from './secret.ts'",
    "type Planted = import('./secret.ts').Secret"
  ]) {
    const found = text(line)
    assert.ok(found.startsWith('A circle of 2 files') && found.includes(at), `${line}\n${found}`)
    assert.doesNotMatch(found, /must not use/)
  }
  assert.match(text("// import { Secret } from './secret.ts'\nconst PLANTED = \"import { Secret } from './secret.ts'\""), /no circle/)
})

test('in lib an import against the order is found, and a slice or a file without a floor', (t) => {
  const line = "import type { Stdio } from '../process/stdio.ts'"
  const { status, text } = check(t, { 'lib/usage/token-counts.ts': line })
  assert.equal(status, 1)
  const at = lineOf('usage/token-counts.ts', 'lib')
  assert.ok(
    text.includes(
      `lib/usage/token-counts.ts:${at}: usage must not use process, which is not below it: ../process/stdio.ts is in lib/process/stdio.ts`
    ),
    text
  )
  assert.match(
    check(t, { 'lib/planted.ts': '// Planted.' }).text,
    /^lib\/planted has no place in the order of scripts\/check-dependencies\.mjs$/
  )
})
