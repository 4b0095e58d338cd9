// class UsageMeter: reads the output of a CLI that something else starts, such as the Codex SDK.
'use strict'

const { isUint8Array } = require('node:util').types
const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Metered } = require('./metered.js')
const { readThread } = require('./token-counts.js')
const validate = require('./validate.js')

const OPTIONS = validate.members(/** @type {Record<keyof import('../binding').ExpectedRun, true>} */ ({ credential: true, model: true, resumed: true, subagents: true, thread: true, workspace: true }))
/** Without any of them a resumed thread would be counted from its beginning again. */
const WHICH_THREAD = /** @type {const} */ (['workspace', 'thread', 'resumed'])

class UsageMeter {
  /** @type {Metered} */
  #metered
  #provider

  /**
   * @param {import('../index').ProviderId} provider
   * @param {import('../types/usage').UsageMeterOptions} [value]
   */
  constructor(provider, value) {
    if (typeof provider !== 'string') throw validate.wrongType('provider', 'a string', provider)
    const options = validate.options('options', value, OPTIONS)
    const expected = {
      credential: validate.optionalString('options.credential', options.credential),
      model: validate.optionalString('options.model', options.model),
      resumed: validate.optionalBoolean('options.resumed', options.resumed) ?? false,
      thread: readThread('options.thread', options.thread),
      workspace: readWorkspace(options.workspace),
      subagents: validate.optionalBoolean('options.subagents', options.subagents) ?? true
    }
    const isThreadKnown = WHICH_THREAD.some((name) => options[name] !== undefined)
    if (!isThreadKnown && binding.reportsThreadTotals(provider)) throw validate.wrongValue('options.workspace', 'is missing. This CLI reports the total of a thread: pass the owner of the threads, options.thread, or options.resumed: false for a new thread.')
    this.#provider = provider
    this.#metered = new Metered(this, translate(() => binding.meterOf(provider, expected)), { provider })
  }

  get provider() {
    return this.#provider
  }

  get usage() {
    return this.#metered.usage()
  }

  get failure() {
    return this.#metered.failure()
  }

  get credentialMismatch() {
    return this.#metered.mismatch()
  }

  get [validate.COPY]() {
    return validate.THIS_COPY
  }

  /** @param {string | Uint8Array} chunk */
  write(chunk) {
    if (typeof chunk !== 'string' && !isUint8Array(chunk)) throw validate.wrongType('chunk', 'a string or a Uint8Array', chunk)
    this.#metered.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    return this
  }

  /** @param {unknown} event */
  event(event) {
    if (typeof event !== 'object' || event === null) throw validate.wrongType('event', 'an object', event)
    return this.write(`${JSON.stringify(event)}\n`)
  }

  /** @param {number | null} [code] */
  end(code = null) {
    if (code !== null) validate.optionalCount('code', code)
    this.#metered.end(code)
    return this
  }
}

/** @param {unknown} value */
function readWorkspace(value) {
  const workspace = validate.optionalString('options.workspace', value)
  if (workspace === '') throw validate.wrongValue('options.workspace', 'must not be empty.')
  return workspace === undefined ? undefined : validate.wellFormed('options.workspace', workspace)
}

module.exports = { UsageMeter }
