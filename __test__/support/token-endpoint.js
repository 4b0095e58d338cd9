// A token endpoint on loopback whose refresh tokens can be used once, and logins for it in files of both CLIs' shapes.
'use strict'

const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const path = require('node:path')
const { once } = require('node:events')
const { randomBytes } = require('node:crypto')

/** @typedef {{ access: string, refresh: string, expiresAt: number }} Tokens */

/**
 * @typedef {object} Post
 * @property {number} at
 * @property {any} body
 * @property {string} contentType
 * @property {'granted' | 'refused'} outcome
 */

/** @param {object} claims */
function jwt(claims) {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ ...claims, jti: randomBytes(6).toString('hex') })}.c2ln`
}

/**
 * @param {{ after(fn: () => any): void }} test
 * @param {object} [options]
 * @param {number} [options.lifetimeMs] of an access token
 * @param {'claude' | 'codex'} [options.provider]
 * @param {(post: Post) => Promise<{ status: number, headers?: object, body: any } | undefined> | undefined} [options.instead] answers in its place
 * @param {() => Promise<void>} [options.beforeAnswer] after the token was used up
 * @param {{ key: string, cert: string }} [options.tls]
 */
async function startTokenEndpoint(test, { lifetimeMs = 3600_000, provider = 'claude', instead, beforeAnswer, tls } = {}) {
  /** @type {Post[]} */
  const posts = []
  /** The refresh tokens that are good. @type {Set<string>} */
  const good = new Set()
  /** @type {Tokens[]} */
  const issued = []

  /** @returns {Tokens} */
  function issue() {
    const expiresAt = Date.now() + lifetimeMs
    const access = provider === 'claude' ? `sk-ant-oat01-${randomBytes(16).toString('hex')}` : jwt({ exp: expiresAt / 1000 })
    const tokens = { access, refresh: `made-up-rt-${randomBytes(16).toString('hex')}`, expiresAt }
    good.add(tokens.refresh)
    issued.push(tokens)
    return tokens
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  const serve = async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const contentType = String(request.headers['content-type'])
    const body = contentType.includes('json') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))
    /** @type {Post} */
    const post = { at: Date.now(), body, contentType, outcome: 'refused' }
    posts.push(post)
    const send = (/** @type {number} */ status, /** @type {any} */ answer, /** @type {object} */ headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(answer))
    const other = await instead?.(post)
    if (other) return send(other.status, other.body, other.headers)
    // Used up by being looked at.
    if (!good.delete(body.refresh_token))
      return send(400, { error: 'invalid_grant', error_description: `no such token: ${body.refresh_token}` })
    post.outcome = 'granted'
    const tokens = issue()
    await beforeAnswer?.()
    send(200, {
      access_token: tokens.access,
      refresh_token: tokens.refresh,
      expires_in: lifetimeMs / 1000,
      token_type: 'Bearer',
      ...(provider === 'codex' ? { id_token: jwt({ email: 'made@up' }) } : {})
    })
  }
  const server = tls ? https.createServer(tls, serve) : http.createServer(serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/v1/oauth/token`,
    posts,
    issued,
    issue,
    granted: () => posts.filter(({ outcome }) => outcome === 'granted').length
  }
}

/** The document of a login. @param {'claude' | 'codex'} provider @param {Tokens} tokens @returns {any} */
function loginDocument(provider, { access, refresh, expiresAt }) {
  if (provider === 'claude') {
    return {
      claudeAiOauth: {
        accessToken: access,
        refreshToken: refresh,
        expiresAt,
        scopes: ['user:inference', 'user:profile'],
        subscriptionType: 'max',
        unknown: { kept: [1, 2] }
      },
      other: 'kept'
    }
  }
  return {
    auth_mode: 'chatgpt',
    OPENAI_API_KEY: null,
    tokens: {
      id_token: jwt({ email: 'made@up', 'https://api.openai.com/auth': { chatgpt_account_id: 'acct_made_up', chatgpt_plan_type: 'pro' } }),
      access_token: access,
      refresh_token: refresh,
      account_id: 'acct_made_up'
    },
    last_refresh: '2026-01-01T00:00:00Z',
    unknown: { kept: true }
  }
}

const FILES = { claude: '.credentials.json', codex: 'auth.json' }

/**
 * Writes a login into a directory.
 * @param {string} dir
 * @param {'claude' | 'codex'} provider
 * @param {Tokens} tokens
 */
function writeLogin(dir, provider, tokens) {
  const file = path.join(dir, FILES[provider])
  fs.writeFileSync(file, JSON.stringify(loginDocument(provider, tokens), null, 2), { mode: 0o600 })
  return file
}

/** The tokens that a file holds; throws unless it is whole. @param {'claude' | 'codex'} provider @param {string} file */
function tokensOf(provider, file) {
  const document = JSON.parse(fs.readFileSync(file, 'utf8'))
  if (provider === 'codex') return { access: document.tokens.access_token, refresh: document.tokens.refresh_token }
  return { access: document.claudeAiOauth.accessToken, refresh: document.claudeAiOauth.refreshToken }
}

module.exports = { loginDocument, startTokenEndpoint, tokensOf, writeLogin }
