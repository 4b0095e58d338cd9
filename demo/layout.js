// Lays text out for a terminal: labelled rows in 100 columns, colours, and how ids, headers and numbers are written.
'use strict'

const WIDTH = 100
const LABEL = 15

/** @type {Record<string, string>} */
const PROVIDERS = { claude: 'Claude Code', codex: 'OpenAI Codex' }

const coloured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
/** @param {number} code */
const style = (code) => (/** @type {string} */ text) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text)
const [bold, dim, red, green] = [1, 2, 31, 32].map(style)

/** @param {{ name: string, masked: string }[]} keys */
function keyList(keys) {
  return keys.length === 0 ? 'none' : keys.map(({ name, masked }) => `${name}=${masked}`).join(', ')
}

/** @param {string} name */
function header(name) {
  return name === 'authorization' ? 'authorization: Bearer' : `${name}:`
}

/** @param {string[]} list Real, effective, saved and file system id. */
function ids(list) {
  return new Set(list).size === 1 ? list[0] : list.join('/')
}

/** @param {any} child */
function kernelSays(child) {
  const groups = child.groups.length === 0 ? 'no other groups' : `other groups ${child.groups.join(' ')}`
  const capabilities = /^0+$/.test(child.capabilities) ? 'no capabilities' : `capabilities ${child.capabilities}`
  return `uid ${ids(child.uid)}, gid ${ids(child.gid)}, ${groups}, ${capabilities}, no_new_privs ${child.noNewPrivileges ? 'on' : 'off'}`
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** @param {number} value */
function ms(value) {
  return `${value.toFixed(2)} ms`
}

/** @param {[string, string]} row */
function row([label, value]) {
  const [first = '', ...rest] = wrap(value, '', WIDTH - LABEL - 4)
  return [`  ${dim(label.padEnd(LABEL))}  ${first}`, ...rest.map((line) => ' '.repeat(LABEL + 4) + line)]
}

/**
 * @param {string} value
 * @param {string} [indent]
 * @param {number} [width]
 */
function wrap(value, indent = '', width = WIDTH) {
  /** @type {string[]} */
  const lines = []
  let line = ''
  for (const word of value.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}

module.exports = { PROVIDERS, bold, count, dim, green, header, kernelSays, keyList, ms, red, row, wrap }
