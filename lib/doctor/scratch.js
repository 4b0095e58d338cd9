// A fresh place for a dry start: directories of the target's own, removed at the end.
'use strict'

const fs = require('node:fs/promises')
const os = require('node:os')
const path = require('node:path')
const { ACCESS, inquire } = require('./ask.js')

const NAMES = /** @type {const} */ (['home', 'workspace', 'tmp', 'state'])

/** @typedef {Record<typeof NAMES[number], string> & { remove: () => Promise<void> }} Scratch */

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<Scratch | null>} Null where there is no temporary directory that the target can get into.
 */
async function makeScratch({ ids, target, own }) {
  for (const base of new Set([os.tmpdir(), '/tmp', '/var/tmp'])) {
    const root = await fs.mkdtemp(path.join(base, 'provider-env-doctor-')).catch(() => undefined)
    if (root === undefined) continue
    // A CLI that has just ended may still have somebody writing.
    const remove = () => fs.rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    try {
      const directories = NAMES.map((name) => path.join(root, name))
      for (const directory of [root, ...directories]) {
        if (directory !== root) await fs.mkdir(directory, { mode: 0o700 })
        if (target.uid !== own.uid || target.gid !== own.gid) await fs.chown(directory, target.uid, target.gid)
      }
      const answers = await inquire(ids, directories.map((directory) => ({ path: directory, access: ACCESS.use })), false)
      if (answers.every(({ obstacle }) => obstacle === null)) {
        return /** @type {Scratch} */ ({ ...Object.fromEntries(NAMES.map((name, index) => [name, directories[index]])), remove })
      }
    } catch (error) {
      await remove()
      throw error
    }
    await remove()
  }
  return null
}

module.exports = { makeScratch }
