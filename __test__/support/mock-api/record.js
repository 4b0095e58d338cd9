// Reads one HTTP request into the record that the mock keeps: provider, credentials, and a JSON body of limited size.
'use strict'

/**
 * Its head; the body is read afterwards, if at all.
 * @param {import('node:http').IncomingMessage} request
 * @returns {import('./types').RecordedRequest}
 */
function recordHead(request) {
  const path = request.url ?? '/'
  const credentials = readCredentials(request.headers)
  return {
    provider: readProvider(path, request.headers),
    method: request.method ?? 'GET',
    path,
    headers: request.headers,
    credential: credentials[0]?.value ?? null,
    credentialHeader: credentials[0]?.header ?? null,
    credentials,
    body: null,
    at: Date.now()
  }
}

/**
 * The parsed JSON body; null when there is none or it is not JSON, undefined when it is larger than `most`.
 * @param {import('node:http').IncomingMessage} request
 * @param {number} most In bytes.
 * @returns {Promise<any>}
 */
function readBody(request, most) {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > most) return resolve(undefined)
    /** @type {Buffer[]} */
    const chunks = []
    let size = 0
    request.on('error', reject)
    request.on('end', () => resolve(parseJson(Buffer.concat(chunks).toString('utf8'))))
    request.on('data', (/** @type {Buffer} */ chunk) => {
      size += chunk.length
      if (size <= most) return void chunks.push(chunk)
      request.pause()
      chunks.length = 0
      resolve(undefined)
    })
  })
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

module.exports = { readBody, recordHead }
