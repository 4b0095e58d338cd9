// Directories that a CLI needs are asked for as the target, before any byte of it runs.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { codexOptions, takeServerCredentials } = require('../index.js')
const { readLaunch } = require('../lib/launch.js')
const { startPortable } = require('../lib/portable-start.js')
const { UID, ids, makeEnv, needsRoot, outcome, startScript } = require('./support/launch.js')

/** Whom it is about, what is done to the directory, errno, message. @type {any[]} */
const ROWS = [
  ['codex', 'codexHome', 'CODEX_HOME', 'missing', (dir) => fs.rmdirSync(dir), -2, () => 'does not exist. Make it, and give it to the target'],
  ['codex', 'codexHome', 'CODEX_HOME', 'root’s', (dir) => (fs.chownSync(dir, 0, 0), fs.chmodSync(dir, 0o755)), -13, () => 'belongs to root with mode 0755. Name one of the tenant\'s in options.workspace.'],
  ['codex', 'codexHome', 'CODEX_HOME', 'read-only', (dir) => fs.chmodSync(dir, 0o500), -13, () => `belongs to ${UID}:${UID} with mode 0500`],
  ['codex', 'codexHome', 'CODEX_HOME', 'a file', (dir) => (fs.rmdirSync(dir), fs.writeFileSync(dir, '')), -13, () => 'is no directory. Name one'],
  ['claude', 'tmpDir', 'TMPDIR', 'missing', (dir) => fs.rmdirSync(dir), -2, () => 'does not exist'],
  ['claude', 'tmpDir', 'TMPDIR', 'root’s', (dir) => (fs.chownSync(dir, 0, 0), fs.chmodSync(dir, 0o755)), -13, () => 'belongs to root with mode 0755']
]

for (const [provider, option, variable, what, spoil, errno, message] of ROWS) {
  test(`${provider}: ${variable} that is ${what}`, { skip: needsRoot }, async (t) => {
    const { env, homes } = makeEnv(t, { provider })
    const dir = /** @type {any} */ (homes)[option]
    spoil(dir)
    const marker = path.join(homes.workspace, 'ran')
    const { error, events } = await outcome(startScript(env, `echo > ${marker}`))
    const { code, step, syscall, names, path: at } = error
    assert.deepEqual({ code, step, syscall, names, at, errno: error.errno, events }, {
      code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE', step: 'state-directory', syscall: 'faccessat', names: [variable], at: dir, errno, events: ['error', 'close']
    })
    assert.ok(error.message.startsWith(`${variable} (${dir}) is not writable as uid ${UID} gid ${UID}: it `), error.message)
    assert.ok(error.message.includes(message(dir)), error.message)
    assert.equal(fs.existsSync(marker), false, 'nothing ran')
  })
}

test('codex makes its own directory in a home that it may write to, and in no other', { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex' }, { workspace: { codexHome: undefined } })
  assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0)
  fs.chownSync(homes.home, 0, 0)
  fs.chmodSync(homes.home, 0o755)
  const { error } = await outcome(startScript(env, 'exit 0'))
  assert.deepEqual([error.code, error.path, error.names], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', path.join(homes.home, '.codex'), ['CODEX_HOME']])
  assert.match(error.message, /\.codex\) is not writable as/)
})

test('what the other provider needs does not matter', { skip: needsRoot }, async (t) => {
  for (const [provider, option] of /** @type {const} */ ([['claude', 'codexHome'], ['codex', 'tmpDir']])) {
    const { env, homes } = makeEnv(t, { provider })
    fs.rmdirSync(homes[option])
    assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0, provider)
  }
})

/** What stands for a redirection: whatever it is, and wherever it leads. @type {Record<string, (file: string) => void>} */
const REDIRECTIONS = {
  'a file': (file) => fs.writeFileSync(file, ''),
  'a link to nowhere': (file) => fs.symlinkSync('/nowhere/at/all', file),
  'a directory': (file) => fs.mkdirSync(file)
}

for (const [what, make] of Object.entries(REDIRECTIONS)) {
  test(`a server's key is not started with beside .env that is ${what}`, { skip: needsRoot }, async (t) => {
    process.env.OPENAI_API_KEY = 'sk-proj-made-up-key-of-the-server'
    const serverCredentials = takeServerCredentials()
    t.after(() => serverCredentials.dispose())
    for (const codexHome of [true, false]) {
      const { env, homes } = makeEnv(t, { provider: 'codex', apiKey: undefined }, { serverCredentials, ...(codexHome ? {} : { workspace: { codexHome: undefined } }) })
      const file = path.join(codexHome ? homes.codexHome : path.join(homes.home, '.codex'), '.env')
      assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0, 'before')
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.chownSync(path.dirname(file), UID, UID)
      make(file)
      const { error, events } = await outcome(startScript(env, 'exit 0'))
      assert.deepEqual([error?.code, error?.path, error?.names, events], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', file, ['CODEX_HOME'], ['error', 'close']])
      assert.match(error.message, /can send that key elsewhere.*Remove it, name another directory in options\.workspace\.codexHome, or give the tenant's own key\./)
      const refused = { code: 'ERR_PROVIDER_STATE_DIR_UNUSABLE', path: file }
      assert.throws(() => startPortable(readLaunch(env, { command: '/bin/sh', args: ['-c', ':'], workspaceTrust: 'trusted', ...ids }, [])), refused)
      assert.throws(() => codexOptions(env, { exposeSecrets: true, allowRoot: true, command: process.execPath, cwd: homes.workspace }), refused)
    }
  })
}

test("a tenant's own key goes where the tenant says", { skip: needsRoot }, async (t) => {
  const { env, homes } = makeEnv(t, { provider: 'codex' })
  fs.writeFileSync(path.join(homes.codexHome, '.env'), '')
  assert.equal((await outcome(startScript(env, 'exit 0'))).code, 0)
})
