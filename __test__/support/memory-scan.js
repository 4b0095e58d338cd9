// Counts how often some bytes occur in the writable memory of another process, as UTF-8 and as UTF-16, and how many of
// those places are memory that the kernel neither dumps nor gives to forks.
'use strict'

const fs = require('node:fs')

const CHUNK = 8 * 1024 * 1024

/** @typedef {{ start: number, end: number, guarded: boolean }} Mapping */

/**
 * @param {number} pid
 * @param {Buffer} sentinel
 * @returns {{ all: number, guarded: number }}
 */
function countInMemory(pid, sentinel) {
  const forms = [sentinel, Buffer.from(sentinel.toString('latin1'), 'utf16le')]
  const fd = fs.openSync(`/proc/${pid}/mem`, 'r')
  const counts = { all: 0, guarded: 0 }
  try {
    for (const mapping of writableMappings(pid)) {
      const found = countInRange(fd, mapping, forms)
      counts.all += found
      if (mapping.guarded) counts.guarded += found
    }
  } finally {
    fs.closeSync(fd)
  }
  return counts
}

/** @param {number} pid @returns {Mapping[]} */
function writableMappings(pid) {
  const entries = fs.readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  return entries.flatMap((entry) => {
    const [, start, end, mode] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(entry) ?? []
    if (!mode?.includes('w') || !mode.includes('r')) return []
    const flags = /^VmFlags:(.*)$/m.exec(entry)?.[1].trim().split(' ') ?? []
    return [{ start: parseInt(start, 16), end: parseInt(end, 16), guarded: flags.includes('dd') && flags.includes('wf') }]
  })
}

/**
 * @param {number} fd
 * @param {Mapping} mapping
 * @param {Buffer[]} forms
 */
function countInRange(fd, { start, end }, forms) {
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

module.exports = { countInMemory }
