// A session of each real CLI with the key in the broker, against machines that stand in for all the vendors: tools, subagents, a
// server of MCP, summaries, and sessions that were begun, or go on, without the broker. The key goes to the API alone, with each request.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { needsRoot } = require('../support/launch.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { whyNoCertificates } = require('../support/tls.js')

requirePrivateNetwork()

// As itself, a worker that is not root has no file that the CLI's uid cannot change, as `caFile` must be.
const skip = needsRoot || (fs.statSync('/').uid === 0 ? whyNoCertificates() : "in a user namespace nothing is known to be root's")
const PROJECT = path.join(__dirname, '..', '..')

/** @typedef {{ request: string, credential: string, betas: string[], elsewhere: string[] }} Sent */
/** @typedef {{ turns: { code: number, text: string, isSame: boolean, output: string }[], sent: Sent[], streams: number, hasBefore: boolean, hasHelper: boolean, hasSummary: boolean, hasAfter: boolean, results: string[], server: string[] }} Facts */

/** In a namespace of its own: others must not find a DNS here. @param {string} scenario @returns {Facts} */
function session(scenario) {
  const fixture = path.join(PROJECT, '__test__', 'fixtures', 'broker-vendors.js')
  const output = execFileSync(path.join(PROJECT, 'scripts', 'netns.sh'), [process.execPath, fixture, scenario], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined }
  })
  return JSON.parse((/^RESULT (.*)$/m.exec(output) ?? assert.fail(output))[1])
}

const API = { claude: 'api.anthropic.com/v1/messages', codex: 'api.openai.com/v1/responses' }
const POLICIES = 'GET api.anthropic.com/api/claude_code/policy_limits'

/**
 * @typedef {object} Scenario
 * @property {'claude' | 'codex'} provider
 * @property {string} name
 * @property {string} credential as the API gets it
 * @property {string[]} betas of a login
 * @property {string[]} stands what the vendor may be sent in the place of a credential, past the broker
 * @property {RegExp[]} results of the tools
 */

/** @type {Record<string, Scenario>} */
const SCENARIOS = {
  claude: {
    provider: 'claude',
    name: 'claude with a key',
    credential: 'x-api-key sk-ant-api03-made-up-tenant-key',
    betas: [],
    stands: [],
    results: [/"one/, /agent launched/i, /said by the server/, /Web page content/, /Web search results/]
  },
  login: {
    provider: 'claude',
    name: 'claude with a login',
    credential: 'authorization Bearer sk-ant-oat01-made-up-tenant-token',
    betas: ['oauth-2025-04-20'],
    // The word alone, which is no credential of anybody's: docs/broker.md.
    stands: ['GET api.anthropic.com/api/claude_code/settings'],
    results: [/"one/, /agent launched/i, /said by the server/, /Web page content/, /Web search results/]
  },
  codex: {
    provider: 'codex',
    name: 'codex',
    credential: 'authorization Bearer sk-proj-made-up-tenant-key',
    betas: [],
    stands: [],
    results: [/one/, /said by the server/, /helper/]
  }
}

for (const [scenario, { provider, name, credential, betas, stands, results }] of Object.entries(SCENARIOS)) {
  test(`${name}: a session begun without the broker goes on through it, and without it again; the API alone gets the key`, { skip }, () => {
    const { turns, sent, ...facts } = session(scenario)
    assert.deepEqual(
      turns.map(({ code, isSame }) => [code, isSame]),
      turns.map(() => [0, true]),
      JSON.stringify(turns, null, 1)
    )
    assert.deepEqual([facts.hasBefore, facts.hasHelper, facts.hasSummary, facts.hasAfter], [true, true, true, true])
    for (const result of results) assert.match(facts.results.join('\n'), result)
    assert.ok(facts.streams >= 8, `${facts.streams} requests for a stream`)

    const isApi = ({ request }) => request.endsWith(API[provider]) || request === POLICIES
    const model = sent.filter(isApi)
    assert.ok(model.length >= (provider === 'codex' ? 2 : 9), `${model.length} requests of the API`)
    // In the header that the API reads, once, and nowhere else in the request; what the CLI wrote there is gone.
    assert.deepEqual(
      [...new Set(model.map((each) => JSON.stringify([each.credential, each.betas, each.elsewhere])))],
      [JSON.stringify([credential, betas, []])]
    )
    for (const each of sent.filter((each) => !isApi(each))) {
      const standsIn = stands.includes(each.request) ? 'authorization Bearer ssh-placeholder' : ''
      assert.deepEqual([each.credential, each.elsewhere], [standsIn, []], each.request)
    }
    // It asked elsewhere too, and would have been seen to give something away.
    assert.ok(sent.some((each) => !isApi(each)))
    // A server that the CLI starts has no part of it.
    assert.deepEqual(facts.server, [])
  })
}
