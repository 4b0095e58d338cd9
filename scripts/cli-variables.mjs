// Lists the variables that a CLI's executable reads and that tests/variables does not have: node
// scripts/cli-variables.mjs [file]. For a newer CLI, look up each of them in the executable, and add it to the list
// under what a caller could do with it.
import fs from 'node:fs'
import path from 'node:path'

const PROJECT = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')
const LISTS = path.join(PROJECT, 'tests', 'variables')
const CLAUDE = path.join(PROJECT, 'node_modules', '@anthropic-ai', 'claude-agent-sdk-linux-x64', 'claude')
/** The executables have hundreds of MB. Pieces overlap, so that no name is cut. */
const PIECE = 32 * 1024 * 1024
const OVERLAP = 64 * 1024

/** `process.env.NAME`, `process.env["NAME"]`, and Claude Code's own tables: `{NAME:()=>x,…}`. */
const READ = /\bprocess\.env(?:\.|\[["'`])([A-Za-z_][A-Za-z0-9_]*)/g
const GROUP = /\{((?:[A-Za-z_]\w*:\(\)=>[\w$]+,?){3,})\}/g
const OF_GROUP = /([A-Za-z_]\w*):\(\)=>/g
/** Codex: its strings run into each other, so its names are looked for by how they begin, and some end in the next word. */
const NAMED = /(?:CODEX|OPENAI)_[A-Z][A-Z0-9_]{2,}/g

const texts = fs.readdirSync(LISTS).map((name) => fs.readFileSync(path.join(LISTS, name), 'utf8'))
const classified = new Set(
  texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => !/^[#[]/.test(line))
      .join(' ')
      .split(/\s+/)
  )
)

function ofClaude(text) {
  const groups = [...text.matchAll(GROUP)].map(([, group]) => [...group.matchAll(OF_GROUP)].map(([, name]) => name))
  // Others are what a module exports.
  const tables = groups.filter((group) => group.some((name) => classified.has(name)))
  return [...[...text.matchAll(READ)].map(([, name]) => name), ...tables.flat()]
}

function scan(file, find) {
  const names = new Set()
  const handle = fs.openSync(file, 'r')
  const piece = Buffer.allocUnsafe(PIECE)
  for (let at = 0, read = PIECE; read === PIECE; at += PIECE - OVERLAP) {
    read = fs.readSync(handle, piece, 0, PIECE, at)
    for (const name of find(piece.latin1Slice(0, read))) names.add(name)
  }
  fs.closeSync(handle)
  return names
}

const file = process.argv[2] ?? CLAUDE
const names = scan(file, path.basename(file).startsWith('codex') ? (text) => text.match(NAMED) ?? [] : ofClaude)
// What ends so is a part of a name, which the program goes on with.
const unknown = [...names].filter((name) => !classified.has(name) && !name.endsWith('_')).sort()
console.log(unknown.length === 0 ? `Every variable of ${file} is classified.` : unknown.join('\n'))
