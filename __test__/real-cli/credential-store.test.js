// Both real CLIs run on a stored login that was refreshed before: the mock sees the new access token, and owner and mode stay.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { test } = require('node:test')
const { CredentialStore } = require('../../index.js')
const { AGENT, agentHomes, credentialsSeen, runTurn, startMock } = require('../support/real-turn.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { startTokenEndpoint, tokensOf, writeLogin } = require('../support/token-endpoint.js')

requirePrivateNetwork()
const programs = installForAnyone({ test })

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`${provider}: a login that was refreshed by the store`, async (t) => {
    const endpoint = await startTokenEndpoint(t, { provider })
    const homes = agentHomes(t)
    const dir = provider === 'codex' ? homes.codexHome : homes.claudeConfigDir
    const first = endpoint.issue()
    const file = writeLogin(dir, provider, first)
    if (AGENT.uid !== undefined) fs.chownSync(file, AGENT.uid, AGENT.gid)
    const store = await CredentialStore.open(provider, {
      dir,
      ...(AGENT.uid === undefined ? {} : { owner: AGENT.uid }),
      tokenUrl: endpoint.url
    })
    t.after(() => store.dispose())
    assert.equal((await store.refresh()).how, 'here')
    const access = endpoint.issued[1].access
    const stat = fs.statSync(file)
    assert.deepEqual([stat.uid, stat.mode & 0o777], [AGENT.uid ?? process.getuid?.(), 0o600])

    const mock = await startMock(t)
    const result = await runTurn(provider, {
      mock,
      homes,
      programs,
      payload: {},
      envOptions: { credentialStore: store },
      // The mock does not read the compressed bodies that a ChatGPT login turns on.
      args:
        provider === 'codex'
          ? (common, prompt) => [
              'exec',
              ...common,
              '--disable',
              'enable_request_compression',
              '-c',
              `chatgpt_base_url="${mock.openaiBaseUrl}"`,
              '--',
              prompt
            ]
          : undefined
    })
    assert.equal(result.code, 0, result.stdout + result.stderr)
    assert.match(result.text, /mock answer|hello/)
    assert.deepEqual(
      credentialsSeen(mock).filter((seen) => seen !== 'none'),
      [`authorization ${access}`]
    )
    assert.equal(endpoint.posts.length, 1, 'the CLI had no reason to refresh')
    assert.equal(tokensOf(provider, file).access, access)
    assert.ok(!(result.stdout + result.stderr).includes(access))
  })
}
