// Searches for secrets from outside: in a process's memory and environment, and in files.
'use strict'

const { readFileSync } = require('node:fs')
const { countInMemory } = require('../../__test__/support/memory-scan.js')

/** What the kernel says where it does not let this process look, or has nothing to show. */
const NOT_FOR_US = ['EACCES', 'EPERM', 'ENOENT']

/** @typedef {{ copies: number, guarded: number } | { unseen: string }} Scan */

/**
 * @param {number} pid
 * @param {(string | Buffer)[]} secrets
 * @returns {Scan}
 */
function scanFor(pid, ...secrets) {
  return look(`/proc/${pid}/mem`, () => {
    const scans = secrets.map((secret) => countInMemory(pid, Buffer.from(secret)))
    const sum = (/** @type {'all' | 'guarded'} */ name) => scans.reduce((total, scan) => total + scan[name], 0)
    return { copies: sum('all'), guarded: sum('guarded') }
  })
}

/**
 * @param {number} pid
 * @param {string[]} secrets
 */
function environmentOf(pid, secrets) {
  const file = `/proc/${pid}/environ`
  return look(file, () => {
    const bytes = readFileSync(file)
    return { names: bytes.toString('latin1').split('\0').filter(Boolean).length, secrets: found(bytes, secrets) }
  })
}

/**
 * @param {string} file
 * @param {string[]} secrets
 */
function fileOf(file, secrets) {
  const bytes = readFileSync(file)
  return { bytes: bytes.length, secrets: found(bytes, secrets) }
}

/**
 * How many of the secrets are there, in plain text or in a form that anyone could read back.
 * @param {Buffer} bytes
 * @param {string[]} secrets
 */
function found(bytes, secrets) {
  const text = bytes.toString('latin1')
  return secrets.filter((secret) => formsOf(Buffer.from(secret)).some((form) => text.includes(form))).length
}

/** @param {Buffer} secret */
function formsOf(secret) {
  // Of base64, what does not depend on the neighbours: whole groups of three bytes, from each of three offsets.
  const groups = [0, 1, 2].map((skip) => secret.subarray(skip, secret.length - ((secret.length - skip) % 3)))
  const base64 = groups.flatMap((bytes) => [bytes.toString('base64'), bytes.toString('base64url')])
  return [
    secret.toString('latin1'),
    Buffer.from(secret.toString('latin1'), 'utf16le').toString('latin1'),
    secret.toString('hex'),
    ...base64
  ]
}

/**
 * @template T
 * @param {string} file
 * @param {() => T} read
 * @returns {T | { unseen: string }}
 */
function look(file, read) {
  if (process.platform !== 'linux') return { unseen: 'there is no /proc here' }
  try {
    return read()
  } catch (error) {
    const code = String(/** @type {NodeJS.ErrnoException} */ (error).code)
    if (!NOT_FOR_US.includes(code)) throw error
    return { unseen: `${file} could not be read: ${code}` }
  }
}

module.exports = { environmentOf, fileOf, scanFor }
