// Which hosts Codex sends its key to, with a base URL and without one: seen by a machine that answers for all of them.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { isAtLeast, versionsUnderTest } = require('../support/programs.js')
const { whyNoCertificates } = require('../support/tls.js')

requirePrivateNetwork()

const skip = whyNoCertificates()
const PROJECT = path.join(__dirname, '..', '..')

/** In its own namespace: others must not find a DNS here. @param {'base-url' | 'default'} endpoint */
function hostsAsked(endpoint) {
  const fixture = path.join(PROJECT, '__test__', 'fixtures', 'vendor-hosts.js')
  const output = execFileSync(path.join(PROJECT, 'scripts', 'netns.sh'), [process.execPath, fixture, endpoint], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined }
  })
  const [, result] = /^RESULT (.*)$/m.exec(output) ?? assert.fail(output)
  /** @type {{ asked: Record<string, boolean>, mock: string[] }} */
  const { asked, mock } = JSON.parse(result)
  const withKey = Object.keys(asked)
    .filter((host) => asked[host])
    .sort()
  return { withKey, others: Object.keys(asked).filter((host) => !asked[host]), mock }
}

test('with a base URL the key goes there alone', { skip }, () => {
  const { withKey, others, mock } = hostsAsked('base-url')
  assert.deepEqual([withKey, mock], [[], ['authorization sk-proj-made-up-tenant-key']])
  // Other hosts are asked, and would have been seen to get it.
  assert.ok(
    others.some((host) => host.endsWith('chatgpt.com')),
    others.join()
  )
})

test("without one it goes to the vendor's own, which are two from 0.163 on", { skip }, () => {
  const { withKey, mock } = hostsAsked('default')
  const hosts = isAtLeast(versionsUnderTest().codex, '0.163.0') ? ['api.openai.com', 'chatgpt.com'] : ['api.openai.com']
  assert.deepEqual([withKey, mock], [hosts, []])
})
