// The house's rules for files: none over 500 lines without its tests, and each opens with a comment that says its job.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fromRoot, root, walk } from './lib/paths.mjs'

const most = 500

export function checkFiles() {
  const source = (path) => /\.(rs|[cm]?js|ts|mts)$/.test(path)
  const files = ['src', 'lib', 'bin', 'scripts', 'tests', 'fuzz/fuzz_targets', 'bench', 'demo', '__test__']
    .flatMap((dir) => walk(fromRoot(...dir.split('/')), source))
  const wrong = []
  const sizes = []
  for (const path of files) {
    const text = readFileSync(path, 'utf8')
    const name = relative(root, path)
    const opening = text.split('\n', 3).filter((line) => !/^(#!.*|'use strict'|)$/.test(line))[0] ?? ''
    if (!/^(\/\/|\/\*)/.test(opening)) wrong.push(`${name}: does not open with a comment that says its job`)
    if (!/^(src|lib)\//.test(name)) continue
    // Unit tests stand at the foot of a Rust file and don't count.
    const lines = text.split(/^#\[cfg\(test\)\]\s*\n(?:#\[.*\]\s*\n)*mod \w+ \{/m)[0].trimEnd().split('\n').length
    sizes.push(lines)
    if (lines > most) wrong.push(`${name}: ${lines} lines without its tests; the most is ${most}`)
  }
  if (wrong.length) throw new Error(wrong.join('\n'))
  sizes.sort((a, b) => a - b)
  process.stdout.write(`${sizes.length} files in src and lib, median ${sizes[sizes.length >> 1] ?? 0} lines, most ${sizes.at(-1) ?? 0}\n`)
}
