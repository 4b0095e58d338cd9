// Finds the real CLIs' native binaries in node_modules, and places them where any uid can start them.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { makeOpenDir } = require('./homes.js')

const PROJECT = path.join(__dirname, '..', '..')

/** @typedef {{ codex: string, claude: string }} Programs */

/**
 * Absolute paths of both native binaries; throws with the package to install when one is missing.
 * @param {object} [options]
 * @param {string} [options.from]  a directory to resolve from; default: this project
 * @returns {Programs}
 */
function findPrograms({ from = PROJECT } = {}) {
  const target = `${process.platform}-${process.arch}`
  const codexDir = packageDir('@openai/codex', from)
  const vendor = path.join(packageDir(`@openai/codex-${target}`, codexDir), 'vendor')
  // One directory, named by the Rust target, of which a system may have several spellings.
  const [triple] = fs.readdirSync(vendor)
  const exe = process.platform === 'win32' ? '.exe' : ''
  return {
    codex: existing(path.join(vendor, triple, 'bin', `codex${exe}`)),
    claude: existing(path.join(packageDir(`@anthropic-ai/claude-agent-sdk-${target}`, from), `claude${exe}`))
  }
}

/**
 * Puts both programs into a fresh directory that every uid can enter. Links where it can: they are 300 MB each.
 * @param {object} [options]
 * @param {string} [options.from]
 * @param {number} [options.mode]  for example 0o711, which keeps the agent's own uid from reading the provider's
 *   memory and environment. A mode belongs to the inode, so another than the installed one needs a copy.
 * @param {{ after(fn: () => void): void }} [options.test]  the test at whose end they are removed
 * @returns {Programs & { dir: string, remove: () => void }}
 */
function installForAnyone({ from, mode, test } = {}) {
  const found = findPrograms({ from })
  const dir = makeOpenDir('provider-env-programs-')
  const remove = () => fs.rmSync(dir, { recursive: true, force: true })
  test?.after(remove)
  return {
    dir,
    remove,
    codex: placeCodex(found.codex, path.join(dir, 'codex'), mode),
    claude: place(found.claude, path.join(dir, 'claude'), mode)
  }
}

/**
 * Claude Code where its native installer puts it: the name of the file tells its version.
 * @param {{ after(fn: () => void): void }} test
 * @param {string} [version] default: the installed one
 */
function claudeOfVersion(test, version = claudeVersion()) {
  const dir = makeOpenDir('provider-env-versions-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  fs.mkdirSync(path.join(dir, 'versions'))
  return place(findPrograms().claude, path.join(dir, 'versions', version))
}

function claudeVersion() {
  // Its `exports` name no manifest.
  const sdk = path.join(findPrograms().claude, '../../claude-agent-sdk/package.json')
  return JSON.parse(fs.readFileSync(sdk, 'utf8')).claudeCodeVersion
}

/**
 * Codex finds its code-mode host, its sandbox helper and ripgrep by their place beside it, so they move together.
 * The host inherits Codex's environment, key and all: it must not be readable where Codex is not.
 * @param {string} source
 * @param {string} dir
 * @param {number} [mode]
 */
function placeCodex(source, dir, mode) {
  const home = path.join(source, '..', '..')
  /** @type {[string, number | undefined][]} */
  const helpers = [
    ['bin/codex-code-mode-host', mode],
    ['codex-resources/bwrap', undefined],
    ['codex-path/rg', undefined],
    ['codex-package.json', 0o644]
  ]
  for (const name of ['bin', 'codex-resources', 'codex-path']) fs.mkdirSync(path.join(dir, name), { recursive: true })
  for (const [helper, wanted] of helpers) {
    if (fs.existsSync(path.join(home, helper))) place(path.join(home, helper), path.join(dir, helper), wanted)
  }
  return place(source, path.join(dir, 'bin', path.basename(source)), mode)
}

/**
 * @param {string} source
 * @param {string} target
 * @param {number} [mode]
 */
function place(source, target, mode) {
  const installed = fs.statSync(source).mode & 0o777
  const wanted = mode ?? 0o755
  if (installed !== wanted || !tryLink(source, target)) {
    fs.copyFileSync(source, target, fs.constants.COPYFILE_FICLONE)
    fs.chmodSync(target, wanted)
  }
  return target
}

/**
 * @param {string} source
 * @param {string} target
 */
function tryLink(source, target) {
  try {
    fs.linkSync(source, target)
    return true
  } catch {
    // Another file system, or fs.protected_hardlinks and another's file.
    return false
  }
}

/**
 * @param {string} name
 * @param {string} from
 */
function packageDir(name, from) {
  try {
    return path.dirname(fs.realpathSync(require.resolve(`${name}/package.json`, { paths: [from] })))
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm install, with optional dependencies`, { cause })
  }
}

/** @param {string} file */
function existing(file) {
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: its package has another layout than this expects`)
  return file
}

module.exports = { claudeOfVersion, findPrograms, installForAnyone }
