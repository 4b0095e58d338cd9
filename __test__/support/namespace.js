// Tells whether this process is cut off from every network but loopback; real CLIs run nowhere else.
'use strict'

const { readFileSync } = require('node:fs')
const { networkInterfaces } = require('node:os')

// Some kernels put these into every new network namespace. They are down and lead nowhere.
const KERNEL_FALLBACKS = /^(?:tunl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|sit0|ip6tnl0|ip6gre0)$/

/**
 * Why this process is not in such a namespace; null when it is.
 * /proc/net/dev also names interfaces that are down, which os.networkInterfaces() leaves out.
 */
function whyNotPrivate() {
  if (process.platform !== 'linux') return `network namespaces are Linux's, this is ${process.platform}`
  const names = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0].trim())
    .filter((name) => name !== '' && !KERNEL_FALLBACKS.test(name))
  const others = names.filter((name) => name !== 'lo')
  if (others.length > 0) return `this process can see the network through ${others.join(', ')}`
  if (networkInterfaces().lo === undefined) return 'lo is down'
  return null
}

/** @returns {boolean} */
function inPrivateNetwork() {
  return whyNotPrivate() === null
}

/** Throws unless only loopback can be reached. */
function requirePrivateNetwork() {
  const why = whyNotPrivate()
  if (why !== null) throw new Error(`${why}: run this through scripts/netns.sh, as real CLIs must not reach a network`)
}

module.exports = { inPrivateNetwork, requirePrivateNetwork, whyNotPrivate }
