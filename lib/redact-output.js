// `redactOutput`: redacts the secrets of a launch in the child's streams, in place, as the chunks arrive.
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { IGNORE, PIPE } = require('./stdio.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeRedactorStream} RedactorStream */
/** @typedef {import('node:stream').Readable} Readable */

/**
 * The streams that may be scrubbed: their place among the standard streams, and the protection that is missing where one
 * that is scrubbed by default cannot be.
 */
const STREAMS = /** @type {const} */ ([
  ['stdout', 1, undefined],
  ['stderr', 2, 'stderr-redaction']
])

/**
 * @typedef {object} RedactOutput
 * @property {number[]} indexes The standard streams to be scrubbed.
 * @property {import('../index').MissingProtection[]} missing What is on by default and cannot be.
 */

/**
 * @param {unknown} value
 * @param {import('../binding').Stdio[]} stdio
 * @returns {RedactOutput}
 */
function readRedactOutput(value, stdio) {
  const wanted = typeof value === 'boolean' ? { stdout: value, stderr: value } : validate.options('options.redactOutput', value, ['stdout', 'stderr'])
  /** @type {RedactOutput} */
  const read = { indexes: [], missing: [] }
  for (const [name, index, protection] of STREAMS) {
    const asked = validate.optionalBoolean(`options.redactOutput.${name}`, wanted[name])
    if (!(asked ?? protection !== undefined)) continue
    if (stdio[index] === PIPE) read.indexes.push(index)
    // Nothing is written to /dev/null that anybody could read.
    else if (stdio[index] === IGNORE) continue
    else if (asked) throw validate.wrongValue('options.redactOutput', `names ${name}, which does not pass through this process. Set it to 'pipe' in options.stdio.`)
    else if (protection) read.missing.push(protection)
  }
  return read
}

/**
 * Scrubs what the streams of a start push, from their first byte on. To be called in the same turn of the event loop as
 * the start: later the environment may have been disposed of. What is looked for stays until its stream has closed.
 * @param {{ env: import('../binding').NativeProviderEnv, redactOutput: RedactOutput }} launch
 * @param {readonly (Readable | import('node:stream').Writable | null | undefined)[]} streams
 */
function redact({ env, redactOutput: { indexes } }, streams) {
  if (indexes.length === 0) return
  const redaction = translate(() => binding.launchRedaction(env, indexes.length))
  indexes.forEach((index, at) => {
    const stream = /** @type {Readable} */ (streams[index])
    scrubPushes(stream, redaction[at])
    stream.once('close', () => redaction[at].dispose())
  })
}

/**
 * `push` is where a Readable takes what its source has read (Node's and Bun's sockets call it): one stream less than a
 * Transform behind it.
 * @param {Readable} stream
 * @param {RedactorStream} redaction
 */
function scrubPushes(stream, redaction) {
  const push = stream.push
  /** What may be passed on, in two parts. @param {Uint8Array | null} chunk @returns {(Uint8Array | null | undefined)[]} */
  const scrub = (chunk) => {
    if (chunk === null) return [translate(() => redaction.finish()) ?? undefined, null]
    const { before, through } = translate(() => redaction.feed(chunk))
    return [before ?? undefined, through > 0 ? chunk.subarray(0, through) : undefined]
  }
  /** @param {Uint8Array | null | undefined} part */
  const pass = (part) => (part === null || (part && part.length > 0) ? push.call(stream, part) : true)
  stream.push = (chunk) => {
    let parts
    try {
      parts = scrub(chunk)
    } catch (error) {
      // Nothing goes through that was not scrubbed, and a throw from here would end the worker with all its tenants.
      stream.destroy(/** @type {Error} */ (error))
      return false
    }
    let more = true
    try {
      more = pass(parts[0])
    } finally {
      // What a listener throws is its caller's, as with child_process. Nothing is lost for it.
      more = pass(parts[1]) && more
    }
    return more
  }
}

module.exports = { readRedactOutput, redact }
