// Builds bench/broker, the processes of the broker's benchmark and of the soak, and talks to them by lines.
'use strict'

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')

const ROOT = path.join(__dirname, '..', '..')

/** Names a program that was built before: a build takes minutes, as the addon's does. */
const BUILT = 'PROVIDER_ENV_BENCH_BROKER'

/**
 * Builds the program as the addon is built, and places a copy where every uid can start it.
 * @param {string} directory
 * @returns {{ missing?: string, program?: string }}
 */
function buildBrokerProgram(directory) {
  const { missing, executable } = process.env[BUILT] ? { executable: process.env[BUILT] } : build()
  if (missing) return { missing }
  const program = path.join(directory, 'broker')
  fs.copyFileSync(executable, program)
  fs.chmodSync(program, 0o755)
  return { program }
}

function build() {
  const args = [
    'build',
    '--release',
    '--locked',
    '--no-default-features',
    '--bench',
    'broker',
    '--message-format',
    'json-render-diagnostics'
  ]
  const { status, stdout } = spawnSync('cargo', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  if (status !== 0) return { missing: 'cargo could not build bench/broker: install the Rust toolchain of rust-toolchain.toml' }
  const built = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  const { executable } = built.findLast(({ target, executable: file }) => target?.name === 'broker' && file) ?? {}
  return executable ? { executable } : { missing: 'cargo named no executable for bench/broker' }
}

/** No answer takes so long, unless somebody on the way hangs. */
const LIMIT_MS = 30_000

/** A process that is told what to do by lines, and answers by lines. */
class LineProcess {
  /**
   * @param {string} command  @param {string[]} args
   * @param {{ cpu?: number, env?: NodeJS.ProcessEnv }} [options]  `cpu`: the only core that it may use
   */
  constructor(command, args, { cpu, env = process.env } = {}) {
    const pinned = cpu === undefined ? [command, ...args] : ['taskset', '-c', String(cpu), command, ...args]
    this.child = spawn(pinned[0], pinned.slice(1), { env, stdio: ['pipe', 'pipe', 'inherit'] })
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', resolve)
    })
    this.ended.catch(() => {})
    // It may have ended before it was told everything: what it did not answer says so.
    this.child.stdin.on('error', () => {})
    const lines = readline.createInterface({ input: this.child.stdout })
    this.lines = lines[Symbol.asyncIterator]()
  }

  get pid() {
    return this.child.pid
  }

  /** @param {string} line */
  tell(line) {
    this.child.stdin.write(`${line}\n`)
  }

  /** The next line, as JSON. */
  async answer(limitMs = LIMIT_MS) {
    let timer
    const late = new Promise((resolve) => (timer = setTimeout(resolve, limitMs, { late: true })))
    const { value, done, late: isLate } = await Promise.race([this.lines.next(), late])
    clearTimeout(timer)
    // It would keep this process from ending.
    if (isLate) this.child.kill('SIGKILL')
    if (isLate) throw new Error(`${this.child.spawnargs.slice(-4).join(' ')} did not answer within ${limitMs / 1000} s`)
    if (done) throw new Error(`${this.child.spawnargs.slice(-4).join(' ')} ended without an answer`)
    return JSON.parse(value)
  }

  /** @param {string} line */
  ask(line) {
    this.tell(line)
    return this.answer()
  }

  async end() {
    this.child.stdin.end()
    this.child.kill('SIGKILL')
    await this.ended
  }
}

module.exports = { buildBrokerProgram, LineProcess }
