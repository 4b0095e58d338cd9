// The exercise that every cell of the matrix runs with the package: one credential, one start, two errors. It prints
// what it saw, and throws if that is wrong.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const KEY = 'sk-ant-api03-made-up-for-the-matrix'
const isRoot = process.getuid !== undefined && process.getuid() === 0
// Bun has the portable start alone, which refuses a drop that nobody can verify.
const UID = isRoot && !process.versions.bun ? 21_111 : undefined
const ids = UID ? { uid: UID, gid: UID } : isRoot ? { uid: 0, gid: 0, allowRoot: true } : {}

/** @param {typeof import('../../index.js')} api the package, however it was loaded */
module.exports = async function exercise(api) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-matrix-'))
  fs.chmodSync(dir, 0o755)
  try {
    const workspace = { dir: own(dir, 'workspace'), home: own(dir, 'home'), tmpDir: own(dir, 'tmp') }
    const apiKey = Buffer.from(KEY)
    const env = api.buildProviderEnv({ provider: 'claude', apiKey }, { workspace, set: { MADE_UP: 'yes' } })
    assert.ok(
      apiKey.every((byte) => byte === 0),
      'the key was not consumed'
    )
    const child = api.spawnProvider(env, {
      ...ids,
      command: '/bin/sh',
      args: ['-c', 'id -u; echo "$MADE_UP"; cat <&3; exit 3'],
      workspaceTrust: 'trusted',
      delivery: 'fd'
    })
    env.dispose()
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more) => (text += more))
    /** @type {any} */
    let failed
    child.on('error', (error) => (failed = error))
    await new Promise((resolve) => child.once('close', resolve))
    assert.ifError(failed)
    assert.deepEqual([text.trim().split('\n'), child.exitCode], [[String(UID ?? (isRoot ? 0 : process.getuid())), 'yes', KEY], 3])
    assert.throws(
      () => api.buildProviderEnv({ provider: /** @type {any} */ ('nobody'), apiKey: 'x' }),
      (error) => error instanceof api.ProviderError && error.code === 'ERR_PROVIDER_UNKNOWN'
    )
    // This is looked for below the package's own directory, which a bundle does not have.
    assert.throws(() => api.resolveProgram('claude', { ...ids, path: '/nowhere' }), { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND' })
    return `${process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.version}`}, started by ${child.startPath}`
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** @param {string} dir @param {string} name */
function own(dir, name) {
  const made = path.join(dir, name)
  fs.mkdirSync(made, { mode: 0o700 })
  if (UID) fs.chownSync(made, UID, UID)
  return made
}
