// checkKey() where a name has no address. Among the tests that run where only loopback exists, as a look-up would leave it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkKey } from '../../index.mjs'
import namespace from '../support/namespace.js'

namespace.requirePrivateNetwork()

test('a name without an address is out of reach, by its name', async () => {
  const check = await checkKey('codex', 'sk-proj-made-up-0123456789', { baseUrl: 'https://no-such-host.invalid/v1', timeoutMs: 20_000 })
  assert.deepEqual([check.outcome, check.reason, check.status], ['unreachable', 'dns', null])
})
