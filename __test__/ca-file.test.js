// caFile: the variable that the child has, and the files with which nothing is started, on each way to start a CLI.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { once } = require('node:events')
const test = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const { buildProviderEnv, claudeAgentOptions, codexOptions } = require('../index.js')
const { makeOpenDir } = require('./support/homes.js')
const { KEYS, ids, makeEnv, needsRoot, run } = require('./support/launch.js')

// Where nothing is known to be root's, nothing is taken: as itself, and in a user namespace.
const skip = needsRoot || (fs.statSync('/').uid === 0 ? false : "in a user namespace nothing is known to be root's")
const PEM = fs.readFileSync(path.join(__dirname, 'fixtures', 'made-up-authority.pem'))
const VARIABLES = /** @type {const} */ ({ claude: 'NODE_EXTRA_CA_CERTS', codex: 'CODEX_CA_CERTIFICATE' })
const providers = /** @type {('claude' | 'codex')[]} */ (Object.keys(VARIABLES))

/** A directory of root's with a file in it, as a volume has it: behind two links. @param {any} t */
function volume(t) {
  const dir = makeOpenDir('provider-env-authority-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  fs.mkdirSync(path.join(dir, '..2026'))
  const file = path.join(dir, '..2026', 'ca.crt')
  fs.writeFileSync(file, PEM, { mode: 0o644 })
  fs.symlinkSync('..2026', path.join(dir, '..data'))
  fs.symlinkSync('..data/ca.crt', path.join(dir, 'ca.crt'))
  return { dir, file, given: path.join(dir, 'ca.crt') }
}

/** The ways to start a CLI, each to the end of a script in its place. @type {Record<string, (env: any, script: string) => Promise<string>>} */
const STARTS = {
  native: async (env, script) => (await run(env, script)).stdout,
  async portable(env, script) {
    const child = spawnPortable(env, { command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', ...ids })
    let text = ''
    child.stdout.on('data', (/** @type {Buffer} */ bytes) => (text += bytes))
    await once(child, 'close')
    return text
  }
}

for (const [way, start] of Object.entries(STARTS)) {
  test(`${way}: the CLI's own variable names the file without links, and no other is set`, { skip }, async (t) => {
    const { file, given } = volume(t)
    for (const provider of providers) {
      const { env } = makeEnv(t, { provider }, { caFile: given })
      assert.equal(env.get(VARIABLES[provider]), given)
      const printed = await start(env, 'env | grep -E "CA_CERT|SSL_CERT"')
      assert.equal(printed, `${VARIABLES[provider]}=${fs.realpathSync(file)}\n`)
    }
  })

  test(`${way}: a file that somebody else can change, the target cannot read, or that holds no certificate`, { skip }, async (t) => {
    const uid = Number(ids.uid)
    /** @type {[string, (files: ReturnType<typeof volume>) => string | void, RegExp][]} */
    const spoilt = [
      ["the tenant's", ({ file }) => fs.chownSync(file, uid, uid), /the CLI's own uid can change it/],
      ["another tenant's", ({ file }) => fs.chownSync(file, uid + 1, uid), /that uid can change it/],
      ["in a directory of the tenant's", ({ file }) => fs.chownSync(path.dirname(file), uid, uid), /the CLI's own uid can change it/],
      ["below one of another's", ({ dir }) => fs.chownSync(dir, uid + 1, uid), /that uid can change it/],
      ['for its group to write', ({ file }) => fs.chmodSync(file, 0o664), /its group or others can change it/],
      ['for all to write', ({ file }) => fs.chmodSync(file, 0o666), /its group or others can change it/],
      ['in a directory for all to write', ({ file }) => fs.chmodSync(path.dirname(file), 0o777), /its group or others can change it/],
      ['for the worker alone to read', ({ file }) => fs.chmodSync(file, 0o600), /cannot read it/],
      ['in a directory for the worker alone', ({ dir }) => fs.chmodSync(dir, 0o700), /cannot read it/],
      [
        'a key and no certificate',
        ({ file }) => fs.writeFileSync(file, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'),
        /not a regular file of at most 4 MiB that contains a certificate/
      ],
      ['empty', ({ file }) => fs.writeFileSync(file, ''), /not a regular file of at most 4 MiB that contains a certificate/],
      ['a directory', ({ dir }) => dir, /not a regular file/],
      ['a device', () => '/dev/zero', /its group or others can change it/],
      ['gone', ({ file }) => fs.rmSync(file), /No such file/]
    ]
    for (const [name, spoil, message] of spoilt) {
      const files = volume(t)
      const { env } = makeEnv(t, {}, { caFile: spoil(files) ?? files.given })
      await assert.rejects(
        async () => start(env, 'echo started'),
        (/** @type {any} */ error) => {
          assert.deepEqual([error.code, error.names, error.provider], ['ERR_PROVIDER_CA_FILE_UNUSABLE', ['caFile'], 'claude'], name)
          assert.match(error.message, message, name)
          assert.ok(path.isAbsolute(error.path), name)
          return true
        }
      )
    }
  })
}

test('it is looked at anew with each start', { skip }, async (t) => {
  const { file, given } = volume(t)
  const { env } = makeEnv(t, {}, { caFile: given })
  assert.equal((await run(env, 'echo started')).stdout, 'started\n')
  fs.chmodSync(file, 0o666)
  await assert.rejects(run(env, ':'), { code: 'ERR_PROVIDER_CA_FILE_UNUSABLE' })
  fs.chmodSync(file, 0o644)
  assert.equal((await run(env, 'echo started')).stdout, 'started\n')
})

test('the SDKs have it: by a start of ours, and in the options of one that is not', { skip }, (t) => {
  const { dir, file, given } = volume(t)
  const env = makeEnv(t, { provider: 'claude' }, { caFile: given }).env
  assert.equal(claudeAgentOptions(env, { ...ids, command: '/bin/true' }).env.NODE_EXTRA_CA_CERTS, given)
  const codex = makeEnv(t, { provider: 'codex' }, { caFile: given }).env
  const launch = { exposeSecrets: true, allowRoot: true, cwd: '/tmp', command: '/bin/true' }
  assert.equal(codexOptions(codex, launch).env.CODEX_CA_CERTIFICATE, fs.realpathSync(file))
  fs.chmodSync(dir, 0o777)
  assert.throws(() => codexOptions(codex, launch), { code: 'ERR_PROVIDER_CA_FILE_UNUSABLE', path: fs.realpathSync(dir) })
})

test('what can be no path is refused when the environment is built, and a path from a tenant does not count', () => {
  const workspace = { home: '/tmp' }
  const build = (/** @type {any} */ options, /** @type {any} */ payload = { apiKey: KEYS.claude }) =>
    buildProviderEnv(payload, { workspace, ...options })
  for (const [caFile, code, message] of /** @type {[any, string, RegExp][]} */ ([
    ['ca.pem', 'ERR_INVALID_ARG_VALUE', /options\.caFile must be an absolute path/],
    ['', 'ERR_INVALID_ARG_VALUE', /options\.caFile must be an absolute path/],
    ['/ca\0.pem', 'ERR_INVALID_ARG_VALUE', /options\.caFile contains a NUL byte/],
    [PEM, 'ERR_INVALID_ARG_TYPE', /options\.caFile must be a string/]
  ]))
    assert.throws(() => build({ caFile }), { code, message })
  const env = build({}, { apiKey: KEYS.claude, caFile: '/tmp/ca.pem', userEnvKeys: { NODE_EXTRA_CA_CERTS: '/tmp/ca.pem' } })
  assert.deepEqual(
    env.names.filter((/** @type {string} */ name) => name.includes('CA_CERT')),
    ['USER_NODE_EXTRA_CA_CERTS']
  )
  env.dispose()
})
