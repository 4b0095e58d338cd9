// Made-up secrets of the usual shapes, and output of an agent that contains some of them: the same in each run.
'use strict'

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..', '..')

/** How often each shape occurs among the secrets. */
const OF_EACH = 10

/** One of each shape, by a number. */
const SHAPES = [
  (i) => `${i % 2 ? 'sk-ant-api03-' : 'sk-proj-'}${letters(`key ${i}`, 108)}`.slice(0, 108),
  (i) => `postgres://app_${i}:${letters(`password ${i}`, 24)}@db-${i}.internal.example:5432/app_${i}`,
  (i) => letters(`token ${i}`, 32),
  (i) => `${letters(`word ${i}`, 10)}${'!$&=+?/%~^'[i]}${i}`
]

/** `length` letters, digits, `-` and `_` that only the seed decides. */
function letters(seed, length) {
  let text = ''
  for (let i = 0; text.length < length; i++) text += createHash('sha256').update(`${seed} ${i}`).digest('base64url')
  return text.slice(0, length)
}

/** @returns {string[]} 40 secrets */
function madeUpSecrets() {
  return SHAPES.flatMap((shape) => Array.from({ length: OF_EACH }, (_, i) => shape(i)))
}

// A tool's result is rarely longer; and one line in so many shows a secret, as `env` or a config file would.
const LINES_OF_A_MESSAGE = 30
const MESSAGES_BETWEEN_SECRETS = 50

/**
 * JSON lines as a CLI writes them: this repository's prose as what the model says, its code as what its tools read.
 * @param {number} bytes
 * @param {string[]} secrets
 * @returns {Buffer}
 */
function agentOutput(bytes, secrets) {
  const messages = sources().flatMap(messagesOf)
  const lines = []
  for (let length = 0, i = 0; length < bytes; i++) {
    const leaks = i % MESSAGES_BETWEEN_SECRETS === 0
    const secret = secrets[(i / MESSAGES_BETWEEN_SECRETS) % secrets.length]
    const line = `${JSON.stringify(leaks ? leak(secret) : messages[i % messages.length])}\n`
    lines.push(line)
    length += Buffer.byteLength(line)
  }
  return Buffer.from(lines.join('')).subarray(0, bytes)
}

function sources() {
  const inside = (dir, end) =>
    fs
      .readdirSync(path.join(root, dir), { recursive: true })
      .filter((name) => name.endsWith(end))
      .map((name) => path.join(dir, name))
  return ['README.md', ...inside('docs', '.md'), ...inside('lib', '.ts')]
}

function messagesOf(file) {
  const lines = fs.readFileSync(path.join(root, file), 'utf8').split('\n')
  const starts = Array.from({ length: Math.ceil(lines.length / LINES_OF_A_MESSAGE) }, (_, i) => i * LINES_OF_A_MESSAGE)
  const says = file.endsWith('.md') ? said : read
  return starts.map((start) => says(lines.slice(start, start + LINES_OF_A_MESSAGE).join('\n')))
}

const said = (text) => ({
  type: 'assistant',
  session_id: letters('session', 32),
  message: { role: 'assistant', content: [{ type: 'text', text }] }
})
const read = (content) => ({
  type: 'user',
  session_id: letters('session', 32),
  message: { role: 'user', content: [{ type: 'tool_result', content }] }
})
const leak = (secret) =>
  read(`SERVICE_URL=https://api.example\nSERVICE_KEY=${secret}\nAuthorization: Basic ${Buffer.from(`user:${secret}`).toString('base64')}`)

module.exports = { madeUpSecrets, agentOutput }
