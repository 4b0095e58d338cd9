// One turn where api.anthropic.com is a server of ours: prints what it was sent with the credential.
'use strict'

const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const path = require('node:path')
const { installForAnyone } = require('../support/programs.js')
const { agentHomes, runTurn, startMock } = require('../support/real-turn.js')

const { kind, dir, baseUrl, changes, key, cert } = JSON.parse(process.argv[2])
const SECRET = kind === 'apiKey' ? 'sk-ant-api03-made-up-key' : 'sk-ant-oat01-made-up-token'

/** @type {(() => any)[]} */
const cleanups = []
const scope = { after: (/** @type {() => any} */ cleanup) => void cleanups.push(cleanup) }

async function main() {
  const [mock, vendor] = [await startMock(scope), await startMock(scope)]
  const elsewhere = await startVendor(vendor.port)
  const programs = installForAnyone({ test: scope })
  // The changes come in by the program, as no start of ours would take them; and so does the authority, for `caFile` must be
  // root's, which nothing is in a user namespace.
  const exports = Object.entries({ NODE_EXTRA_CA_CERTS: path.join(dir, 'ca.pem'), ...changes }).map(
    ([name, value]) => `export ${name}='${value}'\n`
  )
  const wrapper = path.join(dir, 'claude')
  fs.writeFileSync(wrapper, `#!/bin/sh\n${exports.join('')}exec '${programs.claude}' "$@"\n`, { mode: 0o755 })
  const turn = await runTurn('claude', {
    mock,
    homes: agentHomes(scope),
    programs: { ...programs, claude: wrapper },
    payload: { [kind]: SECRET },
    prompt: 'run: echo done; sleep 2',
    // Nothing of what keeps the other tests quiet.
    envOptions: { set: { DISABLE_AUTOUPDATER: '1' }, ...(baseUrl ? {} : { baseUrl: undefined }) }
  })
  return { code: turn.code, output: turn.stdout + turn.stderr, elsewhere, asked: mock.requestsWith(SECRET).length > 0 }
}

/** What the vendor is asked with the credential; turns are a mock's. @param {number} turns its port */
async function startVendor(turns) {
  /** @type {string[]} */
  const seen = []
  const server = https.createServer({ key, cert }, (request, response) => {
    if (JSON.stringify(request.headers).includes(SECRET)) seen.push(`${request.method} ${request.url}`)
    if (!request.url?.startsWith('/v1/messages')) return void response.writeHead(404).end('{}')
    const turn = http.request({ port: turns, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(turn)
  })
  await new Promise((resolve) => server.listen(443, '127.0.0.1', () => resolve(undefined)))
  scope.after(() => (server.closeAllConnections(), server.close()))
  return seen
}

main()
  .then((told) => process.stdout.write(JSON.stringify(told)))
  .finally(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
  })
