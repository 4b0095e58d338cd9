// Looks at a running child from outside, through /proc: the kernel's word, not ours.
'use strict'

const { readFileSync } = require('node:fs')

/** What every key of both vendors begins with. */
const KEY = /^sk-[\w-]{8,}/

/** @param {string} text Lines or NUL-ended strings of `NAME=value`. @param {string} separator */
function parse(text, separator) {
  const pairs = text.split(separator).map((line) => /^([A-Za-z_]\w*)=(.*)$/s.exec(line))
  return pairs.filter((pair) => pair !== null).map(([, name, value]) => ({ name, value }))
}

/**
 * Names, and those of them that hold a key, with it masked.
 * @param {{ name: string, value: string }[]} variables
 */
function summary(variables) {
  const holders = variables.filter(({ value }) => KEY.test(value))
  return { names: variables.map(({ name }) => name).sort(), keys: holders.map(({ name, value }) => ({ name, masked: mask(value) })) }
}

/** What the shell's `env | sort` wrote. @param {string} output */
function shellSummary(output) {
  return summary(parse(output, '\n'))
}

/** @param {number} pid */
function lookAt(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    /** @param {string} name */
    const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1].trim() ?? ''
    return {
      environment: summary(parse(readFileSync(`/proc/${pid}/environ`, 'utf8'), '\0')),
      // Real, effective, saved and file system id.
      uid: field('Uid').split(/\s+/),
      gid: field('Gid').split(/\s+/),
      groups: field('Groups').split(/\s+/).filter(Boolean),
      noNewPrivileges: field('NoNewPrivs') === '1',
      capabilities: field('CapEff')
    }
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    return { unseen: process.platform === 'linux' ? `/proc/${pid} could not be read: ${code}` : 'there is no /proc here' }
  }
}

/** A key as it may be shown: what kind it is, and its last four. @param {string} key */
function mask(key) {
  const kind = /^sk-(?:ant-|proj-|svcacct-)?/.exec(key)?.[0] ?? ''
  return `${kind}…${key.slice(-4)}`
}

module.exports = { lookAt, mask, shellSummary }
