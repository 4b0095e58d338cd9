// Tests of the rules of `lint/files`: no command may fetch a package that we do not own, types of the addon are named by one rule, and
// messages and pages are in plain English.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

// In two pieces: written as one, the rule would find it here.
const NAME = ['provider', 'env'].join('-')

test('a command that fetches the name without its scope is found, and others are not', async () => {
  const { unscopedNames } = await import('../scripts/check-files.mjs')
  for (const line of [
    `npx ${NAME} doctor`,
    `Run \`npx --yes ${NAME}\` now`,
    `npm exec -- ${NAME} doctor`,
    `npm install --global ${NAME}`,
    `pnpm dlx ${NAME}`,
    `yarn dlx ${NAME}`,
    `bunx ${NAME} run-as`,
    `"npx ${NAME}"`
  ]) {
    assert.equal(unscopedNames(`one\n${line}\ntwo`).length, 1, line)
  }
  for (const line of [
    `npx @webalive/${NAME} doctor`,
    `npx -p @webalive/${NAME} ${NAME} doctor`,
    `npm install ../${NAME}`,
    `npm install --prefix /opt/${NAME} other`,
    `node bin/${NAME}.js doctor`,
    `npx prefers another: \`${NAME} run-as\``,
    `npm i ${NAME}-tools`
  ]) {
    assert.deepEqual(unscopedNames(line), [], line)
  }
})

test('a type of the addon that is misnamed is found', async () => {
  const { misnamed } = await import('../scripts/check-files.mjs')
  const rightly = 'export declare class NativeMade {\n}\nexport interface Made {\n}\nexport type Word = 1\n'
  assert.deepEqual(misnamed(rightly), [])
  for (const wrong of [
    'export declare class Made {\n}',
    'export interface NativeMade {\n}',
    "export type NativeWord = 'made'",
    'export declare enum NativeTag {\n}'
  ]) {
    assert.equal(misnamed(`${rightly}${wrong}\n`).length, 1, wrong)
  }
  assert.throws(() => misnamed(''), /sees nothing/)
})

test('a phrase that is never idiomatic is found in messages, types and pages, and not in comments, unit tests or names', async () => {
  const { unidiomatic } = await import('../scripts/check-files.mjs')
  const phrases = [
    'The file is no regular file.',
    'Run it by turns.',
    'It fails for want of a lock.',
    'Mend the file.',
    'It cannot be had here.',
    'It has half of a surrogate pair.',
    'Best it is root.',
    'Others than root can write it.',
    'It stops of its own accord.'
  ]
  for (const text of phrases) {
    for (const [name, whole] of [
      ['src/a.rs', `let message = "${text}";`],
      ['lib/a.ts', `throw new Error('${text}')`],
      ['docs/a.md', text],
      ['index.d.ts', `/** ${text} */`]
    ]) {
      const found = unidiomatic(name, whole)
      assert.equal(found.length, 1, `${name}: ${text}`)
      assert.match(found[0], /is not idiomatic English\. Write: \S/)
    }
    for (const [name, whole] of [
      ['src/a.rs', `// ${text}\nfn a() {} // ${text}\n#[cfg(test)]\nmod tests { const A: &str = "${text}"; }`],
      ['lib/a.ts', `/**\n * ${text}\n */\nconst a = 1`]
    ])
      assert.deepEqual(unidiomatic(name, whole), [], `${name}: ${whole}`)
  }
  assert.equal(unidiomatic('src/a.rs', 'let text = "it is no \\\n    regular file";').length, 1, 'a string of two lines')
  for (const text of [
    'There is no file of that name.',
    'It is not a regular file.',
    'self.mend()?',
    'A user other than root can change it.'
  ])
    assert.deepEqual(unidiomatic('lib/a.ts', text), [], text)
})
