// Starts the mock of the OpenAI Responses API and the Anthropic Messages API on loopback.
'use strict'

const { createMockServer } = require('./server.js')
const { defaultAnswer } = require('./answer.js')

/** @type {import('./types').MockUsage} */
const DEFAULT_USAGE = { input: 100, output: 10, cacheRead: 25, cacheWrite: 0, reasoning: 3 }

const MAX_BODY_BYTES = 1024 * 1024
const MAX_REQUESTS = 10_000

/**
 * @param {import('./types').MockApiOptions} [options]
 * @returns {Promise<import('./types').MockApi>}
 */
async function startMockApi(options = {}) {
  /** @type {import('./types').RecordedRequest[]} */
  const requests = []
  const server = createMockServer({
    requests,
    answer: options.answer ?? defaultAnswer,
    usage: { ...DEFAULT_USAGE, ...options.usage },
    credential: options.credential,
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    maxRequests: options.maxRequests ?? MAX_REQUESTS
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const anthropicBaseUrl = `http://127.0.0.1:${port}`
  const openaiBaseUrl = `${anthropicBaseUrl}/v1`

  return {
    port,
    openaiBaseUrl,
    anthropicBaseUrl,
    baseUrls: { claude: anthropicBaseUrl, codex: openaiBaseUrl },
    requests,
    requestsWith: (credential) => requests.filter((request) => request.credentials.some(({ value }) => value === credential)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // A hanging reply or an idle keep-alive socket would hold close() open.
        server.closeAllConnections()
      })
  }
}

module.exports = { startMockApi }
