// Finds the real CLIs' native binaries in node_modules, and places them where any uid can start them.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { makeOpenDir } = require('./homes.js')

const PROJECT = path.join(__dirname, '..', '..')

/**
 * A directory whose `node_modules` holds other versions of the CLIs than the project's: every test of a real CLI then runs on
 * those. A CLI that is not there is the project's.
 */
const { PROVIDER_ENV_TEST_CLIS } = process.env

/** @typedef {{ codex: string, claude: string }} Programs */

/**
 * Absolute paths of both programs, which are native but for Claude Code up to 2.1.112; throws with the package to install
 * when one is missing.
 * @param {object} [options]
 * @param {string} [options.from]  a directory to resolve from; default: that of the versions under test, then this project
 * @returns {Programs}
 */
function findPrograms({ from } = {}) {
  const roots = from ? [from] : [PROVIDER_ENV_TEST_CLIS, PROJECT].filter((root) => root !== undefined)
  return { codex: firstIn(roots, findCodex, '@openai/codex'), claude: firstIn(roots, findClaude, '@anthropic-ai/claude-agent-sdk') }
}

/**
 * @param {string[]} roots
 * @param {(from: string) => string | undefined} find
 * @param {string} name
 */
function firstIn(roots, find, name) {
  for (const root of roots) {
    const found = find(root)
    if (found !== undefined) return found
  }
  throw new Error(`${name} is not installed, or has another layout than this expects: run npm install, with optional dependencies`)
}

const PLATFORM = `${process.platform}-${process.arch}`

/** @param {string} from */
function findCodex(from) {
  const launcher = packageDir('@openai/codex', from)
  const native = launcher && packageDir(`@openai/codex-${PLATFORM}`, launcher)
  if (!native) return undefined
  const vendor = path.join(native, 'vendor')
  // One directory, named by the Rust target, of which a system may have several spellings. Up to 0.132 the program stands in
  // codex/.
  const [triple] = fs.readdirSync(vendor)
  return ['bin', 'codex'].map((dir) => path.join(vendor, triple, dir, 'codex')).find((file) => fs.existsSync(file))
}

/** @param {string} from */
function findClaude(from) {
  const launcher = packageDir('@anthropic-ai/claude-code', from)
  const candidates = [
    [launcher && packageDir(`@anthropic-ai/claude-code-${PLATFORM}`, launcher), 'claude'],
    [launcher, 'cli.js'],
    [packageDir(`@anthropic-ai/claude-agent-sdk-${PLATFORM}`, from), 'claude']
  ]
  return candidates.flatMap(([dir, file]) => (dir && file ? [path.join(dir, file)] : [])).find((file) => fs.existsSync(file))
}

/** @type {Record<keyof Programs, (program: string) => string>} */
const VERSION_OF = {
  codex(program) {
    const vendor = path.join(program, '../../../..')
    // `0.169.0-linux-x64`
    return readJson(path.join(vendor, 'package.json')).version.split('-')[0]
  },
  claude(program) {
    const { name, version } = readJson(path.join(program, '../package.json'))
    // The Agent SDK's packages have versions of their own; its `exports` name no manifest.
    return name.includes('agent-sdk') ? readJson(path.join(program, '../../claude-agent-sdk/package.json')).claudeCodeVersion : version
  }
}

/** The versions of the programs that the tests run on. @returns {Programs} */
function versionsUnderTest() {
  const found = findPrograms()
  return { codex: VERSION_OF.codex(found.codex), claude: VERSION_OF.claude(found.claude) }
}

/**
 * Puts both programs into a fresh directory that every uid can enter, where their versions can be told: Codex with the files
 * beside it, Claude Code as its native installer names it. Links where it can: they are 300 MB each.
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
    claude: placeClaude(found.claude, dir, VERSION_OF.claude(found.claude), mode)
  }
}

/**
 * Claude Code under another name, which tells another version, or none.
 * @param {{ after(fn: () => void): void }} test
 * @param {string | null} version
 */
function claudeOfVersion(test, version) {
  const dir = makeOpenDir('provider-env-versions-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const { claude } = findPrograms()
  return version === null ? place(claude, path.join(dir, 'claude')) : placeClaude(claude, dir, version)
}

/**
 * @param {string} source
 * @param {string} dir
 * @param {string} version
 * @param {number} [mode]
 */
function placeClaude(source, dir, version, mode) {
  fs.mkdirSync(path.join(dir, 'versions'))
  return place(source, path.join(dir, 'versions', version), mode)
}

/**
 * Codex finds its code-mode host, its sandbox helper and ripgrep by their place beside it, so they move together.
 * The host inherits Codex's environment, key and all: it must not be readable where Codex is not. Up to 0.132 there is no
 * manifest beside it, and it is started where it is.
 * @param {string} source
 * @param {string} dir
 * @param {number} [mode]
 */
function placeCodex(source, dir, mode) {
  const home = path.join(source, '..', '..')
  if (!fs.existsSync(path.join(home, 'codex-package.json'))) return source
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
 * The directory of a package as Node finds it from there; none where there is none.
 * @param {string} name
 * @param {string} from
 */
function packageDir(name, from) {
  try {
    return path.dirname(fs.realpathSync(require.resolve(`${name}/package.json`, { paths: [from] })))
  } catch {
    return undefined
  }
}

/** @param {string} file */
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

module.exports = { claudeOfVersion, findPrograms, installForAnyone, versionsUnderTest }
