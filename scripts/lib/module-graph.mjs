// The files of a Rust crate and which of them uses which, read from the sources.
//
// A file uses another when its code names something that the other defines, in a `use` or by a path in the middle of the code.
// Whoever takes a name from a module that hands it on uses the file that defines the name, not that module. So a module that
// declares children (`mod a;`) and hands on what they define (`pub use a::A;`) uses none of them, and they may use what it
// defines itself. Once its own code names a child's items too, it uses that child, and the child must not name its items.
// Code that is compiled for tests alone does not count, nor do comments. A type that no path names is not seen: that of a
// method's result, for example.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { blank, closing, spaces } from './rust-text.mjs'

/**
 * @param {string} src the directory of `lib.rs`
 * @returns {{ files: string[], arrows: { from: string, to: string, line: number, path: string }[] }} names below `src`; of
 *   several arrows between two files, the first
 */
export function moduleGraph(src) {
  const root = readModule(src, join(src, 'lib.rs'), null)
  const modules = all(root)
  const arrows = new Map()
  for (const module of modules) {
    const children = new Set(all(module).map((child) => child.file))
    for (const { path, at, isHandedOn } of named(module)) {
      for (const to of definedIn(module, path)) {
        const key = `${module.file} ${to}`
        if (to === module.file || (isHandedOn && children.has(to)) || (arrows.get(key)?.at ?? Infinity) <= at) continue
        arrows.set(key, { from: module.file, to, at, line: module.code.slice(0, at).split('\n').length, path: path.join('::') })
      }
    }
  }
  return { files: modules.map((module) => module.file), arrows: [...arrows.values()] }
}

function readModule(src, path, parent) {
  const code = withoutTests(blank(readFileSync(path, 'utf8'))).replace(/\bpub\s*\([^)]*\)/g, (text) => `pub${spaces(text.slice(3))}`)
  const inline = /(?<![\w:])mod\s+\w+\s*\{/.exec(code)
  if (inline) throw new Error(`${path}: \`${inline[0]}\`: this check does not read inline modules; move the module to its own file`)
  const module = { file: relative(src, path), code, parent, children: new Map(), bindings: new Map(), uses: [] }
  const name = path.endsWith('mod.rs') || parent === null ? dirname(path) : path.slice(0, -'.rs'.length)
  for (const [, child] of code.matchAll(/(?<![\w:])mod\s+(\w+)\s*;/g)) {
    const found = [join(name, `${child}.rs`), join(name, child, 'mod.rs')].find((file) => existsSync(file))
    if (!found) throw new Error(`${path}: there is no file for \`mod ${child}\``)
    module.children.set(child, readModule(src, found, module))
  }
  const statements = /(?<![\w:])(pub\s+)?use\s+([^;]+);/g
  module.body = code.replace(statements, spaces).replace(/(?<![\w:])mod\s+\w+\s*;/g, spaces)
  for (const { 0: text, 1: isPublic, 2: tree, index } of code.matchAll(statements)) {
    for (const { path: to, as, offset } of leaves(tree, text.indexOf(tree))) {
      const use = { path: to, isPublic: isPublic !== undefined, as, at: index + offset }
      module.uses.push(use)
      if (!module.bindings.has(as)) module.bindings.set(as, [])
      module.bindings.get(as).push(to)
    }
  }
  return module
}

const all = (module) => [module, ...[...module.children.values()].flatMap(all)]

/** Without the items under `#[cfg(test)]`. */
function withoutTests(code) {
  let rest = code
  for (let match; (match = /#\[\s*cfg\s*\(\s*(?:test|all\s*\(\s*test\b[^\]]*)\s*\)\s*\]/.exec(rest)); ) {
    let at = match.index + match[0].length
    for (let next; (next = /^\s*#\[/.exec(rest.slice(at))); ) at = closing(rest, at + next[0].length - 1) + 1
    const isUse = /^\s*(?:pub\s*(?:\([^)]*\))?\s*)?use\b/.test(rest.slice(at))
    const end = at + rest.slice(at).search(isUse ? /;/ : /[;{]/)
    const past = rest[end] === '{' ? closing(rest, end) + 1 : end + 1
    rest = rest.slice(0, match.index) + spaces(rest.slice(match.index, past)) + rest.slice(past)
  }
  return rest
}

/** The paths that a `use` tree names, each with the name that it has here. */
function leaves(tree, offset, before = []) {
  const [, head, brace] = /^\s*((?:\w+\s*::\s*)*)(\{)?/.exec(tree)
  const prefix = [
    ...before,
    ...head
      .split('::')
      .map((part) => part.trim())
      .filter(Boolean)
  ]
  if (brace) {
    const open = tree.indexOf('{')
    return split(tree.slice(open + 1, closing(tree, open)), offset + open + 1).flatMap(([part, at]) => leaves(part, at, prefix))
  }
  const [, last, as] = /(\w+|\*)\s*(?:\bas\s+(\w+)\s*)?$/.exec(tree) ?? []
  if (last === '*') throw new Error(`\`use ${tree.trim()}\` imports every name; list the names, so that this check can read them`)
  if (last === undefined) return []
  const path = last === 'self' && prefix.length > 0 ? prefix : [...prefix, last]
  return [{ path, as: as ?? path.at(-1), offset: offset + tree.search(/\S/) }]
}

/** The parts between the commas of the outermost level, with their places. */
function split(text, offset) {
  const parts = []
  let depth = 0
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}') depth--
    else if (i === text.length || (text[i] === ',' && depth === 0)) {
      if (text.slice(start, i).trim()) parts.push([text.slice(start, i), offset + start])
      start = i + 1
    }
  }
  return parts
}

/** What the code of a module names: by `use`, perhaps only to hand it on, and by paths. */
function* named(module) {
  for (const { path, isPublic, as, at } of module.uses) {
    const isHandedOn = isPublic && !new RegExp(`(?<![\\w:.])${as}\\b(?!\\s*::)`).test(module.body)
    yield { path, at, isHandedOn }
  }
  for (const { 0: path, index } of module.body.matchAll(/(?<![\w:'])[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)+/g)) {
    yield { path: path.split('::').map((part) => part.trim()), at: index, isHandedOn: false }
  }
}

/** The files that define what a path means in a module: none outside of the crate, or where it is a module itself. */
function definedIn(module, path, seen = []) {
  const [first, ...rest] = path
  if (first === 'crate') return below(rootOf(module), rest, seen)
  if (first === 'self') return below(module, rest, seen)
  if (first === 'super') return definedIn(module.parent, rest[0] === 'super' ? rest : ['self', ...rest], seen)
  if (module.children.has(first)) return below(module.children.get(first), rest, seen)
  return handedOn(module, path, seen)
}

function below(module, path, seen) {
  const [first, ...rest] = path
  if (first === undefined) return []
  if (module.children.has(first)) return below(module.children.get(first), rest, seen)
  if (module.bindings.has(first)) return handedOn(module, path, seen)
  return [module.file]
}

/** What a `use` of this module says of the path's first name. */
function handedOn(module, [first, ...rest], seen) {
  const key = `${module.file} ${first}`
  if (seen.includes(key)) return []
  return (module.bindings.get(first) ?? []).flatMap((path) => definedIn(module, [...path, ...rest], [...seen, key]))
}

const rootOf = (module) => (module.parent ? rootOf(module.parent) : module)
