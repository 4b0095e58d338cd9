// A login in its own directory, an endpoint that refreshes it, and the store that keeps it.
'use strict'

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { CredentialStore, Lockbox } = require('../../index.js')
const { startTokenEndpoint, writeLogin } = require('./token-endpoint.js')

/** @param {{ after(fn: () => any): void }} t */
function makeDir(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-login-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** @param {any} t @param {any} [options] @param {any} [endpointOptions] */
async function openLogin(t, options = {}, endpointOptions = {}) {
  const provider = endpointOptions.provider ?? 'claude'
  const endpoint = await startTokenEndpoint(t, endpointOptions)
  const dir = makeDir(t)
  const first = { ...endpoint.issue(), ...endpointOptions.first }
  const file = writeLogin(dir, provider, first)
  const store = await CredentialStore.open(provider, { dir, tokenUrl: endpoint.url, ...options })
  t.after(() => store.dispose())
  return { endpoint, dir, file, first, store, provider }
}

/** The name that the file which is to take the place of this one has. @param {string} file */
function nextOf(file) {
  const text = fs.readFileSync(file, 'utf8')
  const { claudeAiOauth, tokens } = JSON.parse(text)
  const [content, login] = [text, claudeAiOauth?.refreshToken ?? tokens.refresh_token].map((of) =>
    createHash('sha256').update(of).digest('hex').slice(0, 16)
  )
  return path.join(path.dirname(file), `.${path.basename(file)}.${content}.${login}.next`)
}

/** A fleet whose shared place is a variable. */
function memoryFleet() {
  const shared = { published: /** @type {string | null} */ (null) }
  return {
    shared,
    options: () => ({
      name: 'ws_1',
      lockbox: new Lockbox({ masterKeys: [Buffer.alloc(32, 9)] }),
      /** @type {import('../../index.js').WithLock} */
      async withLock(_, critical) {
        const next = await critical(shared.published)
        if (next !== null) shared.published = next
      }
    })
  }
}

const SOON = () => Date.now() + 30_000
const LATE = () => Date.now() - 1000

module.exports = { LATE, SOON, makeDir, memoryFleet, nextOf, openLogin }
