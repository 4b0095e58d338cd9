// Finds the real CLIs' native binaries, in node_modules or where the environment says, and places them where any uid can start them.
'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeOpenDir } = require('./homes.js')

const PROJECT = path.join(__dirname, '..', '..')

/** @typedef {{ codex: string, claude: string }} Programs */

/** What names another program than the installed one, by an absolute path: `npm run compat` does. */
const VARIABLES = Object.freeze({ codex: 'PROVIDER_ENV_TEST_CODEX', claude: 'PROVIDER_ENV_TEST_CLAUDE' })

/**
 * Absolute paths of both native binaries; throws with the package to install when one is missing.
 * @returns {Programs}
 */
function findPrograms() {
  return { codex: named('codex') ?? installedCodex(), claude: named('claude') ?? installedClaude() }
}

/** @param {keyof typeof VARIABLES} provider */
function named(provider) {
  const file = process.env[VARIABLES[provider]]
  if (!file) return undefined
  if (!path.isAbsolute(file)) throw new Error(`${VARIABLES[provider]} must be an absolute path`)
  if (!fs.existsSync(file)) throw new Error(`there is no file ${file}, which ${VARIABLES[provider]} names`)
  return fs.realpathSync(file)
}

const TARGET = `${process.platform}-${process.arch}`
const EXE = process.platform === 'win32' ? '.exe' : ''

function installedCodex() {
  const vendor = path.join(packageDir(`@openai/codex-${TARGET}`, packageDir('@openai/codex', PROJECT)), 'vendor')
  // One directory, named by the Rust target, of which a system may have several spellings.
  const [triple] = fs.readdirSync(vendor)
  return existing(path.join(vendor, triple, 'bin', `codex${EXE}`))
}

function installedClaude() {
  return existing(path.join(packageDir(`@anthropic-ai/claude-agent-sdk-${TARGET}`, PROJECT), `claude${EXE}`))
}

/**
 * Puts both programs into a fresh directory that every uid can enter. Links where it can: they are 300 MB each.
 * @param {object} [options]
 * @param {number} [options.mode]  for example 0o711, which keeps the agent's own uid from reading the provider's
 *   memory and environment. A mode belongs to the inode, so another than the installed one needs a copy.
 * @param {{ after(fn: () => void): void }} [options.test]  the test at whose end they are removed
 * @returns {Programs & { dir: string, remove: () => void }}
 */
function installForAnyone({ mode, test } = {}) {
  const found = findPrograms()
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
 * @param {string} [version] default: its own
 */
function claudeOfVersion(test, version = claudeVersion()) {
  const dir = makeOpenDir('provider-env-versions-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  fs.mkdirSync(path.join(dir, 'versions'))
  return place(findPrograms().claude, path.join(dir, 'versions', version))
}

/** What the program says of itself: it may be of another package than the SDK, or of none. */
function claudeVersion() {
  const text = execFileSync(findPrograms().claude, ['--version'], { env: { HOME: '/nonexistent' }, encoding: 'utf8', timeout: 30_000 })
  const [version] = /^\d+\.\d+\.\d+/.exec(text) ?? []
  if (version === undefined) throw new Error(`claude --version said ${JSON.stringify(text)}`)
  return version
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
