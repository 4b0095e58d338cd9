// Reads one HTTP request into the record the mock keeps: provider, credentials, JSON body.
'use strict'

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<import('./types').RecordedRequest>}
 */
async function recordRequest(request) {
  const at = Date.now()
  const path = request.url ?? '/'
  const credentials = readCredentials(request.headers)
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return {
    provider: readProvider(path, request.headers),
    method: request.method ?? 'GET',
    path,
    headers: request.headers,
    credential: credentials[0]?.value ?? null,
    credentialHeader: credentials[0]?.header ?? null,
    credentials,
    body: parseJson(Buffer.concat(chunks).toString('utf8')),
    at
  }
}

/**
 * Both providers share `/v1/models`; only Anthropic's clients send `anthropic-version`.
 * @param {string} path
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @returns {import('./types').MockProvider}
 */
function readProvider(path, headers) {
  if (path.startsWith('/v1/messages') || !path.startsWith('/v1/')) return 'claude'
  if (path.startsWith('/v1/responses')) return 'codex'
  return 'anthropic-version' in headers || 'x-api-key' in headers ? 'claude' : 'codex'
}

/**
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @returns {import('./types').RecordedRequest['credentials']}
 */
function readCredentials(headers) {
  /** @type {import('./types').RecordedRequest['credentials']} */
  const found = []
  const apiKey = headers['x-api-key']
  if (typeof apiKey === 'string') found.push({ header: 'x-api-key', value: apiKey })
  const { authorization } = headers
  if (authorization !== undefined) {
    found.push({ header: 'authorization', value: authorization.replace(/^Bearer /i, '') })
  }
  return found
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

module.exports = { recordRequest }
