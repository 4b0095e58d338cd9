// Asks the broker with what a launch was given, as somebody else.
'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { environOf } = require('./proc.js')

/** The text of the program that an agent's shell runs, and that asks. */
const SEARCH = fs.readFileSync(path.join(__dirname, '..', 'fixtures', 'searches-for-keys.js'), 'utf8')

/** @typedef {{ address: string, token: string }} Way */
/** @typedef {Way & { by: string, status: number, text: string }} Answer status 0: there was no answer, and `text` says why */

/** Asks by each program that is there. @param {number | undefined} uid @param {Way} way @returns {Answer[]} */
function askAs(uid, { address, token }) {
  const env = { PATH: process.env.PATH, TOKEN: token }
  const output = execFileSync(process.execPath, ['-', address], { input: SEARCH, encoding: 'utf8', cwd: '/', uid, gid: uid, env })
  return JSON.parse(output)
}

/** What a running launch was given. @param {'claude' | 'codex'} provider @param {number} pid @returns {Way} */
function wayOf(provider, pid) {
  const { ANTHROPIC_UNIX_SOCKET, CODEX_API_KEY } = environOf(pid)
  if (provider === 'claude') return { address: ANTHROPIC_UNIX_SOCKET, token: 'ssh-placeholder' }
  const [, address = ''] = /openai_base_url="([^"]+)"/.exec(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? []
  return { address, token: CODEX_API_KEY }
}

module.exports = { SEARCH, askAs, wayOf }
