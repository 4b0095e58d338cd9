// A file system of a tenant's that never answers: what is asked of it is read, and then nothing happens, until it ends.
'use strict'

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { makeOpenDir } = require('./homes.js')

// Reads what the kernel asks, and answers FUSE_INIT alone (linux/fuse.h). Says each opcode.
const DAEMON = `
const fs = require('node:fs')
const { spawnSync } = require('node:child_process')
const [place, options] = process.argv.slice(1)
const fd = fs.openSync('/dev/fuse', 'r+')
const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', 'fd=3,rootmode=40000,' + options, 'silent', place], { stdio: ['ignore', 'ignore', 'inherit', fd] })
if (mounted.status !== 0) process.exit(1)
const request = Buffer.alloc(1 << 17)
const read = () => fs.read(fd, request, 0, request.length, null, (error) => {
  if (error) process.exit(0)
  const opcode = request.readUInt32LE(4)
  console.log(opcode)
  if (opcode === 26) {
    const reply = Buffer.alloc(16 + 64)
    reply.writeUInt32LE(reply.length, 0)
    request.copy(reply, 8, 8, 16)
    reply.writeUInt32LE(7, 16)
    reply.writeUInt32LE(31, 20)
    reply.writeUInt32LE(1 << 16, 36)
    fs.writeSync(fd, reply)
  }
  read()
})
read()`

/**
 * Mounts it at a new directory of the uid's; without `allow_other`, only that uid may enter it. Throws where there is no
 * FUSE.
 * @param {{ after(fn: () => any): void }} test
 * @param {number} uid
 * @param {string} [more]  mount options
 */
async function mountSilent(test, uid, more = '') {
  const place = makeOpenDir('provider-env-silent-')
  fs.chownSync(place, uid, uid)
  const daemon = spawn(process.execPath, ['-e', DAEMON, place, `user_id=${uid},group_id=${uid}${more}`], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let said = ''
  let complaint = ''
  /** @type {(() => void)[]} */
  const waiting = []
  daemon.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
    for (const look of waiting) look()
  })
  daemon.stderr.setEncoding('utf8').on('data', (text) => (complaint += text))
  const ended = new Promise((resolve) => daemon.once('close', resolve))
  const stop = async () => {
    daemon.kill('SIGKILL')
    await ended
    // Whoever waited for it has an error now, and lets go.
    spawnSync('umount', ['-l', place])
  }
  test.after(async () => {
    await stop()
    fs.rmSync(place, { recursive: true })
  })
  /** Until it was asked so many things, the first of which is FUSE_INIT. @param {number} count */
  const asked = (count) =>
    new Promise((resolve, reject) => {
      const look = () => void (said.split('\n').length > count && resolve(undefined))
      waiting.push(look)
      look()
      void ended.then(() => reject(new Error(`there is no FUSE here: ${complaint}`)))
    })
  await asked(1)
  return { place, asked, stop }
}

module.exports = { mountSilent }
