// Turns at an endpoint: at most so many requests to one host at once, so that a slow one does not hold up all others.
'use strict'

const { ONCE } = require('./launch.js')

/** Of the threads that src/jobs.rs has for requests. */
const MOST_PER_HOST = 4

/** Who is under way, and who waits, first come first served. @type {Map<string, { active: number, waiting: (() => void)[] }>} */
const hosts = new Map()

/**
 * Resolves when it is this one's turn, with the function that ends it. Aborted while it waits, it leaves the queue and
 * `undefined` is what it gets.
 * @param {string} host
 * @param {AbortSignal} [signal]
 * @returns {Promise<(() => void) | undefined>}
 */
async function takeTurn(host, signal) {
  const line = hosts.get(host) ?? { active: 0, waiting: [] }
  hosts.set(host, line)
  if (line.active < MOST_PER_HOST) line.active += 1
  else if (!(await wait(line.waiting, signal))) return undefined
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    const next = line.waiting.shift()
    // Handed on without a moment in which a third one could take it.
    if (next) return next()
    line.active -= 1
    if (line.active === 0) hosts.delete(host)
  }
}

/**
 * @param {(() => void)[]} waiting
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<boolean>}
 */
function wait(waiting, signal) {
  return new Promise((resolve) => {
    const leave = () => {
      waiting.splice(waiting.indexOf(go), 1)
      resolve(false)
    }
    const go = () => {
      signal?.removeEventListener('abort', leave)
      resolve(true)
    }
    waiting.push(go)
    signal?.addEventListener('abort', leave, ONCE)
  })
}

module.exports = { takeTurn }
