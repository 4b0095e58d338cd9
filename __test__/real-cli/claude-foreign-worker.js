// One turn of Claude Code in a home that is open to everybody and that its caller made: prints the error, or the credentials that were sent.
'use strict'

const { buildProviderEnv, takeServerCredentials } = require('../../index.js')
const { write } = require('../support/attacks.js')
const { runBare } = require('../support/claude-baits.js')
const { installForAnyone } = require('../support/programs.js')
const { quiet } = require('../support/quiet.js')
const { agentHomes, credentialsSeen, runTurn, startMock } = require('../support/real-turn.js')

const { payload, serverKey, token, bare, delivery } = JSON.parse(process.argv[2])

/** @type {(() => any)[]} */
const cleanups = []
const scope = { after: (/** @type {() => any} */ cleanup) => void cleanups.push(cleanup) }

async function main() {
  const [mock, homes, programs] = [await startMock(scope), agentHomes(scope), installForAnyone({ test: scope })]
  const login = {
    claudeAiOauth: {
      accessToken: token,
      refreshToken: 'sk-ant-ort01-made-up',
      expiresAt: Date.now() + 3_600_000,
      scopes: ['user:inference'],
      subscriptionType: 'max'
    }
  }
  if (serverKey !== undefined) process.env.ANTHROPIC_API_KEY = serverKey
  const envOptions = serverKey === undefined ? {} : { serverCredentials: takeServerCredentials() }
  if (Object.keys(payload).length === 0) write(homes.claudeConfigDir, '.credentials.json', JSON.stringify(login))
  if (!bare) {
    const { error } = await runTurn('claude', { mock, homes, programs, payload, envOptions, launch: { delivery } }).catch((error) => ({
      error
    }))
    return { error: error?.code ?? null, path: error?.path, seen: credentialsSeen(mock) }
  }
  const { workspace: dir, home, tmpDir, claudeConfigDir } = homes
  const env = buildProviderEnv(payload, {
    baseUrl: mock.anthropicBaseUrl,
    set: quiet.claude.env,
    workspace: { dir, home, tmpDir, claudeConfigDir }
  })
  const { output } = await runBare(programs.claude, env, homes, {})
  env.dispose()
  return { error: null, output, seen: credentialsSeen(mock) }
}

main()
  .then((told) => process.stdout.write(JSON.stringify(told)))
  .finally(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
  })
