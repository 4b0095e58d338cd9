// A PostgreSQL server for one test, from the system's packages: a fresh cluster, a Unix socket, no network.
'use strict'

const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeOpenDir } = require('./homes.js')
const { until } = require('./kernel.js')

/** Where Debian puts the server's programs, newest first; others have them on the PATH. */
function programs() {
  const debian = '/usr/lib/postgresql'
  const versions = fs.existsSync(debian) ? fs.readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : []
  const dirs = [...versions.map((version) => path.join(debian, version, 'bin')), ...(process.env.PATH ?? '').split(':')]
  return dirs.find((dir) => ['initdb', 'postgres'].every((name) => fs.existsSync(path.join(dir, name))))
}

/** PostgreSQL does not run as root, and wants a user that has a name. */
function owner() {
  if (process.getuid?.() !== 0) return {}
  const users = new Map(
    fs
      .readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => /** @type {[string, string[]]} */ ([line.split(':')[0], line.split(':')]))
  )
  const [, , uid, gid] = users.get('postgres') ?? users.get('nobody') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** Why there can be no server here; false when there can. */
function whyNoPostgres() {
  if (process.platform !== 'linux') return 'starts PostgreSQL on Linux only'
  return programs() ? false : 'PostgreSQL is not installed (Debian: postgresql)'
}

/**
 * Starts a server that ends with the test.
 * @param {{ after(fn: () => any): void }} test
 * @returns {Promise<import('pg').Client>} connected as its superuser
 */
async function startPostgres(test) {
  const bin = /** @type {string} */ (programs())
  const dir = makeOpenDir('provider-env-postgres-')
  const ids = owner()
  if (ids.uid !== undefined) fs.chownSync(dir, ids.uid, ids.gid)
  const data = path.join(dir, 'data')
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: dir }
  execFileSync(path.join(bin, 'initdb'), ['-D', data, '-U', 'test', '-A', 'trust', '-N', '--no-instructions'], {
    ...ids,
    cwd: dir,
    env,
    stdio: 'ignore'
  })
  const settings = { listen_addresses: '', unix_socket_directories: dir, fsync: 'off', shared_buffers: '16MB' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(path.join(bin, 'postgres'), ['-D', data, ...flags], { ...ids, cwd: dir, env, stdio: 'ignore' })
  const ended = new Promise((resolve) => server.once('close', resolve))
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null
  /** @type {import('pg').Client | undefined} */
  let client
  test.after(async () => {
    await client?.end().catch(() => {})
    // "Fast shutdown": PostgreSQL ends what it started.
    server.kill('SIGINT')
    await ended
    fs.rmSync(dir, { recursive: true, force: true })
  })
  client = await until('PostgreSQL answers', () => {
    if (hasEnded()) throw new Error(`PostgreSQL ended with ${server.exitCode ?? server.signalCode}`)
    return connect(dir)
  })
  return client
}

/** What a server that is starting up says: there is no socket, nobody listens on it, or "the database system is starting up". */
const NOT_YET = ['ENOENT', 'ECONNREFUSED', '57P03']

/** A client, unless the server is not there yet. @param {string} host @returns {Promise<import('pg').Client | null>} */
async function connect(host) {
  const { Client } = require('pg')
  const client = new Client({ host, user: 'test', database: 'postgres' })
  try {
    await client.connect()
    return client
  } catch (error) {
    if (NOT_YET.includes(/** @type {any} */ (error).code)) return null
    throw error
  }
}

module.exports = { startPostgres, whyNoPostgres }
