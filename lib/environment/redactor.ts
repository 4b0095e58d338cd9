// class Redactor: redacts secrets in the worker's own text.

import type { Transform } from 'node:stream'
import type { NativeRedactor as Native, NativeProviderEnv, NativeSecret, NativeServerCredentials } from '../../binding.js'
import { ServerCredentials } from '../credential/server-credentials.ts'
import { binding } from '../internal/binding.ts'
import { builtin } from '../internal/builtins.ts'
import { own, translate } from '../internal/errors.ts'
import { Handle, KEY, nativeOf } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { Secret } from '../secret/secret.ts'
import { giveBack, isUint8Array, offHeap, take, takeText, textOffHeap, wipe } from '../secret/secret-input.ts'
import { ProviderEnv } from './provider-env.ts'

/** Options of a {@link Redactor}. */
export interface RedactorOptions {
  /** Secrets and encoded forms with fewer bytes are not redacted. 4 to 1024; default: 8. */
  minLength?: number | undefined
}

/** A source of secrets for a {@link Redactor}. */
export type RedactorSource = ProviderEnv | ServerCredentials | Secret | Uint8Array | string

/** What a source may be, other than bytes and text. */
const HANDLES = [ProviderEnv, ServerCredentials, Secret]

/** In bytes; the addon has both bounds. A number is cut to 32 bits on its way there. */
const MAX_MIN_LENGTH = 2 ** 32 - 1

/** Half of a surrogate pair; `split` keeps it between the parts. */
const LONE = /([\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/

/**
 * Redacts secrets, and their base64, base64url, hex, URL-encoded and JSON-escaped forms, in text, for the worker's own
 * logs. {@link SpawnOptions.redactOutput} does the same for a child's output. It protects from accidents, not from
 * attacks.
 */
export class Redactor extends Handle {
  #native

  /**
   * @param sources A `Uint8Array` is consumed: the call fills it with zeros before it returns. The redactor keeps its
   * own copy of all secrets until it is disposed of.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED` if a source was disposed of.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(sources: Iterable<RedactorSource>, options?: RedactorOptions) {
    const native = make(sources, options)
    super(KEY, native)
    this.#native = native
  }

  /** The number of secrets that are too short to be redacted. */
  get skipped(): number {
    return own(this.#native.skipped)
  }

  /** Returns the text with each UTF-8 byte of a secret replaced by one character. */
  redact(text: string): string
  /**
   * Redacts the bytes in place and returns the same array. The bytes must be a complete text: a secret that is cut off
   * at the end is not found.
   */
  redact<T extends Uint8Array>(bytes: T): T
  redact(value: string | Uint8Array): string | Uint8Array {
    if (typeof value === 'string') return this.#redactString(value)
    if (!isUint8Array(value)) throw validate.wrongType('value', 'a string or a Uint8Array', value)
    // Small bytes are emptied meanwhile: they must not be moved out of V8's heap with a secret in them.
    const taken = takeText(value, 'value')
    try {
      translate(() => this.#native.redact(taken))
    } finally {
      if (taken !== value) giveBack(value, taken)
    }
    return value
  }

  /** Half of a surrogate pair would not come back from UTF-8, and no secret has one: what is between them is redacted. */
  #redactString(text: string) {
    if (text.isWellFormed()) return this.#redactText(text)
    return text
      .split(LONE)
      .map((part, index) => (index % 2 === 0 ? this.#redactText(part) : part))
      .join('')
  }

  #redactText(text: string) {
    const bytes = textOffHeap(text)
    try {
      return translate(() => this.#native.redact(bytes)) ? bytes.toString() : text
    } finally {
      wipe([bytes])
    }
  }

  /** Returns a stream that redacts what is written to it, across chunk boundaries. It copies its chunks. */
  stream(): Transform {
    const { Transform } = builtin('stream')
    const stream = translate(() => this.#native.stream())
    return new Transform({
      // What is pushed is pushed outside of `try`: it calls listeners, and what they throw is no failure of this stream's.
      transform(chunk, encoding, done) {
        let copy: Buffer
        let fed: ReturnType<typeof stream.feed>
        try {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : chunk
          // A copy, not from Node's pool: the chunk is the caller's, and a pool's neighbours see what is held back.
          copy = offHeap(bytes.length)
          copy.set(bytes)
          fed = translate(() => stream.feed(copy))
        } catch (error) {
          return done(error as Error)
        }
        try {
          if (fed.before) this.push(fed.before)
        } finally {
          done(null, copy.subarray(0, fed.through))
        }
      },
      flush(done) {
        let rest: ReturnType<typeof stream.finish>
        try {
          rest = translate(() => stream.finish())
        } catch (error) {
          return done(error as Error)
        }
        done(null, rest ?? undefined)
      },
      destroy(error, done) {
        stream.dispose()
        done(error)
      }
    })
  }

  /** @internal */
  override toJSON() {
    const { skipped, disposed } = this
    return { skipped, disposed }
  }
}

export interface Redactor {
  /** Wipes the redactor. Its streams fail from then on. */
  dispose(): void
}

function make(sources: unknown, value: unknown): Native {
  if (!isIterable(sources) || typeof sources === 'string') {
    throw validate.wrongType('sources', 'an array', sources)
  }
  const consumed: Uint8Array[] = []
  try {
    const all: unknown[] = []
    // One by one: what was given before the iterator throws is wiped too.
    for (const source of sources) {
      if (isUint8Array(source)) consumed.push(source)
      all.push(source)
    }
    const options = validate.options('options', value, ['minLength'])
    const minLength = validate.optionalCount('options.minLength', options.minLength, MAX_MIN_LENGTH)
    const natives = all.map((source, index) => readSource(source, `sources[${index}]`, consumed))
    return translate(() => binding.redactorOf(natives, minLength))
  } finally {
    wipe(consumed)
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === 'function'
}

function readSource(source: unknown, name: string, consumed: Uint8Array[]) {
  for (const of of HANDLES) {
    const native = nativeOf<NativeProviderEnv | NativeServerCredentials | NativeSecret>(of, source)
    if (native) return native
  }
  const bytes = typeof source === 'string' ? textOffHeap(validate.required(name, validate.optionalString(name, source))) : source
  if (!isUint8Array(bytes)) throw validate.wrongType(name, 'a ProviderEnv, ServerCredentials, Secret, Uint8Array or string', source)
  consumed.push(bytes)
  const taken = take(bytes, name)
  consumed.push(taken)
  return taken
}
