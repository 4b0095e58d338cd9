// A client of the broker in this process, the API behind it, and a grant for the client: what an SDK's CLI would have.
'use strict'

const { nativeEnvOf } = require('./internals.js')
const http = require('node:http')
const { once } = require('node:events')
const { buildProviderEnv, startBroker } = require('../../index.js')

const KEY = 'sk-proj-made-up-key-of-a-workspace-that-does-not-exist-0123456789'

/**
 * An API on loopback that remembers the key of each request.
 * @param {{ after(fn: () => any): void }} t
 * @param {http.RequestListener} [answer]
 */
async function startUpstream(t, answer = (_, response) => void response.end('{}')) {
  /** @type {string[]} */
  const keys = []
  const server = http.createServer((request, response) => {
    keys.push(String(request.headers.authorization).replace('Bearer ', ''))
    request.resume().once('end', () => answer(request, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { baseUrl: `http://127.0.0.1:${port}/v1`, keys }
}

/**
 * Starts the broker, and stops it after the test.
 * @param {{ after(fn: () => any): void }} t
 * @param {import('../../index.js').BrokerOptions} [options]
 */
function startOne(t, options) {
  const broker = startBroker(options)
  t.after(() => broker.stop())
  return broker
}

/**
 * Lets this process use the credential of an environment through the broker, as the Codex SDK's CLI does.
 * @param {{ after(fn: () => any): void }} t
 * @param {{ baseUrl: string, workspaceId?: string, credentialStore?: import('../../index.js').CredentialStore }} given
 */
function grant(t, { baseUrl, workspaceId = 'ws_1', credentialStore }) {
  const payload = credentialStore ? { provider: 'codex' } : { provider: 'codex', apiKey: KEY }
  const env = buildProviderEnv(/** @type {any} */ (payload), { baseUrl, credentialStore, workspace: { id: workspaceId } })
  const native = /** @type {any} */ (nativeEnvOf(env))
  const held = native.grant()
  t.after(() => held.dispose())
  const { value: token } = native
    .brokeredVariables(held)
    .find((/** @type {any} */ { name, value }) => name === 'CODEX_API_KEY' && value !== '')
  const [, address = ''] = /openai_base_url="([^"]+)"/.exec(native.configOverrides(['/'], false, held).join('\n')) ?? []
  env.dispose()
  return { address, token: String(token), end: () => held.dispose() }
}

/**
 * Asks the broker, on a connection that is used once.
 * @param {{ address: string, token: string }} granted
 * @param {{ path?: string, method?: string, body?: string, headers?: Record<string, string> }} [request]
 */
async function ask({ address, token }, { path = '/responses', method = 'POST', body = '{}', headers = {} } = {}) {
  const request = http.request(`${address}${path}`, {
    method,
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }
  })
  request.end(method === 'GET' ? undefined : body)
  const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
  const chunks = await response.toArray()
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() }
}

module.exports = { KEY, ask, grant, startOne, startUpstream }
