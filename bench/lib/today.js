// What the worker does today for each request, as the baseline: written anew from its description.
'use strict'

/**
 * Takes the last request's keys out of process.env, writes this one's in, blanks what this one lacks (an absent name
 * could come back from a .env file), and makes the copy that starting the CLI makes.
 * @returns {Record<string, string | undefined>}
 */
function today(payload) {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('USER_')) delete process.env[name]
  }
  process.env.ANTHROPIC_API_KEY = payload.apiKey ?? ''
  process.env.CLAUDE_CODE_OAUTH_TOKEN = payload.apiKey ? '' : (payload.oauthAccessToken ?? '')
  process.env.ALIVE_SESSION_COOKIE = payload.sessionCookie ?? ''
  for (const [name, value] of Object.entries(payload.userEnvKeys ?? {})) {
    if (/^[A-Z][A-Z0-9_]*$/.test(name)) process.env[`USER_${name}`] = value
  }
  return { ...process.env }
}

module.exports = { today }
