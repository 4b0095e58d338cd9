// Workers for tests: Node processes that use this package from the outside of the test's own process.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { makeOpenDir } = require('./homes.js')

const PROJECT = path.join(__dirname, '..', '..')

/**
 * A copy of the package where every uid can load it: a checkout may lie below a private home.
 * @param {{ after(fn: () => void): void }} test
 * @returns {string} its main file
 */
function copyPackage(test) {
  const dir = makeOpenDir('provider-env-package-')
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const addons = fs.readdirSync(PROJECT).filter((name) => name.endsWith('.node'))
  for (const name of ['index.js', 'package.json', 'dist', ...addons])
    fs.cpSync(path.join(PROJECT, name), path.join(dir, name), { recursive: true })
  return path.join(dir, 'index.js')
}

/**
 * Starts a worker. Its body has `main` (the package), `input`, and `say(value)`, which sends JSON to the test; an error
 * that it throws is said too.
 * @param {{ after(fn: () => void): void }} test
 * @param {string} body  of an async function
 * @param {object} [options]
 * @param {unknown} [options.input]
 * @param {string} [options.main]
 * @param {string[]} [options.before]  a command that executes the worker
 * @param {string} [options.runtime]  another program than this Node
 * @param {string[]} [options.flags]  its own
 * @param {import('node:child_process').SpawnOptions} [options.spawn]
 */
function startWorker(
  test,
  body,
  { input = null, main = path.join(PROJECT, 'index.js'), before = [], runtime = process.execPath, flags = [], spawn: options = {} } = {}
) {
  const script = `
    const main = require(${JSON.stringify(main)}), input = ${JSON.stringify(input)}
    const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    ;(async () => { ${body} })().catch(({ code, message, step, stack }) => say({ failed: { code, message, step, stack } }))`
  const [command, ...args] = [...before, runtime, ...flags, '-e', script]
  const worker = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options })
  test.after(() => worker.kill('SIGKILL'))
  let text = ''
  /** @type {any[]} */
  const said = []
  /** @type {{ resolve: (value: any) => void, reject: (error: Error) => void }[]} */
  const waiting = []
  worker.stdout?.setEncoding('utf8').on('data', (more) => {
    const lines = (text + more).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) (waiting.shift()?.resolve ?? ((value) => said.push(value)))(JSON.parse(line))
  })
  const ended = new Promise((resolve) =>
    worker.once('close', (code, signal) => {
      for (const { reject } of waiting) reject(new Error(`the worker ended (${code ?? signal}) and said nothing more`))
      resolve({ code, signal })
    })
  )
  return {
    pid: /** @type {number} */ (worker.pid),
    stdin: /** @type {import('node:stream').Writable} */ (worker.stdin),
    ended,
    kill: (/** @type {NodeJS.Signals} */ signal) => worker.kill(signal),
    /** The next thing that it says. @returns {Promise<any>} */
    next: () => (said.length > 0 ? Promise.resolve(said.shift()) : new Promise((resolve, reject) => waiting.push({ resolve, reject })))
  }
}

module.exports = { copyPackage, startWorker }
