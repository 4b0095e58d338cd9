// With a base URL no credential goes to Anthropic, and with none it does: seen by a server in the place of
// api.anthropic.com. Both run in their own mount namespace, because the name is resolved by /etc/hosts.
'use strict'

const assert = require('node:assert/strict')
const { execFile, execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { promisify } = require('node:util')
const { buildProviderEnv } = require('../../index.js')
const { makeHomes, makeOpenDir } = require('../support/homes.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { makeAuthority, whyNoCertificates } = require('../support/tls.js')

requirePrivateNetwork()

const skip = whyNotHere()
const run = promisify(execFile)

/** @type {{ name: string, baseUrl: boolean, changes?: Record<string, string>, sent: boolean }[]} */
const CASES = [
  { name: 'with a base URL', baseUrl: true, sent: false },
  {
    name: 'control: with a base URL, without the variable of the row',
    baseUrl: true,
    changes: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '' },
    sent: true
  },
  { name: 'without a base URL', baseUrl: false, sent: true }
]

for (const kind of /** @type {const} */ (['apiKey', 'oauthAccessToken'])) {
  for (const { name, sent, ...turn } of CASES) {
    test(`${kind} ${name}`, { skip }, async (t) => {
      const dir = makeOpenDir('provider-env-endpoint-')
      t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
      const { ca, issue } = makeAuthority(t)
      fs.writeFileSync(path.join(dir, 'ca.pem'), ca)
      fs.writeFileSync(path.join(dir, 'hosts'), '127.0.0.1 localhost api.anthropic.com\n')
      const settings = JSON.stringify({ kind, dir, ...turn, ...issue('DNS:api.anthropic.com') })
      const script = 'mount --bind "$1/hosts" /etc/hosts && exec "$2" "$3" "$4"'
      const worker = path.join(__dirname, 'claude-endpoint-worker.js')
      const { stdout } = await run('unshare', ['-m', 'sh', '-c', script, 'sh', dir, process.execPath, worker, settings])
      const { code, output, elsewhere, asked } = JSON.parse(stdout)
      assert.equal(code, 0, output)
      assert.equal(asked, turn.baseUrl, 'the base URL has the turn')
      assert.equal(elsewhere.length > 0, sent, elsewhere.join('\n'))
    })
  }
}

test('another value of the variable is refused, and the same is not', (t) => {
  const homes = makeHomes({ test: t })
  const build = (/** @type {string} */ value, /** @type {any} */ more) => {
    const set = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: value }
    const env = buildProviderEnv({ apiKey: 'sk-ant-api03-made-up' }, { set, workspace: { home: homes.home }, ...more })
    t.after(() => env.dispose())
    return env.get('CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC')
  }
  const baseUrl = 'http://127.0.0.1:9'
  assert.equal(build('1', { baseUrl }), '1')
  assert.equal(build('', {}), '')
  for (const value of ['', '0', 'true']) assert.throws(() => build(value, { baseUrl }), { code: 'ERR_PROVIDER_ENV_FORBIDDEN' })
})

function whyNotHere() {
  if (process.getuid?.() !== 0) return 'needs root: it mounts, and listens on port 443'
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
  } catch {
    return 'no mount namespace can be made'
  }
  return whyNoCertificates()
}
