// A terminal for a command, made by script(1), and what /proc says of a user's processes meanwhile.
'use strict'

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { setImmediate: turn } = require('node:timers/promises')

const needsScript = spawnSync('script', ['--version']).error === undefined ? false : 'script(1) is not there to make a terminal'
const quoted = (/** @type {readonly string[]} */ words) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')

/**
 * Runs a line of a POSIX shell on its own terminal, and looks at the processes of `uid` until it ends.
 * @param {string} line
 * @param {{ uid: number, env?: Record<string, string> }} options
 */
async function onTerminal(line, { uid, env = {} }) {
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', TERM: 'dumb', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part))
  let ended = false
  const end = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve)).finally(() => (ended = true))
  /** What was seen: names of processes, and which of them had a hold on a terminal. */
  const seen = { names: new Set(), held: new Set() }
  while (!ended) {
    for (const { name, holds } of processesOf(uid)) {
      seen.names.add(name)
      if (holds) seen.held.add(name)
    }
    await turn()
  }
  const status = await end
  return { status, text: text.replaceAll('\r\n', '\n'), names: [...seen.names], held: [...seen.held] }
}

/**
 * A child that asks about paths as the target stays in the session. It runs no code but the addon's, in memory that the
 * target cannot attach to, and has no descriptor (src/sys/child/mod.rs). What executes a program leaves the session first.
 */
const CHECKS = 'pe-spawner'

/** @param {number} uid */
function processesOf(uid) {
  return fs
    .readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1')
        if (!new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(status)) return []
        const name = /^Name:\s+(.*)$/m.exec(status)?.[1] ?? ''
        const inSession = name !== CHECKS && ttyOf(fs.readFileSync(`/proc/${pid}/stat`, 'latin1')) !== 0
        return [{ name, holds: inSession || streamsOf(pid).some((to) => to.startsWith('/dev/pts/')) }]
      } catch {
        // It has ended meanwhile.
        return []
      }
    })
}

/** The controlling terminal, of /proc/PID/stat. @param {string} stat */
function ttyOf(stat) {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4])
}

/** @param {string} pid */
function streamsOf(pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
}

module.exports = { needsScript, onTerminal, quoted, ttyOf }
