// takeServerCredentials() and class ServerCredentials: the server's own keys, out of process.env and into Rust.
'use strict'

const { inspect } = require('node:util')
const binding = require('./binding.js')
const { ProviderError, translate } = require('./errors.js')
const { wrongType } = require('./validate.js')
const { tearDownAtExit } = require('./tear-down-at-exit.js')

/** @typedef {import('../binding').NativeServerCredentials} Native */

const KEY = Symbol('ServerCredentials')

/** @type {(credentials: any) => Native | undefined} */
let nativeOf = () => undefined

class ServerCredentials {
  /** @type {Native} */
  #native

  /**
   * @param {symbol} key
   * @param {Native} native
   */
  constructor(key, native) {
    if (key !== KEY) throw new TypeError('Use takeServerCredentials() to make ServerCredentials.')
    this.#native = native
  }

  get providers() {
    return this.#native.providers
  }

  get names() {
    return this.#native.names
  }

  get disposed() {
    return this.#native.disposed
  }

  /** @param {string} provider */
  fingerprint(provider) {
    return translate(() => this.#native.fingerprint(String(provider))) ?? null
  }

  dispose() {
    this.#native.dispose()
  }

  [Symbol.dispose]() {
    this.dispose()
  }

  toJSON() {
    const { providers, names, disposed } = this
    return { providers, names, disposed }
  }

  toString() {
    return `ServerCredentials(${this.providers.join(', ')})`
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptionsStylized} options
   */
  [inspect.custom](_depth, options) {
    return `ServerCredentials ${inspect(this.toJSON(), { ...options, getters: false })}`
  }

  static {
    nativeOf = (keys) => (typeof keys === 'object' && keys !== null && #native in keys ? keys.#native : undefined)
  }
}

/** @returns {any} */
function takeServerCredentials() {
  // Loaded here: it is a tenth of this package's load time, and few need it.
  if (!require('node:worker_threads').isMainThread) {
    throw new ProviderError({
      code: 'ERR_PROVIDER_UNSUPPORTED',
      message: 'takeServerCredentials() works on the main thread only: a worker thread has a copy of process.env that cannot be wiped. Call it before you start worker threads.'
    })
  }
  const native = translate(() => binding.takeServerCredentials())
  tearDownAtExit()
  // Their values are wiped already; now the names go, from libc's list and from the block that the kernel shows.
  for (const name of native.names) delete process.env[name]
  translate(() => binding.wipeInitialEnvironment())
  return new ServerCredentials(KEY, native)
}

/**
 * @param {unknown} value
 * @returns {Native | undefined}
 */
function nativeCredentials(value) {
  if (value === undefined) return undefined
  const native = nativeOf(value)
  if (native) return native
  throw wrongType('options.serverCredentials', 'what takeServerCredentials() returns', value)
}

module.exports = { ServerCredentials, nativeCredentials, takeServerCredentials }
