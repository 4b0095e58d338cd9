// Isolates the demo from every network except loopback, if the system allows it, so that made-up keys do not leave the
// machine.
'use strict'

const path = require('node:path')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { whyNotPrivate } = require('../__test__/support/namespace.js')

const NETNS = path.join(__dirname, '..', 'scripts', 'netns.sh')
/** What netns.sh ends with where no namespace can be made. */
const NO_NAMESPACE = 3

/** @typedef {{ kind: 'private' } | { kind: 'open', why: string } | { kind: 'done', status: number }} Network */

/**
 * Starts this program again in its own network namespace, and waits for it; or says why not.
 * @returns {Promise<Network>}
 */
async function enterPrivateNetwork() {
  if (process.platform !== 'linux') return { kind: 'open', why: `only Linux has network namespaces, and this is ${process.platform}` }
  if (whyNotPrivate() === null) return { kind: 'private' }
  // Without root it takes a user namespace, in which the demo would look like root and could become nobody else.
  if (process.geteuid?.() !== 0) return { kind: 'open', why: 'a private network namespace requires root' }

  const child = spawn(NETNS, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' })
  // A terminal's Ctrl-C reaches the child itself; what was sent to this process alone is passed on.
  const wait = () => {}
  const passOn = () => child.kill('SIGTERM')
  process.on('SIGINT', wait).on('SIGTERM', passOn)
  const [status, signal] = await once(child, 'close')
  process.off('SIGINT', wait).off('SIGTERM', passOn)
  if (status === NO_NAMESPACE) return { kind: 'open', why: 'the network namespace could not be created (see above)' }
  return { kind: 'done', status: signal ? 1 : status }
}

module.exports = { enterPrivateNetwork }
