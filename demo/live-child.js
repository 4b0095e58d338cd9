// Inspects a running child from outside, through /proc, to show what the kernel reports and not what this package
// claims.
'use strict'

const { spawnSync } = require('node:child_process')
const { readFileSync } = require('node:fs')

/** What every key of both vendors begins with. */
const KEY = /^sk-[\w-]{8,}/

/**
 * @param {string} text Strings of `NAME=value`.
 * @param {string} separator What ends each.
 */
function parse(text, separator) {
  const pairs = text.split(separator).map((line) => /^([A-Za-z_]\w*)=(.*)$/s.exec(line))
  return pairs.filter((pair) => pair !== null).map(([, name, value]) => ({ name, value }))
}

/** @param {{ name: string, value: string }[]} variables */
function summary(variables) {
  const names = (/** @type {typeof variables} */ some) => some.map(({ name }) => name).sort()
  return {
    names: names(variables.filter(({ value }) => value !== '')),
    empty: names(variables.filter(({ value }) => value === '')),
    keys: variables.filter(({ value }) => KEY.test(value)).map(({ name, value }) => ({ name, masked: mask(value) }))
  }
}

/** @param {string} output What `env` wrote. */
function shellSummary(output) {
  return summary(parse(output, '\n'))
}

/** How long `/proc/PID/environ` may read as empty: the kernel fills it in a moment after the program has begun. */
const FILLED_WITHIN_MS = 1000

/** @param {number} pid */
function readEnvironment(pid) {
  for (const until = Date.now() + FILLED_WITHIN_MS; Date.now() < until; ) {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8')
    if (text !== '') return text
  }
  throw Object.assign(new Error('empty'), { code: 'it remained empty' })
}

/** @param {number} pid */
function lookAt(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    /** @param {string} name */
    const words = (name) => (new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean)
    return {
      environment: summary(parse(readEnvironment(pid), '\0')),
      // Real, effective, saved and file system id.
      uid: words('Uid'),
      gid: words('Gid'),
      groups: words('Groups'),
      noNewPrivileges: words('NoNewPrivs')[0] === '1',
      capabilities: words('CapEff')[0]
    }
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    return { unseen: process.platform === 'linux' ? `/proc/${pid} could not be read: ${code}` : 'there is no /proc here' }
  }
}

/**
 * Whether a process of these ids can read the environment of a running child: its size, or why not.
 * @param {{ uid?: number, gid?: number }} ids
 * @param {number} pid
 */
function readAs(ids, pid) {
  const { status, stdout, stderr, error } = spawnSync('cat', [`/proc/${pid}/environ`], {
    ...ids,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    cwd: '/'
  })
  if (status === 0) return `${stdout.length} bytes`
  return error?.message ?? stderr.toString().trim().split(': ').at(-1)
}

/**
 * A key as it may be shown: of what kind it is, and its last four characters.
 * @param {string} key
 */
function mask(key) {
  const kind = /^sk-(?:ant-|proj-|svcacct-)?/.exec(key)?.[0] ?? ''
  return `${kind}…${key.slice(-4)}`
}

module.exports = { lookAt, mask, readAs, shellSummary }
