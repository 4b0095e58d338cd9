// File systems in which a login cannot be written: in a mount namespace of a test program's own, so that nothing of them is
// left behind.
'use strict'

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { createInterface } = require('node:readline')

const FIXTURE = path.join(__dirname, '..', 'fixtures', 'serves-a-login.js')

/** Why there are no such namespaces here; false where there are. */
function whyNoMounts() {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  return spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'mount namespaces cannot be had here'
}

/** Why no system call can be made to fail here; false where it can. */
const whyNoStrace = () => (spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0 ? false : 'needs strace')

/**
 * A process in a mount namespace of its own that keeps a login fresh. It does what it is told, line by line.
 * @param {{ after(fn: () => any): void }} t
 * @param {string[]} [wrapper] a program that runs it
 */
function startServing(t, wrapper = []) {
  const [program, ...args] = ['unshare', '--mount', '--propagation', 'private', ...wrapper, process.execPath, FIXTURE]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
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

/** Whether an attribute of chattr(1) can be set in a directory. @param {string} dir */
function takesAttributes(dir) {
  try {
    execFileSync('chattr', ['+i', dir], { stdio: 'ignore' })
    execFileSync('chattr', ['-i', dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

module.exports = { startServing, takesAttributes, whyNoMounts, whyNoStrace }
