// class Redactor: redacts secrets in the worker's own text.
'use strict'

const binding = require('./binding.js')
const { own, translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { ProviderEnv } = require('./provider-env.js')
const { Secret } = require('./secret.js')
const { isUint8Array, offHeap, take, textOffHeap, wipe } = require('./secret-input.js')
const { ServerCredentials } = require('./server-credentials.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeRedactor} Native */

/** What a source may be, besides bytes and text. */
const HANDLES = [ProviderEnv, ServerCredentials, Secret]

/** In bytes; the addon has both bounds. A number is cut to 32 bits on its way there. */
const MAX_MIN_LENGTH = 2 ** 32 - 1

/** Half of a surrogate pair; `split` keeps it between the parts. */
const LONE = /([\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/

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
    return own(this.#native.skipped)
  }

  /** @param {any} value @returns {any} */
  redact(value) {
    if (typeof value === 'string') return this.#redactString(value)
    if (!isUint8Array(value)) throw validate.wrongType('value', 'a string or a Uint8Array', value)
    // A small one is emptied meanwhile: it must not be moved out of V8's heap with a secret in it.
    const taken = take(value, 'value')
    translate(() => this.#native.redact(taken))
    if (taken !== value) Uint8Array.prototype.set.call(value, taken)
    return value
  }

  /**
   * Half of a surrogate pair would not come back from UTF-8, and no secret has one: what is between them is redacted.
   * @param {string} text
   */
  #redactString(text) {
    if (/** @type {any} */ (text).isWellFormed()) return this.#redactText(text)
    return text.split(LONE).map((part, index) => (index % 2 === 0 ? this.#redactText(part) : part)).join('')
  }

  /** @param {string} text */
  #redactText(text) {
    const bytes = textOffHeap(text)
    try {
      return translate(() => this.#native.redact(bytes)) ? bytes.toString() : text
    } finally {
      wipe([bytes])
    }
  }

  stream() {
    // Loaded here, as few need it.
    const { Transform } = require('node:stream')
    const stream = translate(() => this.#native.stream())
    return new Transform({
      // What is pushed is pushed outside of `try`: it calls listeners, and what they throw is no failure of this stream's.
      transform(chunk, encoding, done) {
        /** @type {Buffer} */
        let copy
        let fed
        try {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk, /** @type {BufferEncoding} */ (encoding)) : chunk
          // A copy, not from Node's pool: the chunk is the caller's, and a pool's neighbours see what is held back.
          copy = offHeap(bytes.length)
          copy.set(bytes)
          fed = translate(() => stream.feed(copy))
        } catch (error) {
          return done(/** @type {Error} */ (error))
        }
        try {
          if (fed.before) this.push(fed.before)
        } finally {
          done(null, copy.subarray(0, fed.through))
        }
      },
      flush(done) {
        let rest
        try {
          rest = translate(() => stream.finish())
        } catch (error) {
          return done(/** @type {Error} */ (error))
        }
        done(null, rest ?? undefined)
      },
      destroy(error, done) {
        stream.dispose()
        done(error)
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
  const consumed = all.filter(isUint8Array)
  try {
    const options = validate.options('options', value, ['minLength'])
    const minLength = validate.optionalCount('options.minLength', options.minLength, MAX_MIN_LENGTH)
    const natives = all.map((source, index) => readSource(source, `sources[${index}]`, consumed))
    return translate(() => binding.redactorOf(natives, minLength))
  } finally {
    wipe(consumed)
  }
}

/**
 * @param {unknown} source
 * @param {string} name
 * @param {Uint8Array[]} consumed
 */
function readSource(source, name, consumed) {
  for (const of of HANDLES) {
    const native = nativeOf(of, source)
    if (native) return native
  }
  const bytes = typeof source === 'string' ? textOffHeap(validate.required(name, validate.optionalString(name, source))) : source
  if (!isUint8Array(bytes)) throw validate.wrongType(name, 'a ProviderEnv, ServerCredentials, Secret, Uint8Array or string', source)
  consumed.push(bytes)
  const taken = take(bytes, name)
  consumed.push(taken)
  return taken
}

module.exports = { Redactor }
