// Which process is at the other end of a connection.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const needsCompiler = process.platform !== 'linux' ? 'needs Linux' : spawnSync('cc', ['--version']).error ? 'needs a C compiler' : false

/** A program that tells who is at the other end of a Unix socket. @param {string} dir where it is put */
function unixPeers(dir) {
  const program = path.join(dir, 'peer')
  const { status } = spawnSync('cc', ['-o', program, path.join(__dirname, '..', 'fixtures', 'peer.c')], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the fixture peer.c does not compile')
  return (/** @type {any} */ stream) => {
    // The number alone: given the stream, Node would hand it over and end it here.
    const { stdout } = spawnSync(program, { stdio: ['ignore', 'pipe', 'inherit', stream._handle.fd], encoding: 'utf8' })
    const [pid, uid] = stdout.trim().split(' ').map(Number)
    return { pid, uid }
  }
}

/**
 * Whether a process has a client's side of a connection on loopback, and the uid that the kernel noted for it.
 * @param {number | undefined} pid
 * @param {{ remotePort?: number, localPort?: number }} stream the server's side
 */
function holdsConnection(pid, { remotePort = 0, localPort = 0 }) {
  const address = (/** @type {number} */ port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = fs
    .readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const row = rows.find((fields) => fields[1] === address(remotePort) && fields[2] === address(localPort))
  if (row === undefined) return { uid: undefined, holds: false }
  const leadsThere = (/** @type {string} */ name) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${name}`) === `socket:[${row[9]}]`
    } catch {
      return false
    }
  }
  // Twice: of 1,900 connections one was not seen at the first look, while the process opened others.
  const holds = [1, 2].some(() => fs.readdirSync(`/proc/${pid}/fd`).some(leadsThere))
  return { uid: Number(row[7]), holds }
}

module.exports = { holdsConnection, needsCompiler, unixPeers }
