// A Redis server for one test on a Unix socket, and the few words of its protocol that a lock needs.
'use strict'

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { until } = require('./kernel.js')

/** Where the set-up unpacks the system's packages when it is not installed (scripts/lib/redis.mjs). */
const UNPACKED = path.join(__dirname, '..', '..', 'node_modules', '.cache', 'provider-env', 'redis')

/** @returns {{ program: string, libraries: string } | undefined} */
function find() {
  const installed = (process.env.PATH ?? '')
    .split(':')
    .map((dir) => path.join(dir, 'redis-server'))
    .find((file) => fs.existsSync(file))
  if (installed) return { program: installed, libraries: '' }
  const program = path.join(UNPACKED, 'usr', 'bin', 'redis-server')
  if (!fs.existsSync(program)) return undefined
  const lib = path.join(UNPACKED, 'usr', 'lib')
  return {
    program,
    libraries: fs
      .readdirSync(lib)
      .map((name) => path.join(lib, name))
      .join(':')
  }
}

/** Why there can be no server here; false when there can. */
function whyNoRedis() {
  return find() ? false : 'Redis is not installed (Debian: redis-server)'
}

/** @param {{ after(fn: () => any): void }} test @returns {Promise<string>} its socket */
async function startRedis(test) {
  const { program, libraries } = /** @type {NonNullable<ReturnType<typeof find>>} */ (find())
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-redis-'))
  const socket = path.join(dir, 'redis.sock')
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', dir]
  const server = spawn(program, args, { stdio: 'ignore', env: { PATH: '/usr/bin:/bin', LD_LIBRARY_PATH: libraries } })
  const ended = new Promise((resolve) => server.once('close', resolve))
  test.after(async () => {
    server.kill('SIGKILL')
    await ended
    fs.rmSync(dir, { recursive: true, force: true })
  })
  await until('Redis answers', async () => {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(`Redis ended with ${server.exitCode ?? server.signalCode}`)
    return await answers(socket)
  })
  return socket
}

/** Whether a server there answers: its socket's file is there before anybody listens on it. @param {string} socket */
async function answers(socket) {
  try {
    const client = await createClient(socket)
    const isReady = (await client.command('PING').catch(() => '')) === 'PONG'
    client.end()
    return isReady
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(/** @type {any} */ (error).code)) return false
    throw error
  }
}

/**
 * @param {string} socket
 * @returns {Promise<{ command: (...words: string[]) => Promise<any>, end: () => void }>}
 */
async function createClient(socket) {
  const connection = net.createConnection(socket)
  await new Promise((resolve, reject) => connection.once('connect', () => resolve(undefined)).once('error', reject))
  let received = ''
  /** @type {{ resolve: (value: any) => void, reject: (error: Error) => void }[]} */
  const waiting = []
  connection.setEncoding('latin1').on('data', (/** @type {any} */ more) => {
    received += more
    for (let reply = parse(received); reply; reply = parse(received)) {
      received = received.slice(reply.length)
      const { resolve, reject } = /** @type {(typeof waiting)[number]} */ (waiting.shift())
      if (reply.error) reject(new Error(reply.error))
      else resolve(reply.value)
    }
  })
  return {
    command: (...words) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        connection.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
      }),
    end: () => connection.end()
  }
}

/** One reply (RESP 2): a status, an error, a number or a string. @param {string} text @returns {{ length: number, value?: any, error?: string } | undefined} */
function parse(text) {
  const line = text.indexOf('\r\n')
  if (line < 0) return undefined
  const [kind, rest, head] = [text[0], text.slice(1, line), line + 2]
  if (kind === '-') return { length: head, error: rest }
  if (kind !== '$') return { length: head, value: rest }
  const size = Number(rest)
  if (size < 0) return { length: head, value: null }
  return text.length < head + size + 2 ? undefined : { length: head + size + 2, value: text.slice(head, head + size) }
}

module.exports = { createClient, startRedis, whyNoRedis }
