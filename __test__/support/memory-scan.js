// Counts how often some bytes stand in the writable memory of another process, as UTF-8 and as UTF-16, and how many
// of those are in memory that neither core dumps nor forks get.
'use strict'

const fs = require('node:fs')

const CHUNK = 8 * 1024 * 1024

/** What proc(5) calls MADV_DONTDUMP and MADV_WIPEONFORK: guarded memory has both. */
const GUARDED = ['dd', 'wf']

/** @typedef {{ start: number, end: number, guarded: boolean }} Mapping */

/**
 * @param {number} pid
 * @param {Buffer} sentinel
 * @returns {number}
 */
function countInMemory(pid, sentinel) {
  return scanMemory(pid, sentinel).copies
}

/**
 * @param {number} pid
 * @param {Buffer} sentinel
 * @returns {{ copies: number, guarded: number }} `guarded`: how many of the copies.
 */
function scanMemory(pid, sentinel) {
  const forms = [sentinel, Buffer.from(sentinel.toString('latin1'), 'utf16le')]
  const fd = fs.openSync(`/proc/${pid}/mem`, 'r')
  const seen = { copies: 0, guarded: 0 }
  try {
    for (const { start, end, guarded } of writableMappings(pid)) {
      const found = countInRange(fd, start, end, forms)
      seen.copies += found
      if (guarded) seen.guarded += found
    }
  } finally {
    fs.closeSync(fd)
  }
  return seen
}

/** @param {number} pid @returns {Mapping[]} */
function writableMappings(pid) {
  /** @type {(Mapping & { writable: boolean })[]} */
  const mappings = []
  for (const line of fs.readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const [, start, end, mode] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? []
    if (mode) mappings.push({ start: parseInt(start, 16), end: parseInt(end, 16), writable: /^rw/.test(mode), guarded: false })
    const [, flags] = /^VmFlags: (.*)/.exec(line) ?? []
    const last = mappings.at(-1)
    if (flags && last) last.guarded = GUARDED.every((flag) => flags.split(' ').includes(flag))
  }
  return mappings.filter(({ writable }) => writable)
}

/**
 * @param {number} fd
 * @param {number} start
 * @param {number} end
 * @param {Buffer[]} forms
 */
function countInRange(fd, start, end, forms) {
  const overlap = Math.max(...forms.map((form) => form.length)) - 1
  let found = 0
  for (let at = start; at < end; at += CHUNK) {
    const bytes = readSome(fd, at, Math.min(CHUNK + overlap, end - at))
    // What begins in the overlap is counted with the next chunk.
    for (const form of forms) found += countIn(bytes, form, CHUNK)
  }
  return found
}

/**
 * @param {number} fd
 * @param {number} at
 * @param {number} length
 */
function readSome(fd, at, length) {
  const bytes = Buffer.allocUnsafeSlow(length)
  try {
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, at))
  } catch {
    // A guard page, or memory that the kernel shows to nobody.
    return bytes.subarray(0, 0)
  }
}

/**
 * @param {Buffer} bytes
 * @param {Buffer} form
 * @param {number} before
 */
function countIn(bytes, form, before) {
  let found = 0
  for (let at = bytes.indexOf(form); at >= 0 && at < before; at = bytes.indexOf(form, at + 1)) found += 1
  return found
}

module.exports = { countInMemory, scanMemory }
