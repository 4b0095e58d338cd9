// Reads usage, failures and claims from a child's stdout, and reports them to the process object.
'use strict'

const { ProviderError } = require('./errors.js')
const { Metered, labelsOf } = require('./metered.js')
const { PIPE } = require('./stdio.js')
const { readThread } = require('./token-counts.js')
const validate = require('./validate.js')

/** @typedef {import('./provider-process.js').Driver} Driver */
/** @typedef {import('./launch.js').Launch} Launch */

/**
 * @typedef {object} Watch
 * @property {boolean | undefined} watch What the addon is asked: by the arguments where it is undefined.
 * @property {import('../binding').ThreadCounts | undefined} thread What the thread that is resumed had used.
 * @property {boolean} stops Whether a claim of another credential ends the run.
 */

/**
 * @param {any} options
 * @param {import('../binding').Stdio[]} stdio
 * @returns {Watch}
 */
function readWatch(options, stdio) {
  const asked = validate.optionalBoolean('options.usage', options.usage)
  const piped = stdio[1] === PIPE
  if (asked && !piped) throw validate.wrongValue('options.usage', "needs stdout, which does not pass through this process. Set it to 'pipe' in options.stdio.")
  const reaction = validate.optionalWord('options.onCredentialMismatch', options.onCredentialMismatch, ['event', 'stop'])
  return { watch: piped ? asked : false, thread: readThread('options.thread', options.thread), stops: reaction === 'stop' }
}

/**
 * To be called after the streams are scrubbed, so that a chunk is read as the CLI wrote it. It goes on unchanged.
 * @param {import('../binding').NativeUsageMeter} native
 * @param {Launch} launch
 * @param {readonly any[]} streams
 * @param {Driver} driver
 */
function tap(native, launch, streams, driver) {
  if (launch.watch.thread) native.resumes(launch.watch.thread)
  const metered = new Metered(driver.child, native, labelsOf(driver.child))
  driver.observe(metered)
  metered.listen((changes) => {
    if (launch.watch.stops && changes.mismatch) driver.refuse(mismatch(driver.child.provider))
  })
  const [, stdout, stderr] = streams
  readPushes(stdout, (chunk) => metered.feed(chunk))
  if (stderr) readPushes(stderr, (chunk) => metered.complain(chunk))
}

/**
 * @param {any} stream
 * @param {(chunk: Uint8Array) => void} read
 */
function readPushes(stream, read) {
  const push = stream.push
  stream.push = (/** @type {Uint8Array | null} */ chunk) => {
    if (chunk !== null && chunk.length > 0) read(chunk)
    return push.call(stream, chunk)
  }
}

/** @param {string} provider */
function mismatch(provider) {
  return new ProviderError({
    code: 'ERR_PROVIDER_CREDENTIAL_MISMATCH',
    message: 'The CLI reported that it uses a credential other than the one that it received, and was stopped. Check its settings for an apiKeyHelper or a key.',
    provider
  })
}

module.exports = { readWatch, tap }
