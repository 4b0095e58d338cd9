// How fast a child's stdout arrives in 'data' events.
'use strict'

const { ended } = require('./arms.js')

const MB = 1024 * 1024

/** @returns {Promise<number>} MB/s, from the first bytes to the end: the start is measured elsewhere */
async function receive(child, bytes) {
  let received = 0
  let first = 0
  let last = 0
  child.stderr.resume()
  child.stdout.on('data', (chunk) => {
    if (received === 0) first = performance.now()
    received += chunk.length
  })
  child.stdout.on('end', () => (last = performance.now()))
  await ended(child)
  if (received !== bytes) throw new Error(`${received} bytes arrived of ${bytes}`)
  return bytes / MB / ((last - first) / 1000)
}

module.exports = { receive, MB }
