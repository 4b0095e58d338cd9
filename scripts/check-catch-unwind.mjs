// Checks that every function that napi exports catches a panic: an uncaught one ends the worker, and with it every
// tenant's run.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fromRoot, root, walk } from './lib/paths.mjs'
import { blank, closing } from './lib/rust-text.mjs'

export function checkCatchUnwind() {
  let seen = 0
  const bare = []
  for (const path of walk(fromRoot('src'), (p) => p.endsWith('.rs'))) {
    for (const { name, caught, line } of exportedFunctions(readFileSync(path, 'utf8'))) {
      seen++
      if (!caught) bare.push(`${relative(root, path)}:${line}: ${name} is exported without catch_unwind`)
    }
  }
  if (bare.length) throw new Error(bare.join('\n'))
  if (!seen) throw new Error('found no exported function in src: the check sees nothing')
  process.stdout.write(`${seen} exported functions, all with catch_unwind\n`)
}

/** The functions under an attribute `#[napi…]`, alone or in an impl. */
export function exportedFunctions(text) {
  const code = blank(text)
  const found = []
  for (const open of code.matchAll(/#\[\s*(?:cfg_attr\s*\([^\]]*?,\s*)?(?:napi_derive::)?napi\b/g)) {
    const end = closing(code, open.index + 1)
    // What the attribute is on: past other attributes and the qualifiers of a function.
    let at = end + 1
    for (let next; (next = /^\s*#\[/.exec(code.slice(at))); ) at = closing(code, at + next[0].length - 1) + 1
    const item = /^\s*(?:pub(?:\s*\([^)]*\))?\s+)?(?:(?:const|async|unsafe|extern(?:\s+\S+)?)\s+)*fn\s+(\w+)/.exec(code.slice(at))
    if (!item) continue
    const line = code.slice(0, open.index).split('\n').length
    found.push({ name: item[1], caught: /\bcatch_unwind\b/.test(code.slice(open.index, end)), line })
  }
  return found
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) checkCatchUnwind()
