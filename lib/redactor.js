// class Redactor: scrubs secrets out of the worker's own text.
'use strict'

const { Transform } = require('node:stream')
const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { ProviderEnv } = require('./provider-env.js')
const { Secret } = require('./secret.js')
const { isShared, shared, wipe } = require('./secret-input.js')
const { ServerCredentials } = require('./server-credentials.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeRedactor} Native */
/** @typedef {import('../binding').NativeRedactorSources} Sources */

/** What a source may be, and how the addon is told of it. @type {[Function, (sources: Sources, native: any) => void][]} */
const HANDLES = [
  [ProviderEnv, (sources, native) => sources.addEnv(native)],
  [ServerCredentials, (sources, native) => sources.addServerCredentials(native)],
  [Secret, (sources, native) => sources.addSecret(native)]
]

/** @extends {Handle<Native>} */
class Redactor extends Handle {
  #native

  /**
   * @param {Iterable<import('../index').RedactorSource>} sources
   * @param {import('../index').RedactorOptions} [value]
   */
  constructor(sources, value) {
    const native = make(sources, value)
    super(KEY, native)
    this.#native = native
  }

  get skipped() {
    return this.#native.skipped
  }

  /** @param {any} value @returns {any} */
  redact(value) {
    if (typeof value === 'string') return this.#redactText(value)
    if (!(value instanceof Uint8Array)) throw validate.wrongType('value', 'a string or a Uint8Array', value)
    if (isShared(value)) throw shared('value')
    translate(() => this.#native.redact(value))
    return value
  }

  /** @param {string} text */
  #redactText(text) {
    // Not from Node's pool, whose neighbours are not ours to wipe.
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
    bytes.write(text)
    try {
      // Untouched, the text stays as it is: half of a surrogate pair would not come back from UTF-8.
      return translate(() => this.#native.redact(bytes)) ? bytes.toString() : text
    } finally {
      wipe([bytes])
    }
  }

  stream() {
    const stream = translate(() => this.#native.stream())
    return new Transform({
      transform(chunk, encoding, done) {
        try {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk, /** @type {BufferEncoding} */ (encoding)) : Buffer.from(chunk)
          const { before, through } = translate(() => stream.feed(bytes))
          if (before) this.push(before)
          done(null, bytes.subarray(0, through))
        } catch (error) {
          done(/** @type {Error} */ (error))
        }
      },
      flush(done) {
        done(null, translate(() => stream.finish()))
      }
    })
  }

  /** @override */
  toJSON() {
    const { skipped, disposed } = this
    return { skipped, disposed }
  }
}

/**
 * @param {Iterable<any>} sources
 * @param {any} value
 * @returns {Native}
 */
function make(sources, value) {
  if (typeof (/** @type {any} */ (sources)?.[Symbol.iterator]) !== 'function' || typeof sources === 'string') {
    throw validate.wrongType('sources', 'an array', sources)
  }
  const all = [...sources]
  const given = all.filter((source) => source instanceof Uint8Array)
  try {
    const options = validate.options('options', value, ['minLength'])
    const minLength = validate.optionalCount('options.minLength', options.minLength)
    const collected = new binding.NativeRedactorSources()
    all.forEach((source, index) => add(collected, source, `sources[${index}]`))
    return translate(() => collected.redactor(minLength))
  } finally {
    wipe(given.filter((bytes) => !isShared(bytes)))
  }
}

/**
 * @param {Sources} collected
 * @param {unknown} source
 * @param {string} name
 */
function add(collected, source, name) {
  for (const [of, addHandle] of HANDLES) {
    const native = nativeOf(of, source)
    if (native) return translate(() => addHandle(collected, native))
  }
  if (typeof source === 'string') return addText(collected, source)
  if (!(source instanceof Uint8Array)) throw validate.wrongType(name, 'a ProviderEnv, ServerCredentials, Secret, Uint8Array or string', source)
  if (isShared(source)) throw shared(name)
  translate(() => collected.addBytes(source))
}

/** @param {Sources} collected @param {string} text */
function addText(collected, text) {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  // The addon wipes what it takes.
  translate(() => collected.addBytes(bytes))
}

module.exports = { Redactor }
