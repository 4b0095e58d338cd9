// Removes the directories of a dry start. Only a child that is the target user enters what that user has created there:
// with root's rights, links that replace a directory in the meantime could lead it elsewhere.
'use strict'

const fs = require('node:fs/promises')
const { setTimeout: sleep } = require('node:timers/promises')
const { runCommand } = require('../run-command.js')

const DEADLINE_MS = 10_000
// A CLI that has just ended may still have somebody writing.
const RETRY_MS = 100
const ATTEMPTS = 5

/**
 * @param {import('./context.js').Context} context
 * @param {string} root Ours.
 * @param {string[]} directories The target's, in it.
 * @returns {Promise<boolean>} Whether all of it is gone.
 */
async function removeScratch({ target, own }, root, directories) {
  if (target.uid === own.uid) return await fs.rm(root, { recursive: true, force: true, maxRetries: ATTEMPTS, retryDelay: RETRY_MS }).then(() => true, () => false)
  const until = performance.now() + DEADLINE_MS
  for (let attempt = 0; attempt < ATTEMPTS && performance.now() < until; attempt++) {
    if (attempt > 0) await sleep(RETRY_MS)
    await emptyAs(target, directories, until - performance.now())
    // rmdir(2) follows no link and removes nothing but an empty directory.
    for (const directory of directories) await fs.rmdir(directory).catch(() => {})
    if (await fs.rmdir(root).then(() => true, () => false)) return true
  }
  return false
}

/**
 * Its status does not matter: the directories themselves are never the target's to remove.
 * @param {{ uid: number, gid: number }} ids
 * @param {string[]} directories
 * @param {number} timeoutMs
 */
async function emptyAs(ids, directories, timeoutMs) {
  await runCommand('rm', ['-rf', '--', ...directories], ids, { timeoutMs: Math.max(1, timeoutMs), graceMs: 0 }).ended.catch(() => {})
}

module.exports = { removeScratch }
