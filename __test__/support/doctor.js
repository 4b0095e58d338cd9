// Made-up machines for the doctor: directories of a tenant, programs in place of the CLIs, and running it on them.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeHomes, makeOpenDir } = require('./homes.js')
const { UID } = require('./launch.js')

const BIN = path.join(__dirname, '..', '..', 'bin', 'provider-env.js')
/** A native program that exits with 0: it takes the place of the CLIs if none is started. */
const NATIVE = fs.realpathSync('/bin/true')

/** @typedef {ReturnType<typeof makeMachine>} Machine */
/** @typedef {import('../../index').Diagnosis} Diagnosis */

/** The beginning of a printed command that the target runs. */
const AS_TARGET = `${process.execPath} ${BIN} run-as --uid ${UID} --gid ${UID} --`

/**
 * A machine with nothing wrong: unreadable programs on the PATH, and a tenant with private directories.
 * @param {{ after(fn: () => void): void }} test
 */
function makeMachine(test) {
  const dir = makeOpenDir('provider-env-doctor-test-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const homes = makeHomes({ uid: UID, test })
  const bin = path.join(dir, 'bin')
  fs.mkdirSync(bin)
  // The temporary directory of dry starts: a separate one, because other tests create and remove theirs in the system's.
  const scratch = path.join(dir, 'scratch')
  fs.mkdirSync(scratch)
  fs.chmodSync(scratch, 0o1777)
  for (const name of ['claude', 'codex']) program(path.join(bin, name))
  return {
    dir,
    bin,
    homes,
    scratch,
    prefix: path.join(dir, 'opt'),
    path: `${bin}:/usr/bin:/bin`,
    /** @param {string} name */
    at: (name) => path.join(dir, name)
  }
}

/**
 * A native program in a CLI's place.
 * @param {string} file
 * @param {number} [mode]
 */
function program(file, mode = 0o711) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.copyFileSync(NATIVE, file)
  fs.chmodSync(file, mode)
  return file
}

/**
 * Claude Code on the machine's PATH as its installer lays it out: the name of the file states its version.
 * @param {Machine} machine
 * @param {string} version
 * @param {number} [mode]
 */
function nameVersion(machine, version, mode) {
  const link = path.join(machine.bin, 'claude')
  const file = program(machine.at(`versions/${version}`), mode)
  fs.rmSync(link)
  fs.symlinkSync(file, link)
  return file
}

/**
 * @param {string} file
 * @param {string} text
 * @param {number} [mode]
 */
function script(file, text, mode = 0o755) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  fs.chmodSync(file, mode)
  return file
}

/**
 * A file of the tenant's.
 * @param {string} file
 * @param {string} text
 * @param {number} [mode]
 */
function tenantFile(file, text, mode = 0o600) {
  const dir = path.dirname(file)
  for (let made = fs.mkdirSync(dir, { recursive: true }) && dir; made && fs.statSync(made).uid !== UID; made = path.dirname(made))
    fs.chownSync(made, UID, UID)
  fs.writeFileSync(file, text)
  fs.chmodSync(file, mode)
  fs.chownSync(file, UID, UID)
  return file
}

/**
 * @typedef {object} Run
 * @property {string} [provider]
 * @property {string[]} [args]
 * @property {Record<string, string>} [env]
 * @property {number} [as] The uid that runs the doctor.
 * @property {boolean} [start]
 * @property {string} [bin]
 * @property {string} [cwd]
 * @property {boolean} [target] Whether it gets the target; default: yes.
 */

/**
 * The doctor's arguments on a machine.
 * @param {Machine} machine
 * @param {Run} run
 */
function argumentsFor({ homes, prefix }, { provider, args = [], start = false, target = true }) {
  return [
    'doctor',
    '--json',
    '--prefix',
    prefix,
    '--workspace',
    homes.workspace,
    '--home',
    homes.home,
    '--codex-home',
    homes.codexHome,
    '--claude-config-dir',
    homes.claudeConfigDir,
    '--tmp-dir',
    homes.tmpDir,
    ...(target ? ['--uid', String(UID), '--gid', String(UID)] : []),
    ...(start ? [] : ['--no-start']),
    ...(provider ? ['--provider', provider] : []),
    ...args
  ]
}

/**
 * Runs `commands` and then the doctor, all in one shell.
 * @param {Machine} machine
 * @param {Run} [run]
 * @param {readonly string[]} [commands]
 */
function runDoctor(machine, run = {}, commands = []) {
  const { as, env = {}, bin = BIN, cwd = '/' } = run
  const shell = ['set -e', ...commands, 'exec "$@"'].join('\n')
  const ids = as === undefined ? {} : { uid: as, gid: as }
  const child = spawnSync('/bin/sh', ['-c', shell, 'sh', process.execPath, bin, ...argumentsFor(machine, run)], {
    ...ids,
    cwd,
    encoding: 'utf8',
    timeout: 240_000,
    env: { PATH: machine.path, LANG: 'C.UTF-8', TMPDIR: machine.scratch, ...env }
  })
  if (child.error) throw child.error
  /** @type {Diagnosis} */
  let report
  try {
    report = JSON.parse(child.stdout)
  } catch (cause) {
    throw new Error(`no report, but status ${child.status}: ${child.stdout}${child.stderr}`, { cause })
  }
  return { status: child.status, text: child.stdout + child.stderr, ...lookUp(report) }
}

/**
 * Runs `look` with the machine's own temporary directory in this process's environment.
 * @template T
 * @param {Machine} machine
 * @param {() => Promise<T>} look
 */
async function withTemporary(machine, look) {
  const before = process.env.TMPDIR
  process.env.TMPDIR = machine.scratch
  try {
    return await look()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

/** @param {Diagnosis} report */
function lookUp(report) {
  const { findings } = report
  return {
    report,
    ids: findings.map(({ id }) => id),
    /** Those that ask for something. */
    bad: findings.filter(({ severity }) => severity === 'warning' || severity === 'error').map(({ id }) => id),
    /** @param {string} id */
    find(id) {
      const found = findings.filter((finding) => finding.id === id)
      if (found.length !== 1) throw new Error(`${id}: ${found.length} findings, of ${findings.map((finding) => finding.id).join(', ')}`)
      return found[0]
    }
  }
}

module.exports = {
  AS_TARGET,
  BIN,
  NATIVE,
  argumentsFor,
  lookUp,
  makeMachine,
  nameVersion,
  program,
  runDoctor,
  script,
  tenantFile,
  withTemporary
}
