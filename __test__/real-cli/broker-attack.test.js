// What an agent's own commands get at with the key in the broker: the key nowhere, and a token or a socket that answers them nothing.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { write } = require('../support/attacks.js')
const { SEARCH, askAs, wayOf } = require('../support/broker-caller.js')
const { until } = require('../support/kernel.js')
const { needsRoot } = require('../support/launch.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installForAnyone } = require('../support/programs.js')
const { AGENT, agentHomes, credentialsSeen, startHeldMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const programs = installForAnyone({ test })

/** @typedef {{ found: Record<string, string[]>, looked: Record<string, number>, answers: import('../support/broker-caller.js').Answer[] }} Report */

/** @type {Record<string, { provider: 'claude' | 'codex', payload: Record<string, string>, sent: string, refused: number, isAlone?: boolean }>} */
const LAUNCHES = {
  'claude with a key': {
    provider: 'claude',
    payload: { apiKey: 'sk-ant-api03-made-up-key-of-the-tenant' },
    sent: 'x-api-key sk-ant-api03-made-up-key-of-the-tenant',
    refused: 403
  },
  'claude with a login': {
    provider: 'claude',
    payload: { oauthAccessToken: 'sk-ant-oat01-made-up-token-of-the-tenant' },
    sent: 'authorization sk-ant-oat01-made-up-token-of-the-tenant',
    refused: 403,
    isAlone: true
  },
  codex: {
    provider: 'codex',
    payload: { apiKey: 'sk-proj-made-up-key-of-the-tenant' },
    sent: 'authorization sk-proj-made-up-key-of-the-tenant',
    refused: 400
  }
}

const OTHER_PROCESS = /another process/

for (const [name, { provider, payload, sent, refused, isAlone = false }] of Object.entries(LAUNCHES)) {
  test(`${name}: its shell finds the key nowhere, and the broker answers its process alone`, async (t) => {
    const { mock, release, heldCount } = await startHeldMock(t)
    const [homes, others] = [agentHomes(t), agentHomes(t)]
    const [KEY] = Object.values(payload)
    write(homes.home, 'search.js', SEARCH)
    const out = path.join(homes.tmpDir, 'found')
    const searched = [homes.home, homes.workspace, homes.tmpDir, homes.codexHome, homes.claudeConfigDir]
    const command = `${process.execPath} ${homes.home}/search.js ${out} ${searched.join(' ')}; echo over`
    // Another launch of the same uid, which runs meanwhile: its way is tried, too.
    const launch = { mock, programs, payload, launch: { delivery: 'broker' } }
    const beside = isAlone ? undefined : startTurn(provider, { ...launch, homes: others, prompt: 'run: echo beside' })
    await until('the launch beside it', () => isAlone || heldCount() === 1)
    const { child, done } = startTurn(provider, { ...launch, homes, prompt: `run: ${command}` })
    await until('the end of the search', () => heldCount() === (isAlone ? 1 : 2))

    /** @type {Report} */
    const { found, looked, answers } = JSON.parse(fs.readFileSync(out, 'utf8'))
    const keys = Object.entries(found).flatMap(([where, all]) => all.map((key) => `${where}: ${key}`))
    assert.deepEqual(
      keys.filter((each) => each.includes(KEY)),
      []
    )
    // The control: what a process of its uid has, it finds.
    for (const where of ['environment', 'memory', 'file'])
      assert.ok(
        found[where]?.some((key) => key.endsWith(`planted-in-${where}`)),
        `${where}: ${keys} ${JSON.stringify(looked)}`
      )
    assert.ok(looked.environments >= 3 && looked.files >= 3 && looked.tables >= 3, JSON.stringify(looked))

    const ways = new Map(answers.map(({ address, token }) => [`${address} ${token}`, { address, token }]))
    assert.ok(ways.size >= (isAlone ? 1 : 2), JSON.stringify([...ways.keys()]))
    for (const { by, status, text, address } of answers) {
      assert.deepEqual([by, status], [by, refused], `${address}: ${text}`)
      assert.match(text, OTHER_PROCESS)
    }
    await t.test('another uid, and root', { skip: needsRoot }, () => {
      const way = wayOf(provider, child.pid)
      for (const uid of [Number(AGENT.uid) + 1, 0]) {
        for (const { by, status, text } of askAs(uid, way)) {
          // A socket's directory is closed to others; root comes further.
          if (provider === 'claude' && uid !== 0) assert.equal(status, 0, `${by}: ${text}`)
          else assert.deepEqual([status, /another user|another process/.test(text)], [refused, true], `${by}: ${text}`)
        }
      }
    })
    const way = wayOf(provider, child.pid)
    release()
    const { code, text, stderr } = await done
    assert.deepEqual([code, text.trim()], [0, 'over'], stderr)
    await beside?.done
    assert.deepEqual(credentialsSeen(mock), [sent])
    assert.doesNotMatch(JSON.stringify(mock.requests.map(({ body }) => body)), /from the shell/)
    // Nobody is let in by it any more.
    for (const uid of AGENT.uid === undefined ? [] : [AGENT.uid, 0]) {
      for (const { status, text: told } of askAs(uid, way))
        assert.ok(status === 0 || (status === refused && /launch|does not know this token/.test(told)), `${status} ${told}`)
    }
  })
}
