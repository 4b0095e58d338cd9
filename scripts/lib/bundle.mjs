// Makes JavaScript of lib/: the two files of dist/, the one that unit tests look into, and the types in index.d.ts.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fromRoot } from './paths.mjs'

// Packages are imported by what needs them: in a fresh clone this file is loaded before they are installed.

/** What decides the output, beside the sources in lib/. */
export const bundleSources = [
  'binding.d.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/lib/bundle.mjs',
  '__test__/support/internals.ts'
]

/** Entry and name of each file. The first two are loaded by name (`doctor-file.ts`), so neither is a part of the other. */
export const FILES = [
  ['lib/bundle.ts', 'dist/provider-env.cjs'],
  ['lib/doctor/file.ts', 'dist/doctor.cjs'],
  ['__test__/support/internals.ts', 'target/internals.cjs'],
  ['lib/doctor/file.ts', 'target/doctor.cjs']
]

export async function bundle() {
  const { rollup } = await import('rollup')
  const plugin = await typescript()
  for (const [input, file] of FILES) {
    const made = await rollup({ ...common(input), plugins: [plugin] })
    // No flag of ES modules: a default import is all of it, as with every CommonJS file. Names are exported as they are, once.
    await made.write({
      file: fromRoot(file),
      format: 'cjs',
      esModule: false,
      exports: 'named',
      externalLiveBindings: false,
      interop: 'default',
      generatedCode: { constBindings: true, symbols: false }
    })
    await made.close()
  }
}

/** The text of index.d.ts. */
export async function declarations() {
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')])
  const made = await rollup({
    ...common('lib/index.ts'),
    plugins: [
      dts({
        tsconfig: fromRoot('tsconfig.json'),
        compilerOptions: { declaration: true, noEmit: false, emitDeclarationOnly: true, stripInternal: true }
      })
    ]
  })
  const { output } = await made.generate({ format: 'es' })
  await made.close()
  const text = `// The public types of the package, generated from lib/ by \`npm run build\`.\n/// <reference types="node" />\n${published(output[0].code)}`
  return execFileSync(
    process.execPath,
    [fromRoot('node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'format', '--stdin-file-path=index.d.ts'],
    { input: text, encoding: 'utf8' }
  )
}

/**
 * What the plugin made, as a reader wants it: each public declaration says that it is one. Private fields go, which would make
 * each class its own type.
 */
function published(text) {
  const lists = /^export (?:type )?\{ ([^}]*) \};?\n?/gm
  const names = new Set([...text.matchAll(lists)].flatMap(([, list]) => list.split(', ')))
  const declared = /^(?:declare )?(?:abstract )?(?:class|function|interface|type|const) ([\w$]+)/gm
  const marked = text
    .replace(lists, '')
    .replace(/^ *#private;\n/gm, '')
    .replace(declared, (found, name) => (names.has(name) ? `export ${found}` : found))
  // Or what is not marked would be exported too.
  return `${marked}\nexport {};\n`
}

const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))

function common(input) {
  return {
    input: fromRoot(input),
    external: (id) => builtins.has(id),
    onwarn(warning) {
      // Types have no use for most of what the code imports.
      if (warning.code === 'UNUSED_EXTERNAL_IMPORT') return
      throw new Error(warning.message)
    }
  }
}

/** As in a string or a regular expression. @param {string} unit of UTF-16 */
function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Takes the types out, and puts the version in. What runs keeps its names and its comments, so that a stack trace can be read. */
async function typescript() {
  const { default: ts } = await import('typescript')
  const { config } = ts.readConfigFile(fromRoot('tsconfig.json'), (file) => readFileSync(file, 'utf8'))
  const { version } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'))
  return {
    name: 'typescript',
    transform(code, fileName) {
      if (!fileName.endsWith('.ts')) return null
      const { outputText } = ts.transpileModule(code, { fileName, compilerOptions: config.compilerOptions })
      return { code: outputText.replace(/\bPACKAGE_VERSION\b/, () => JSON.stringify(version)), map: null }
    },
    // V8 compiles a source with any other character as UTF-16, which takes a third longer.
    renderChunk: (code) => ({ code: code.replace(/[^\0-\x7f]/g, escaped), map: null })
  }
}
