// Makes this process as large as a worker that holds sessions and caches.
'use strict'

const { pageSize, rssMb } = require('./machine.js')

const CHUNK = 32 * 1024 * 1024

/**
 * Off the heap and touched page by page: fork copies a page table entry for each page that is there.
 * @returns {Buffer[]} to be kept
 */
function grow(targetMb) {
  const chunks = []
  for (;;) {
    const missing = Math.floor((targetMb - rssMb()) * 1024 * 1024)
    if (missing < 1024 * 1024) break
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, missing))
    for (let at = 0; at < chunk.length; at += pageSize()) chunk[at] = 1
    chunks.push(chunk)
    if (chunks.length * CHUNK > 2 * targetMb * 1024 * 1024 + CHUNK) {
      throw new Error(`the ballast is not resident: ${rssMb()} of ${targetMb} MB`)
    }
  }
  return chunks
}

module.exports = { grow }
