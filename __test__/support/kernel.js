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
 * A process, by its number and when it started, and the number of its group. Where many processes start, numbers wrap within
 * minutes, and another process then has this one's. Undefined: there is none of that number.
 * @typedef {{ pid: number, started: string, group: number } | undefined} Identity
 * @param {number | undefined} pid
 * @returns {Identity}
 */
function identify(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // From the third field on (proc_pid_stat(5)): the second, the program's name, can hold anything but a later parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid: Number(pid), started: fields[19], group: Number(fields[2]) }
  } catch {
    return undefined
  }
}

/** Whether it is there, if only as a zombie. @param {Identity} identity */
function isStillThere(identity) {
  return identity !== undefined && identify(identity.pid)?.started === identity.started
}

/**
 * Signals that process, and no other that has its number now. For your own child, `child.kill()` does as well.
 * @param {Identity} identity
 * @param {NodeJS.Signals} [signal]
 */
function signalProcess(identity, signal = 'SIGKILL') {
  if (!identity || !isStillThere(identity)) return
  try {
    process.kill(identity.pid, signal)
  } catch {
    // Gone already.
  }
}

/**
 * Ends a process that is no child of the test's, which remembers its number only: when the test is over, or when what is
 * returned is called. Call this while the process is known to run.
 * @param {{ after(fn: () => void): void }} t
 * @param {number | undefined} pid
 */
function endAfter(t, pid) {
  const identity = identify(pid)
  const end = () => signalProcess(identity)
  t.after(end)
  return end
}

module.exports = {
  descriptors,
  endAfter,
  environ,
  identify,
  isRunning,
  isStillThere,
  pause,
  signalProcess,
  status,
  until,
  withEnoughTime,
  zombies
}
