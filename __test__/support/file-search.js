// Looks for bytes in a large file, piece by piece.
'use strict'

const fs = require('node:fs')

const CHUNK = 8 * 1024 * 1024

/**
 * How often each of these occurs in a file.
 * @param {string} file
 * @param {Buffer[]} wanted
 * @returns {number[]}
 */
function countInFile(file, wanted) {
  const overlap = Math.max(...wanted.map((bytes) => bytes.length)) - 1
  const buffer = Buffer.allocUnsafe(CHUNK + overlap)
  const counts = wanted.map(() => 0)
  const fd = fs.openSync(file, 'r')
  try {
    for (let at = 0; ; at += CHUNK) {
      const length = fs.readSync(fd, buffer, 0, buffer.length, at)
      if (length === 0) return counts
      const piece = buffer.subarray(0, length)
      wanted.forEach((bytes, index) => {
        // What begins in the overlap is counted with the next piece.
        for (let found = piece.indexOf(bytes); found >= 0 && found < CHUNK; found = piece.indexOf(bytes, found + 1)) counts[index] += 1
      })
    }
  } finally {
    fs.closeSync(fd)
  }
}

module.exports = { countInFile }
