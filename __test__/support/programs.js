// Finds the real CLIs' native binaries, in node_modules or where the environment says, and places them where any uid can start them.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const binding = require('./addon.js')
const { makeOpenDir } = require('./homes.js')

const PROJECT = path.join(__dirname, '..', '..')

/** @typedef {{ codex: string, claude: string }} Programs */

/** What names another program than the installed one, by an absolute path, in its npm package: `npm run compat` does. */
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

/** @type {Record<keyof Programs, (program: string) => string>} */
const VERSION_OF = {
  codex(program) {
    const vendor = path.join(program, '../../../..')
    // `0.169.0-linux-x64`
    return readJson(path.join(vendor, 'package.json')).version.split('-')[0]
  },
  claude(program) {
    const { name, version } = readJson(path.join(program, '../package.json'))
    // The Agent SDK's packages have their own versions; its `exports` name no manifest.
    return name.includes('agent-sdk') ? readJson(path.join(program, '../../claude-agent-sdk/package.json')).claudeCodeVersion : version
  }
}

/** The versions of the programs that the tests run on. @returns {Programs} */
function versionsUnderTest() {
  const found = findPrograms()
  return { codex: VERSION_OF.codex(found.codex), claude: VERSION_OF.claude(found.claude) }
}

/** For what differs by version. @param {string} version @param {string} since */
function isAtLeast(version, since) {
  const [[a, b, c], [x, y, z]] = [version, since].map((each) => each.split('.').map(Number))
  return a !== x ? a > x : b !== y ? b > y : c >= z
}

/** For the `skip` of a test of what came later. @param {keyof Programs} provider @param {string} since */
function unlessSince(provider, since) {
  const version = versionsUnderTest()[provider]
  return isAtLeast(version, since) ? false : `${provider} ${version} does not do this, ${since} does`
}

/** Whether the CLI under test is newer than all that the row was tested with: then it is warned of. @param {keyof Programs} provider @param {string} version */
function isUntested(provider, version) {
  const row = binding.providerFacts().find(({ id }) => id === provider)
  return !isAtLeast(String(row?.testedVersion), version)
}

/**
 * Puts both programs into a fresh directory that every uid can enter, with their versions: Codex with the files
 * beside it, Claude Code as its native installer names it. Links where it can: they are 300 MB each.
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
    claude: placeClaude(found.claude, dir, VERSION_OF.claude(found.claude), mode)
  }
}

/**
 * Claude Code under another name, which states another version, or none.
 * @param {{ after(fn: () => void): void }} test
 * @param {string | null} version
 */
function claudeOfVersion(test, version) {
  const dir = makeOpenDir('provider-env-versions-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const { claude } = findPrograms()
  return version === null ? place(claude, path.join(dir, 'claude')) : placeClaude(claude, dir, version)
}

/** A version that nobody has tested, for programs that are placed under it. */
const NEWER = '99.0.0'

/**
 * Both programs under a version that is newer than all that was tested, as the next one will be.
 * @param {{ after(fn: () => void): void }} test
 * @returns {Programs}
 */
function installAsNewer(test) {
  const { dir, claude, codex } = installForAnyone({ test })
  const newer = path.join(dir, 'versions', NEWER)
  fs.renameSync(claude, newer)
  // Removed first: it may be a link to the installed one.
  const beside = path.join(dir, 'codex/codex-package.json')
  const manifest = fs.existsSync(beside) ? beside : path.join(dir, 'codex/node_modules/@openai/codex/package.json')
  const text = JSON.stringify({ ...readJson(manifest), version: NEWER })
  fs.rmSync(manifest)
  fs.writeFileSync(manifest, text)
  return { claude: newer, codex }
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
 * manifest beside it, and its package states the version.
 * @param {string} source
 * @param {string} dir
 * @param {number} [mode]
 */
function placeCodex(source, dir, mode) {
  const home = path.join(source, '..', '..')
  if (!fs.existsSync(path.join(home, 'codex-package.json'))) {
    const inPackage = path.relative(path.join(home, '../../..'), source)
    write(path.join(dir, 'node_modules/@openai/codex/package.json'), JSON.stringify({ version: VERSION_OF.codex(source) }))
    const target = path.join(dir, 'node_modules/@openai', inPackage)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    return place(source, target, mode)
  }
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

/** @param {string} file @param {string} text */
function write(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}

/**
 * @param {string} source
 * @param {string} target
 * @param {number} [mode]
 */
function place(source, target, mode) {
  const { mode: bits, uid } = fs.statSync(source)
  const wanted = mode ?? 0o755
  // A version that another user's file states is not believed: under sudo, in a user's own clone.
  if ((bits & 0o777) !== wanted || ![0, process.getuid?.()].includes(uid) || !tryLink(source, target)) {
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

/** @param {string} file */
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

module.exports = { claudeOfVersion, findPrograms, installAsNewer, installForAnyone, isAtLeast, isUntested, unlessSince, versionsUnderTest }
