// File systems in which a login cannot be written: in a mount namespace of a test program's own, so that nothing of them is
// left behind.
'use strict'

const { execFileSync, spawnSync } = require('node:child_process')
const { startServing } = require('./serving.js')

/** Why there are no such namespaces here; false where there are. */
function whyNoMounts() {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  return spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'mount namespaces cannot be had here'
}

/** Why no system call can be made to fail here; false where it can. */
const whyNoStrace = () => (spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0 ? false : 'needs strace')

/**
 * A process in its own mount namespace that keeps a login fresh, as {@link startServing} has it.
 * @param {{ after(fn: () => any): void }} t
 * @param {string[]} [wrapper] a program that runs it
 */
const startServingAlone = (t, wrapper = []) => startServing(t, { wrapper: ['unshare', '--mount', '--propagation', 'private', ...wrapper] })

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

module.exports = { startServingAlone, takesAttributes, whyNoMounts, whyNoStrace }
