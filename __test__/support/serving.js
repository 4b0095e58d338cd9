// A process that keeps a login fresh on command: one that a test can trace, confine, freeze or kill.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { createInterface } = require('node:readline')

const FIXTURE = path.join(__dirname, '..', 'fixtures', 'serves-a-login.js')

/**
 * Starts it. It reads commands, line by line.
 * @param {{ after(fn: () => any): void }} t
 * @param {{ wrapper?: string[], env?: NodeJS.ProcessEnv }} [options] `wrapper`: a program that runs it
 */
function startServing(t, { wrapper = [], env = process.env } = {}) {
  const [program, ...args] = [...wrapper, process.execPath, FIXTURE]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
  // A process that is traced goes on without its tracer, until it hears nothing more.
  t.after(() => {
    child.stdin.end()
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** The answer to a call of the store's, or to a command: the result, or an error's code. @param {string} job @param {any} [value] */
  const ask = async (job, value) => {
    child.stdin.write(`${JSON.stringify({ job, value })}\n`)
    const { done, value: line } = await lines.next()
    return done ? { ended: true } : JSON.parse(line)
  }
  return { child, ask, run: (/** @type {string[]} */ ...command) => ask('run', command), ended: once(child, 'exit') }
}

module.exports = { startServing }
