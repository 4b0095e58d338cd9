// Counts how often some bytes stand in the writable memory of another process, as UTF-8 and as UTF-16.
'use strict'

const fs = require('node:fs')

const CHUNK = 8 * 1024 * 1024

/**
 * @param {number} pid
 * @param {Buffer} sentinel
 * @returns {number}
 */
function countInMemory(pid, sentinel) {
  const forms = [sentinel, Buffer.from(sentinel.toString('latin1'), 'utf16le')]
  const fd = fs.openSync(`/proc/${pid}/mem`, 'r')
  try {
    return writableMappings(pid).reduce((sum, [start, end]) => sum + countInRange(fd, start, end, forms), 0)
  } finally {
    fs.closeSync(fd)
  }
}

/** @param {number} pid @returns {[number, number][]} */
function writableMappings(pid) {
  const lines = fs.readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n')
  return lines.flatMap((line) => {
    const [, start, end, mode] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? []
    return mode?.includes('w') && mode.includes('r') ? [[parseInt(start, 16), parseInt(end, 16)]] : []
  })
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

module.exports = { countInMemory }
