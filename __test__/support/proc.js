// What the kernel says of a process: its variables, ids, children, memory.
'use strict'

const { spawnSync } = require('node:child_process')
const { readFileSync, readdirSync } = require('node:fs')

/**
 * @param {number} pid
 * @returns {Record<string, string>} of /proc/PID/environ
 */
function environOf(pid) {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(entries.map((entry) => splitAt(entry, entry.indexOf('='))))
}

/** @param {string} text @param {number} at @returns {[string, string]} */
function splitAt(text, at) {
  return [text.slice(0, at), text.slice(at + 1)]
}

/**
 * One field of /proc/PID/status, its numbers and words apart: `statusOf(pid, 'Uid')` is real, effective, saved, fs.
 * @param {number} pid
 * @param {string} field
 */
function statusOf(pid, field) {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${field}:`))
  return (line ?? '')
    .slice(field.length + 1)
    .trim()
    .split(/\s+/)
    .filter(Boolean)
}

/** Whether it runs; a zombie does not. @param {number} pid */
function isAlive(pid) {
  try {
    return !['Z', 'X'].includes(statusOf(pid, 'State')[0])
  } catch {
    return false
  }
}

/**
 * Every running process that has this text on its command line.
 * @param {string} text
 */
function withArgument(text) {
  return allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(text) && isAlive(pid)
    } catch {
      return false
    }
  })
}

/** Children, their children and so on. @param {number} root @returns {number[]} */
function descendantsOf(root) {
  /** @type {Map<string, number[]>} */
  const children = new Map()
  for (const pid of allPids()) {
    try {
      const [parent] = statusOf(pid, 'PPid')
      children.set(parent, [...(children.get(parent) ?? []), pid])
    } catch {
      // Gone meanwhile.
    }
  }
  const below = (/** @type {number} */ pid) =>
    /** @type {number[]} */ ((children.get(String(pid)) ?? []).flatMap((child) => [child, ...below(child)]))
  return below(root)
}

function allPids() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

// Runs in a process of the peeking uid. Reads writable mappings in pieces that overlap by the needle's length.
const PEEK = `
const fs = require('node:fs')
const [pid, needle] = process.argv.slice(1)
const attempt = (read) => { try { return read() } catch (error) { return error.code } }
const memory = () => {
  const fd = fs.openSync('/proc/' + pid + '/mem', 'r')
  const piece = Buffer.alloc(1 << 20)
  for (const line of fs.readFileSync('/proc/' + pid + '/maps', 'utf8').split('\\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
    if (!range) continue
    const end = BigInt('0x' + range[2])
    for (let at = BigInt('0x' + range[1]); at < end; at += BigInt(piece.length - needle.length)) {
      const length = Number(end - at < BigInt(piece.length) ? end - at : BigInt(piece.length))
      let got
      try { got = fs.readSync(fd, piece, 0, length, at) } catch { break }
      if (piece.subarray(0, got).includes(needle)) return 'found'
      if (got < length) break
    }
  }
  return 'not found'
}
const environ = () => (fs.readFileSync('/proc/' + pid + '/environ').includes(needle) ? 'found' : 'not found')
console.log(JSON.stringify({ environ: attempt(environ), mem: attempt(memory) }))
`

/**
 * What a process of this uid can learn of another: whether the text is in its environment block and in its memory,
 * or the error that kept it from looking.
 * @param {number} pid
 * @param {string} needle
 * @param {{ uid?: number, gid?: number }} as
 * @returns {{ environ: string, mem: string }}
 */
function peek(pid, needle, as) {
  // The needle is in the peeking process's own arguments, not in the other's.
  const { stdout, stderr, error } = spawnSync(process.execPath, ['-e', PEEK, String(pid), needle], {
    ...as,
    cwd: '/',
    encoding: 'utf8',
    timeout: 30_000
  })
  if (error ?? !stdout) throw error ?? new Error(stderr)
  return JSON.parse(stdout)
}

module.exports = { descendantsOf, environOf, isAlive, peek, statusOf, withArgument }
