// createRecipient() and class Recipient: the worker's end of sealed secrets.

import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import { Handle, KEY } from '../internal/handle.ts'
import { readRequireLocked } from './memory-protection.ts'
import * as validate from '../internal/validate.ts'
import type { NativeRecipient as Native } from '../../binding.js'

/** Options of {@link createRecipient}. */
export interface RecipientOptions {
  /** How old a sealed secret may be, in milliseconds. Default 300 000 (5 minutes); 1 000 to 3 600 000. */
  maxAgeMs?: number | undefined
  /** See {@link SecretOptions.requireLocked}. */
  requireLocked?: boolean | undefined
}

let make: (native: Native) => Recipient

/** The worker's end of sealed secrets: a key pair whose private half never leaves Rust. */
export class Recipient extends Handle {
  /** @internal */
  static madeBy = 'createRecipient()'

  #native

  private constructor(key: symbol, native: Native) {
    super(key, native)
    this.#native = native
  }

  /** X25519, 32 bytes, base64url without padding: send it to the parent. It is no secret. */
  get publicKey(): string {
    return this.#native.publicKey
  }

  /** @internal */
  override toJSON() {
    const { publicKey, disposed } = this
    return { publicKey, disposed }
  }

  /** @internal */
  override toString() {
    return `Recipient(${this.publicKey})`
  }

  static {
    make = (native) => new Recipient(KEY, native)
  }
}

export interface Recipient {
  /** Wipes the private key: nothing that was sealed for it opens any more. */
  dispose(): void
}

/**
 * Makes a key pair for {@link ProviderEnvOptions.recipient}. One per worker (or worker thread) is enough: replays are
 * known to the recipient that opened the first.
 *
 * Sealing hides a secret from whoever reads the channel. It does not tell who sent it: whoever can write to the channel
 * can seal keys of their own.
 *
 * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_INTERNAL` where the system has no randomness.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function createRecipient(options?: RecipientOptions): Recipient {
  const read = validate.options('options', options, ['maxAgeMs', 'requireLocked'])
  const maxAgeMs = validate.optionalMilliseconds('options.maxAgeMs', read.maxAgeMs)
  const locked = readRequireLocked(read)
  return make(translate(() => binding.createRecipient(maxAgeMs, locked)))
}
