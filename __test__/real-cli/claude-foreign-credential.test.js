// /home/claude/.claude/remote, which Claude Code reads for every user of the machine: no start takes a credential from there.
'use strict'

const assert = require('node:assert/strict')
const { execFile, execFileSync } = require('node:child_process')
const path = require('node:path')
const test = require('node:test')
const { promisify } = require('node:util')
const { requirePrivateNetwork } = require('../support/namespace.js')

requirePrivateNetwork()

const skip = whyNotHere()
const run = promisify(execFile)
const DIRECTORY = '/home/claude/.claude/remote'
const TOKEN = 'sk-ant-oat01-made-up-token'
const KEY = 'sk-ant-api03-made-up-key'
const PLANTED = { '.api_key': 'sk-ant-api03-planted', '.oauth_token': 'sk-ant-oat01-planted' }

/** What is left there, by what a start has; `taken` is what the CLI itself would send, null where it keeps its own. */
const CASES = /** @type {const} */ ([
  { name: 'an API key', payload: { apiKey: KEY }, file: '.api_key', own: `x-api-key ${KEY}`, taken: null },
  {
    name: 'an OAuth token',
    payload: { oauthAccessToken: TOKEN },
    file: '.api_key',
    own: `authorization ${TOKEN}`,
    taken: `x-api-key ${PLANTED['.api_key']}`
  },
  { name: 'an OAuth token', payload: { oauthAccessToken: TOKEN }, file: '.oauth_token', own: `authorization ${TOKEN}`, taken: null },
  { name: 'a login in the state directory', payload: {}, file: '.api_key', own: '', taken: `x-api-key ${PLANTED['.api_key']}` },
  { name: 'a login in the state directory', payload: {}, file: '.oauth_token', own: '', taken: `authorization ${PLANTED['.oauth_token']}` }
])

for (const { name, payload, file, own, taken } of CASES) {
  test(`${name} beside ${file}`, { skip }, async () => {
    const isDelivered = own !== ''
    if (isDelivered) {
      const brokered = await turn({ payload, file, bare: false, delivery: 'broker' })
      assert.deepEqual([brokered.error, brokered.seen], [null, [own]], 'with the broker it is used all the same')
    }
    const told = await turn({ payload, file, bare: false, delivery: isDelivered ? 'fd' : 'auto' })
    if (taken === null) return assert.deepEqual([told.error, told.seen], [null, [own]])
    assert.deepEqual([told.error, told.path, told.seen], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', path.join(DIRECTORY, file), []])
    const control = await turn({ payload, file, bare: true })
    assert.equal(control.seen[0], taken, 'the control: the CLI itself takes it')
  })
}

test('the server’s key, whose pipe no readable program gets, beside .api_key', { skip }, async () => {
  const brokered = await turn({ payload: {}, serverKey: KEY, file: '.api_key', bare: false, delivery: 'broker' })
  assert.deepEqual([brokered.error, brokered.seen], [null, [`x-api-key ${KEY}`]])
  const told = await turn({ payload: {}, serverKey: KEY, file: '.api_key', bare: false, delivery: 'fd' })
  assert.deepEqual([told.error, told.path, told.seen], ['ERR_PROVIDER_STATE_DIR_UNUSABLE', path.join(DIRECTORY, '.api_key'), []])
})

/** @param {{ payload: object, serverKey?: string, file: keyof typeof PLANTED, bare: boolean, delivery?: string }} settings */
async function turn({ file, ...settings }) {
  // A home of everybody's that only this process's children see.
  const script = 'mount -t tmpfs -o mode=755 none /home && mkdir -p "$1" && printf %s "$2" > "$1/$3" && exec "$4" "$5" "$6"'
  const worker = path.join(__dirname, 'claude-foreign-worker.js')
  const { stdout } = await run('unshare', [
    '-m',
    'sh',
    '-c',
    script,
    'sh',
    DIRECTORY,
    PLANTED[file],
    file,
    process.execPath,
    worker,
    JSON.stringify({ token: TOKEN, ...settings })
  ])
  return JSON.parse(stdout)
}

function whyNotHere() {
  if (process.getuid?.() !== 0) return 'needs root: it mounts'
  if (__dirname.startsWith('/home/')) return 'this project is below /home, which it hides'
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no mount namespace can be made'
  }
}
