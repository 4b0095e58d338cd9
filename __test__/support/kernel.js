// What a test asks the kernel of a process, by /proc/PID, and waiting for an answer.
'use strict'

const fs = require('node:fs')

/**
 * The fields of /proc/PID/status.
 * @param {number | 'self' | undefined} pid
 * @returns {Record<string, string>}
 */
function status(pid) {
  const lines = fs.readFileSync(`/proc/${pid}/status`, 'utf8').trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => /** @type {[string, string]} */ (line.split(/:\s*/, 2))))
}

/**
 * The variables of /proc/PID/environ.
 * @param {number | 'self' | undefined} pid
 * @returns {Record<string, string>}
 */
function environ(pid) {
  const strings = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(strings.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]))
}

/**
 * The numbers of a process's descriptors, each with what it leads to.
 * @param {number | 'self' | undefined} pid
 * @returns {Map<number, string>}
 */
function descriptors(pid) {
  const found = new Map()
  for (const name of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(Number(name), fs.readlinkSync(`/proc/${pid}/fd/${name}`))
    } catch {
      // The one that read the directory itself.
    }
  }
  return found
}

/** Whether a process is there and is no zombie. @param {number | undefined} pid */
function isRunning(pid) {
  try {
    return !/^[ZX]/.test(status(pid).State)
  } catch {
    return false
  }
}

/** The children of this process that have ended and that nobody has waited for. */
function zombies() {
  return fs.readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const { PPid, State } = status(Number(name))
      return Number(PPid) === process.pid && State.startsWith('Z')
    } catch {
      return false
    }
  })
}

/** Half of what a test may take (scripts/stages/node.mjs): what never comes is then named, and no busy machine is too slow. */
const PATIENCE_MS = 120_000

/**
 * Asks again and again until the answer is true.
 * @template T
 * @param {string} what  for the error
 * @param {() => T | false | undefined | null | Promise<T | false | undefined | null>} ask
 * @returns {Promise<T>}
 */
async function until(what, ask) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    if (answer) return /** @type {T} */ (answer)
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await pause(2)
  }
}

/**
 * For a time limit that begins before what it must not cut off: tries with longer and longer ones until one was long enough.
 * @template T
 * @param {number} first  milliseconds
 * @param {(ms: number) => Promise<T | undefined>} attempt  undefined: the limit came too early
 * @returns {Promise<T>}
 */
async function withEnoughTime(first, attempt) {
  for (let ms = first; ms <= PATIENCE_MS; ms *= 4) {
    const answer = await attempt(ms)
    if (answer !== undefined) return answer
  }
  throw new Error(`not within ${PATIENCE_MS} ms`)
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Ends a process that a test started, if it is still there.
 * @param {number | undefined} pid
 */
function end(pid) {
  try {
    if (pid) process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

module.exports = { descriptors, end, environ, isRunning, pause, status, until, withEnoughTime, zombies }
