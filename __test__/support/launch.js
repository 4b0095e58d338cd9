// Environments and starts for tests: as a separate uid if this process is root, otherwise as this process.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { buildProviderEnv, spawnProvider } = require('../../index.js')
const binding = require('./addon.js')
const { makeHomes, makeOpenDir } = require('./homes.js')

/** How many ids a test file has for itself: `UID` and those after it. */
const IDS_PER_FILE = 16
const UID = firstOwnId()
const isRoot = process.getuid?.() === 0
/** The ids of every start. */
const ids = isRoot ? { uid: UID, gid: UID } : {}
/** For the `skip` of a test that becomes somebody else. */
const needsRoot = isRoot ? false : 'needs root: it starts a process as another uid'
const needsLinux = process.platform === 'linux' ? false : `reads /proc, which ${process.platform} does not have`

/** Made-up keys, each with a text in it that occurs nowhere else. */
const KEYS = Object.freeze({ claude: 'sk-ant-api03-made-up-7c1b', codex: 'sk-proj-made-up-9f2e' })

/**
 * Every test file is a process, and several run at once: the kernel counts and limits the processes of a uid, and lets them
 * signal and trace each other, whichever file they are of. A user namespace may have few ids.
 */
function firstOwnId() {
  const first = 20_000
  const map = process.platform === 'linux' ? fs.readFileSync('/proc/self/uid_map', 'utf8') : '0 0 4294967295'
  const [inside, , length] = map.trim().split(/\s+/).map(Number)
  const blocks = Math.floor((Math.min(inside + length, 2 ** 31) - first) / IDS_PER_FILE)
  return first + (process.pid % Math.max(1, blocks)) * IDS_PER_FILE
}

/**
 * Options of buildProviderEnv() with directories that belong to the target.
 * @param {import('./homes.js').Homes} homes
 */
function workspaceOf({ home, workspace, tmpDir, codexHome }) {
  return { dir: workspace, home, tmpDir, codexHome }
}

/**
 * An environment with directories that the target can use, which ends with the test.
 * @param {{ after(fn: () => void): void }} test
 * @param {any} [payload]
 * @param {any} [options]
 */
function makeEnv(test, payload = {}, options = {}) {
  const homes = makeHomes({ uid: ids.uid, test })
  const provider = /** @type {'claude' | 'codex'} */ (payload.provider ?? 'claude')
  const workspace = { ...workspaceOf(homes), ...options.workspace }
  const env = buildProviderEnv({ apiKey: KEYS[provider], ...payload }, { ...options, workspace })
  test.after(() => env.dispose())
  return { env, homes }
}

/** @type {Map<string, string>} */
const known = new Map()

/** Where a shell takes a CLI's place, and the file that states its version. @type {Record<string, (version: string) => [string, string | null]>} */
const TOLD = {
  claude: (version) => [`versions/${version}`, null],
  codex: () => ['bin/codex', 'codex-package.json']
}

/**
 * A program that states a version of the provider's: without one, there is no start on the server's key, and other starts warn.
 * It lasts as long as this process.
 * @param {string} provider
 * @param {string} [script]  a shell itself where there is none
 */
function knownProgram(provider, script) {
  const { testedVersion } = /** @type {any} */ (binding.providerFacts().find(({ id }) => id === provider))
  const dir = makeOpenDir('provider-env-program-')
  process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
  const [name, manifest] = TOLD[provider](testedVersion)
  const program = path.join(dir, name)
  fs.mkdirSync(path.dirname(program))
  if (script === undefined) fs.copyFileSync(fs.realpathSync('/bin/sh'), program)
  else fs.writeFileSync(program, script, { mode: 0o755 })
  if (manifest !== null) fs.writeFileSync(path.join(dir, manifest), JSON.stringify({ version: testedVersion }))
  return program
}

/** A shell that states a version of the provider's. @param {string} [provider] */
function knownShell(provider = 'claude') {
  const shell = known.get(provider) ?? knownProgram(provider)
  known.set(provider, shell)
  return shell
}

/**
 * Starts a shell script in the CLI's place.
 * @param {any} env
 * @param {string} script
 * @param {any} [options]
 */
function startScript(env, script, { args = [], ...options } = {}) {
  const command = env.credential.owner === 'server' ? knownShell(env.provider) : '/bin/sh'
  return spawnProvider(env, { ...ids, command, args: ['-c', script, ...args], workspaceTrust: 'trusted', ...options })
}

/**
 * Reads a child to its end.
 * @param {any} child
 */
async function outcome(child) {
  /** @type {any} */
  const seen = { stdout: '', stderr: '', error: null, events: [] }
  for (const name of ['stdout', 'stderr']) child[name]?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (seen[name] += text))
  for (const name of ['spawn', 'exit', 'error', 'close']) child.on(name, () => seen.events.push(name))
  child.on('error', (/** @type {any} */ error) => (seen.error ??= error))
  await new Promise((resolve) => child.once('close', resolve))
  return { ...seen, code: child.exitCode, signal: child.signalCode }
}

/**
 * What a script prints.
 * @param {any} env
 * @param {string} script
 * @param {any} [options]
 */
async function run(env, script, options) {
  const result = await outcome(startScript(env, script, options))
  if (result.error) throw result.error
  return result
}

/**
 * The first line that a child prints, once its pid is known too.
 * @param {any} child
 * @returns {Promise<string>}
 */
function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('error', reject)
    child.once('close', () => reject(new Error(`ended before its first line: ${text}`)))
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ more) => {
      text += more
      if (!text.includes('\n')) return
      const line = text.slice(0, text.indexOf('\n'))
      if (child.pid === undefined) child.once('spawn', () => resolve(line))
      else resolve(line)
    })
  })
}

module.exports = {
  KEYS,
  UID,
  firstLine,
  ids,
  isRoot,
  knownProgram,
  knownShell,
  makeEnv,
  needsLinux,
  needsRoot,
  outcome,
  run,
  startScript,
  workspaceOf
}
