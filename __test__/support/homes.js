// Fresh homes, workspaces and state directories that belong to the uid a test drops to.
'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

/**
 * @typedef {object} Homes
 * @property {string} root
 * @property {string} home
 * @property {string} workspace
 * @property {string} tmpDir
 * @property {string} codexHome
 * @property {string} claudeConfigDir
 * @property {() => void} remove
 */

/**
 * @param {object} [options]
 * @param {number} [options.uid]  default: this process's own; another one needs root
 * @param {number} [options.gid]  default: `uid`
 * @param {{ after(fn: () => void): void }} [options.test]  the test at whose end they are removed
 * @returns {Homes}
 */
function makeHomes({ uid, gid = uid, test } = {}) {
  const root = makeOpenDir('provider-env-homes-')
  /** @param {string} name */
  const make = (name) => {
    const dir = path.join(root, name)
    fs.mkdirSync(dir)
    fs.chmodSync(dir, 0o700)
    if (uid !== undefined && gid !== undefined) fs.chownSync(dir, uid, gid)
    return dir
  }
  // A CLI that was just stopped may still be writing: hence the retries.
  const remove = () => fs.rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  test?.after(remove)
  return {
    root,
    home: make('home'),
    workspace: make('workspace'),
    tmpDir: make('tmp'),
    codexHome: make('codex'),
    claudeConfigDir: make('claude'),
    remove
  }
}

/**
 * A fresh directory that every uid can enter: mkdtemp alone makes 0700, and TMPDIR may lie below a private home.
 * @param {string} prefix
 * @returns {string} its real path
 */
function makeOpenDir(prefix) {
  const base = [os.tmpdir(), '/var/tmp', '/tmp'].find(isOpenToAll)
  if (base === undefined) throw new Error('no temporary directory that every uid can enter: set TMPDIR to one')
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(base), prefix))
  fs.chmodSync(dir, 0o755)
  return dir
}

/** @param {string} dir */
function isOpenToAll(dir) {
  try {
    let at = fs.realpathSync(dir)
    for (;;) {
      if ((fs.statSync(at).mode & 0o001) === 0) return false
      const parent = path.dirname(at)
      if (parent === at) return true
      at = parent
    }
  } catch {
    return false
  }
}

module.exports = { makeHomes, makeOpenDir }
