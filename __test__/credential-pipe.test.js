// The key's pipe before the CLI has read it: an earlier process of the target's uid opens it by its name below /proc only
// where the CLI itself has to, and never one with the server's key in it.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { spawnProvider, takeServerCredentials } = require('../index.js')
const { makeOpenDir } = require('./support/homes.js')
const { KEYS, firstLine, ids, makeEnv, needsLinux, needsRoot, outcome } = require('./support/launch.js')

const skip = needsLinux || needsRoot
const SERVER_KEY = 'sk-ant-api03-made-up-of-the-server'
/** As the row has it: the first version that reads the descriptor where it may not open it by its name. */
const [NEW, UNKNOWN] = ['versions/2.1.300', 'claude']

/** @type {{ name: string, file: string, mode: number, server: boolean, thief: boolean, self: boolean }[]} */
const CASES = [
  { name: 'a version that reads the descriptor', file: NEW, mode: 0o755, server: false, thief: false, self: false },
  { name: 'an unknown version', file: UNKNOWN, mode: 0o755, server: false, thief: true, self: true },
  { name: 'the server’s key and a version that reads the descriptor', file: NEW, mode: 0o755, server: true, thief: false, self: false },
  { name: 'an unreadable program of a known version', file: NEW, mode: 0o711, server: false, thief: false, self: true },
  { name: 'an unreadable program and the server’s key', file: NEW, mode: 0o711, server: true, thief: false, self: true }
]

for (const { name, file, mode, server, thief, self } of CASES) {
  test(name, { skip }, async (t) => {
    const pid = await started(t, { file, mode, server })
    const key = server ? SERVER_KEY : KEYS.claude
    assert.equal(steal(pid).stdout, thief ? key : '', 'a process of the same uid')
    const other = await started(t, { file, mode, server, script: 'read -r key < /proc/self/fd/3; echo "${key:-none}"' })
    assert.equal(other, self ? key : 'none', 'the CLI itself')
  })
}

// Older versions obey a proxy in files that the tenant can write at any moment: no look beforehand helps.
test('the server’s key is not given to a program of an unknown version, readable or not', { skip }, async (t) => {
  for (const [mode, delivery] of /** @type {[number, 'auto' | 'fd'][]} */ ([
    [0o755, 'auto'],
    [0o755, 'fd'],
    [0o711, 'fd']
  ])) {
    const { env, command } = placed(t, { file: UNKNOWN, mode, server: true })
    const { error, events, stdout } = await outcome(
      spawnProvider(env, { ...ids, command, args: ['-c', 'cat <&3'], delivery, workspaceTrust: 'trusted' })
    )
    assert.deepEqual(
      [error?.code, error?.path, error?.provider, events, stdout],
      ['ERR_PROVIDER_PROGRAM_OUTDATED', command, 'claude', ['error', 'close'], '']
    )
    assert.match(
      error.message,
      /would use the server's key, but the version of .* is unknown\..*versions\/VERSION\)\. Or pass the tenant's own key\.$/
    )
  }
})

/** What an earlier process of the tenant's, which may not trace the CLI, gets. @param {string} pid */
function steal(pid) {
  return spawnSync('cat', [`/proc/${pid}/fd/3`], { ...ids, encoding: 'utf8' })
}

/**
 * A shell in the CLI's place that has not read its key yet.
 * @param {import('node:test').TestContext} t
 * @param {{ file: string, mode: number, server: boolean, script?: string }} settings
 * @returns {Promise<string>} its first line: its pid
 */
async function started(t, { script = 'echo $$; read -r line', ...settings }) {
  const { env, command } = placed(t, settings)
  const child = spawnProvider(env, {
    ...ids,
    command,
    args: ['-c', script],
    delivery: 'fd',
    workspaceTrust: 'trusted',
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  return await firstLine(child)
}

/**
 * The shell, and an environment for it.
 * @param {import('node:test').TestContext} t
 * @param {{ file: string, mode: number, server: boolean }} settings
 */
function placed(t, { file, mode, server }) {
  const dir = makeOpenDir('provider-env-pipe-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const command = path.join(dir, file)
  fs.mkdirSync(path.dirname(command), { recursive: true })
  fs.copyFileSync(fs.realpathSync('/bin/sh'), command)
  fs.chmodSync(command, mode)
  const { env } = server ? makeEnv(t, { apiKey: undefined }, { serverCredentials: serverKey(t) }) : makeEnv(t)
  return { env, command }
}

/** @param {import('node:test').TestContext} t */
function serverKey(t) {
  process.env.ANTHROPIC_API_KEY = SERVER_KEY
  const credentials = takeServerCredentials()
  t.after(() => credentials.dispose())
  return credentials
}
