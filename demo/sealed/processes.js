// Starts the other processes of the sealed tenant from the demo, and ends them.
'use strict'

const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { linesOf, nextMessage, toLine } = require('./lines.js')

const LIMIT_MS = 10_000
/** More than the parent gives its worker. */
const GRACE_MS = 3000

/**
 * Runs the process that has the plaintext to its end.
 * @param {import('./setting.js').Setting} setting
 * @returns {{ masterKey: string, keys: Record<string, string> }}
 */
function writeLockbox({ file }) {
  const script = path.join(__dirname, 'write-lockbox.js')
  return JSON.parse(
    execFileSync(process.execPath, [script, file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT_MS })
  )
}

/** The parent process, which in turn starts the worker. */
class Parent {
  #child
  #lines
  #stopped
  /** @type {Promise<unknown>} */
  #closed

  /**
   * @param {import('./setting.js').Setting} setting
   * @param {string} masterKey
   * @param {AbortSignal} signal
   */
  constructor({ file }, masterKey, signal) {
    const env = { ...process.env, LOCKBOX_MASTER_KEY: masterKey }
    this.#child = spawn(process.execPath, [path.join(__dirname, 'parent.js'), file], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#closed = once(this.#child, 'close')
    this.#lines = linesOf(this.#child.stdout)
    this.#stopped = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    this.#stopped.catch(() => {})
    // It may have ended already; whoever waits for its next message hears of that.
    this.#child.stdin.on('error', () => {})
  }

  get pid() {
    return /** @type {number} */ (this.#child.pid)
  }

  /** @param {{ requestId: string, provider: string, leak?: boolean }} wanted */
  ask(wanted) {
    this.#child.stdin.write(toLine(wanted))
  }

  /** The next message of the worker, or why there is none. @returns {Promise<any>} */
  next() {
    return Promise.race([nextMessage(this.#lines, "the sealed tenant's parent"), this.#stopped])
  }

  /** Its input ends, so it ends the worker and itself. */
  async close() {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    await this.#closed
    clearTimeout(timer)
  }
}

module.exports = { Parent, writeLockbox }
