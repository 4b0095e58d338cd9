// The samples of the guide, run: what SIGTERM leaves of an agent's commands, with the handler that they have and without it.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const main = require('../index.js')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { endAfter, isRunning, until } = require('./support/kernel.js')
const { KEYS, UID, needsLinux, needsRoot } = require('./support/launch.js')

const PROJECT = path.join(__dirname, '..')
const HANDLER = /^for \(const signal of \['SIGTERM', 'SIGINT'\]\) \{\n[\s\S]*?^\}\n/m

/** The blocks of code in a page that use this package by its name. @param {string} page @returns {string[]} */
function samplesOf(page) {
  const text = fs.readFileSync(path.join(PROJECT, page), 'utf8')
  const blocks = [...text.matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)].map(([, code]) => code)
  return blocks.filter((code) => code.includes("'@webalive/provider-env'"))
}

const [drops, isDropped] = samplesOf('docs/migration.md').filter((code) => code.includes('handleQuery'))
const SAMPLES = { 'root that drops at the start': drops, 'already dropped': isDropped }

/**
 * In a CLI's place: one command in its process group and one in its own session, as agents run them. Each says that it
 * runs.
 */
const AGENT = `#!/bin/sh
sh -c 'echo $$ >> "$TMPDIR/pids"; exec sleep 600' &
setsid -w sh -c 'echo $$ >> "$TMPDIR/pids"; exec sleep 600' &
wait
`

/**
 * A directory that has a sample in it, and where its imports lead to what they name.
 * @param {any} t
 * @param {string} sample
 */
function place(t, sample) {
  const dir = makeOpenDir('provider-env-sample-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  for (const name of ['claude', 'codex']) fs.writeFileSync(path.join(dir, name), AGENT, { mode: 0o755 })
  const modules = path.join(dir, 'node_modules')
  for (const scope of ['@webalive', '@anthropic-ai', '@openai']) fs.mkdirSync(path.join(modules, scope), { recursive: true })
  fs.symlinkSync(PROJECT, path.join(modules, '@webalive', 'provider-env'))
  for (const name of ['@anthropic-ai/claude-agent-sdk', '@openai/codex-sdk'])
    fs.symlinkSync(path.join(PROJECT, 'node_modules', name), path.join(modules, name))
  fs.writeFileSync(path.join(dir, 'sample.mjs'), `${sample}\nglobalThis.handleQuery = handleQuery\n`)
  return dir
}

/** What the samples take from the worker around them. */
const AROUND = `
  const input = JSON.parse(process.argv[1])
  Object.assign(globalThis, { send() {}, log() {}, serversFor: () => ({}), mcpServers: {} }, input.names)
  import(input.sample).then(() => globalThis.handleQuery(input.payload, input.tenant)).catch((error) => console.error(error))`

/**
 * Starts a sample as a worker, and waits until its agent's commands run.
 * @param {any} t
 * @param {string} sample
 * @param {'claude' | 'codex'} provider
 */
async function startSample(t, sample, provider) {
  const dir = place(t, sample)
  const { workspace, home, tmpDir, codexHome, claudeConfigDir } = makeHomes({ uid: UID, test: t })
  const directories = { dir: workspace, home, tmpDir, codexHome, claudeConfigDir }
  const input = {
    sample: path.join(dir, 'sample.mjs'),
    payload: { provider, apiKey: KEYS[provider], message: 'hello' },
    tenant: { uid: UID, gid: UID, key: 'k', id: 'ws_1', userId: 'u', ...directories },
    names: { uid: UID, gid: UID, cwd: workspace, workspace: directories }
  }
  const worker = spawn(process.execPath, ['-e', AROUND, JSON.stringify(input)], {
    env: { PATH: `${dir}:/usr/bin:/bin` },
    cwd: '/',
    stdio: ['ignore', 'inherit', 'pipe']
  })
  let complaint = ''
  worker.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (complaint += text))
  const file = path.join(tmpDir, 'pids')
  t.after(() => worker.kill('SIGKILL'))
  /** @type {number[]} */
  const pids = []
  await until('the commands run', () => {
    assert.equal(worker.exitCode, null, complaint)
    for (const line of fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : []) {
      const pid = Number(line)
      if (pids.includes(pid)) continue
      pids.push(pid)
      endAfter(t, pid)
    }
    return pids.length === 2
  })
  assert.deepEqual(pids.map(isRunning), [true, true])
  return { worker, pids }
}

/** Sends a signal and waits for the worker's end. @param {import('node:child_process').ChildProcess} worker @param {NodeJS.Signals} signal */
async function stop(worker, signal) {
  const ended = once(worker, 'exit')
  worker.kill(signal)
  return await ended
}

const RUNS = /** @type {[keyof typeof SAMPLES, 'claude' | 'codex'][]} */ ([
  ['root that drops at the start', 'claude'],
  ['root that drops at the start', 'codex'],
  ['already dropped', 'claude']
])

for (const [shape, provider] of RUNS) {
  const sample = SAMPLES[shape]
  const skip = needsLinux || needsRoot
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGTERM', 143],
    ['SIGINT', 130]
  ])) {
    test(`${shape}, ${provider}: ${signal} with the sample's handler ends the agent's commands`, { skip }, async (t) => {
      const { worker, pids } = await startSample(t, sample, provider)
      assert.deepEqual(await stop(worker, signal), [code, null])
      await until('both have ended', () => !pids.some(isRunning))
    })
  }

  test(`${shape}, ${provider}: SIGTERM without a handler leaves them running`, { skip }, async (t) => {
    const { worker, pids } = await startSample(t, sample.replace(HANDLER, ''), provider)
    assert.deepEqual(await stop(worker, 'SIGTERM'), [null, 'SIGTERM'])
    assert.deepEqual(pids.map(isRunning), [true, true])
  })
}

test('already dropped, codex: its SDK starts the CLI, which the handler knows nothing of', { skip: needsLinux || needsRoot }, async (t) => {
  const { worker, pids } = await startSample(t, isDropped, 'codex')
  assert.deepEqual(await stop(worker, 'SIGTERM'), [143, null])
  assert.deepEqual(pids.map(isRunning), [true, true])
})

test('each sample of a worker has the handler that the page gives, the same in all', () => {
  const handlers = samplesOf('docs/migration.md')
    .filter((code) => code.includes('runningProcesses'))
    .map((code) => HANDLER.exec(code)?.[0])
  assert.equal(handlers.length, 3)
  const plain = handlers.map((handler) => handler?.replace(/ *\/\/.*$/gm, ''))
  assert.deepEqual(plain, Array(3).fill(plain[0]))
  assert.match(String(plain[0]), /runningProcesses\(\)/)
})

test('what the samples import from this package, it exports', () => {
  for (const page of ['README.md', 'docs/migration.md', 'docs/hardening.md']) {
    for (const sample of samplesOf(page)) {
      for (const [, names] of sample.matchAll(/^import \{([^}]*)\} from '@webalive\/provider-env'$/gm)) {
        for (const name of names.split(',').map((each) => each.trim())) assert.ok(Object.hasOwn(main, name), `${page}: ${name}`)
      }
    }
  }
})
