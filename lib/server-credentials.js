// takeServerCredentials() and class ServerCredentials: the server's own keys, out of process.env and into Rust.
'use strict'

const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { requireLocked } = require('./memory-protection.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeServerCredentials} Native */

/** @extends {Handle<Native>} */
class ServerCredentials extends Handle {
  static madeBy = 'takeServerCredentials()'

  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    super(key, native)
    this.#native = native
  }

  get providers() {
    return this.#native.providers
  }

  get names() {
    return this.#native.names
  }

  /** @param {string} provider */
  fingerprint(provider) {
    return translate(() => this.#native.fingerprint(String(provider))) ?? null
  }

  /** @override */
  toJSON() {
    const { providers, names, disposed } = this
    return { providers, names, disposed }
  }

  /** @override */
  toString() {
    return `ServerCredentials(${this.providers.join(', ')})`
  }
}

/**
 * @param {import('../index').ServerCredentialsOptions} [value]
 * @returns {any}
 */
function takeServerCredentials(value) {
  const options = validate.options('options', value, ['requireLocked'])
  requireMainThread('takeServerCredentials()')
  // First: what could not be kept safe is better left where it is.
  requireLocked(options)
  const native = translate(() => binding.takeServerCredentials())
  // Their values are wiped already; now the names go, from libc's list and from the block that the kernel shows.
  for (const name of native.names) delete process.env[name]
  translate(() => binding.wipeInitialEnvironment())
  return new ServerCredentials(KEY, native)
}

/** @param {string} what */
function requireMainThread(what) {
  // Loaded here: it is a tenth of this package's load time, and few need it.
  if (require('node:worker_threads').isMainThread) return
  throw new ProviderError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: `${what} works on the main thread only: a worker thread has a copy of process.env that cannot be wiped. Call it before you start worker threads.`
  })
}

/**
 * @param {unknown} value
 * @returns {Native | undefined}
 */
function nativeCredentials(value) {
  if (value === undefined) return undefined
  const native = nativeOf(ServerCredentials, value)
  if (native) return native
  throw validate.wrongType('options.serverCredentials', 'what takeServerCredentials() returns', value)
}

module.exports = { ServerCredentials, nativeCredentials, requireMainThread, takeServerCredentials }
