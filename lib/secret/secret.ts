// class Secret: an opaque handle to bytes that Rust holds.

import type { NativeSecret as Native } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import { Handle, KEY, nativeOf } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { readRequireLocked } from './memory-protection.ts'
import type { SealBinding, SealedSecret } from './seal-binding.ts'
import { readSeal } from './seal-binding.ts'
import { consume, isUint8Array, textOffHeap } from './secret-input.ts'

/**
 * A secret that is passed to this package.
 *
 * `Uint8Array`: consumed. The call copies it once into memory that is wiped later, and fills the array with zeros
 * before it returns, on success and on failure. A view of a `SharedArrayBuffer` is refused, and so is an array that
 * contains only zeros, because it has most likely been consumed already. V8 keeps arrays of up to 64 bytes in its own
 * heap, where the garbage collector may already have moved them: allocate small secrets in their own `ArrayBuffer`
 * (`new Uint8Array(new ArrayBuffer(n))`). Data that comes from a socket or a file is allocated this way already.
 *
 * `string`: accepted because existing workers hold keys as strings. A V8 string cannot be wiped, so the caller's copy
 * stays in the JavaScript heap until the garbage collector reuses its memory.
 *
 * {@link Secret}: a handle to bytes that Rust holds. It is not consumed, so you must dispose of it yourself. An
 * environment that was built with it keeps its own copy until the environment is disposed of.
 *
 * {@link SealedSecret}: text that only this worker can open. Only {@link buildProviderEnv} accepts it, with the option
 * `recipient`.
 */
export type SecretInput = string | Uint8Array | Secret | SealedSecret

/** Options of {@link Secret.from}. */
export interface SecretOptions {
  /**
   * Throw `ERR_PROVIDER_MEMORY_UNPROTECTED` if the kernel refused to lock the memory of this secret, or refused another
   * protection that this system supports. Default: false; {@link memoryProtection} then reports what was refused.
   */
  requireLocked?: boolean | undefined
}

export let fromNative: (native: Native) => Secret

/**
 * An opaque handle to secret bytes, which Rust holds in guarded memory. `util.inspect`, `JSON.stringify`, `String()`
 * and `structuredClone` show none of the bytes, and no method returns them.
 */
export class Secret extends Handle {
  /** @internal */
  static madeBy = 'Secret.from()'

  #native

  private constructor(key: symbol, native: Native) {
    super(key, native)
    this.#native = native
  }

  /**
   * @param bytes Consumed: zero-filled before the call returns, on success and on failure.
   * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  static from(bytes: Uint8Array, options?: SecretOptions): Secret {
    if (!isUint8Array(bytes)) throw validate.wrongType('bytes', 'a Uint8Array', bytes)
    return consume(bytes, 'bytes', (taken) => {
      const locked = readRequireLocked(validate.options('options', options, ['requireLocked']))
      return fromNative(translate(() => binding.secretFrom(taken, locked)))
    })
  }

  /** The number of bytes. */
  get length(): number {
    return this.#native.length
  }

  /** 8 hex digits of a hash with a key per process: the same bytes have the same fingerprint within one process. */
  get fingerprint(): string {
    return this.#native.fingerprint
  }

  /**
   * Seals the secret for one worker, as {@link Lockbox.unsealFor} does with a row. Use it for a secret that does not
   * come from a lockbox, such as a token that was just refreshed.
   * @param publicKey {@link Recipient.publicKey}, or the 32 bytes that it encodes.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` if the field holds a credential and
   * the secret cannot be one.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  sealFor(publicKey: string | Uint8Array, binding: SealBinding): SealedSecret {
    const seal = readSeal(publicKey, binding)
    return translate(() => this.#native.sealFor(seal)) as SealedSecret
  }

  /** @internal */
  override toJSON() {
    const { length, fingerprint, disposed } = this
    return { length, fingerprint, disposed }
  }

  /** @internal */
  override toString() {
    return `Secret(${this.length} bytes, ${this.fingerprint})`
  }

  static {
    fromNative = (native) => new Secret(KEY, native)
  }
}

export interface Secret {
  /** Wipes the secret. Idempotent. */
  dispose(): void
}

/** Lends a secret to the addon: a handle as it is, bytes as a new secret, which consumes them. */
export function lend<T>(secret: unknown, name: string, use: (native: Native) => T): T {
  const handle = nativeOf<Native>(Secret, secret)
  if (handle) return translate(() => use(handle))
  if (!isUint8Array(secret)) throw validate.wrongType(name, 'a Secret or a Uint8Array', secret)
  return consume(secret, name, (taken) => {
    const temporary = translate(() => binding.secretFrom(taken, false))
    try {
      return translate(() => use(temporary))
    } finally {
      temporary.dispose()
    }
  })
}

/**
 * The same for whatever a caller may give as a secret. `use` is called before this returns, and what it was lent is gone
 * when it has returned; the addon keeps what it still needs.
 */
export function lendInput<T>(input: unknown, name: string, use: (native: Native) => T): T {
  if (typeof input !== 'string') return lend(input, name, use)
  if (input === '') throw validate.wrongValue(name, 'must not be empty.')
  return lend(textOffHeap(validate.wellFormed(name, validate.required(name, validate.optionalString(name, input)))), name, use)
}
