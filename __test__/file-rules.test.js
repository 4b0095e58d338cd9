// The rules of `lint/files` that are more than a count, each shown what it must find. One has an attacker behind it: nobody may be
// told to fetch a package that we do not own.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

// In two pieces: written as one, the rule would find it here.
const NAME = ['provider', 'env'].join('-')

test('a command that fetches the name without its scope is found, and others are not', async () => {
  const { unscopedNames } = await import('../scripts/check-files.mjs')
  for (const line of [`npx ${NAME} doctor`, `Run \`npx --yes ${NAME}\` now`, `npm exec -- ${NAME} doctor`, `npm install --global ${NAME}`, `pnpm dlx ${NAME}`, `yarn dlx ${NAME}`, `bunx ${NAME} run-as`, `"npx ${NAME}"`]) {
    assert.equal(unscopedNames(`one\n${line}\ntwo`).length, 1, line)
  }
  for (const line of [`npx @webalive/${NAME} doctor`, `npx -p @webalive/${NAME} ${NAME} doctor`, `npm install ../${NAME}`, `npm install --prefix /opt/${NAME} other`, `node bin/${NAME}.js doctor`, `npx prefers another: \`${NAME} run-as\``, `npm i ${NAME}-tools`]) {
    assert.deepEqual(unscopedNames(line), [], line)
  }
})

test('a type of the addon that is misnamed is found', async () => {
  const { misnamed } = await import('../scripts/check-files.mjs')
  const rightly = 'export declare class NativeMade {\n}\nexport interface Made {\n}\nexport type Word = 1\n'
  assert.deepEqual(misnamed(rightly), [])
  for (const wrong of ['export declare class Made {\n}', 'export interface NativeMade {\n}', "export type NativeWord = 'made'", 'export declare enum NativeTag {\n}']) {
    assert.equal(misnamed(`${rightly}${wrong}\n`).length, 1, wrong)
  }
  assert.throws(() => misnamed(''), /sees nothing/)
})
