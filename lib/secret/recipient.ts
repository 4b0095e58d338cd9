// createRecipient() and class Recipient: the receiving side of sealed secrets in the worker.

import type { NativeRecipient as Native } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import { Handle, KEY } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { readRequireLocked } from './memory-protection.ts'

/** Options of {@link createRecipient}. */
export interface RecipientOptions {
  /** The maximum age of a sealed secret, in milliseconds, from 1 000 to 3 600 000. Default: 300 000 (5 minutes). */
  maxAgeMs?: number | undefined
  /** See {@link SecretOptions.requireLocked}. */
  requireLocked?: boolean | undefined
}

let make: (native: Native) => Recipient

/** The receiving side of sealed secrets in the worker: a key pair whose private key never leaves Rust. */
export class Recipient extends Handle {
  /** @internal */
  static madeBy = 'createRecipient()'

  #native

  private constructor(key: symbol, native: Native) {
    super(key, native)
    this.#native = native
  }

  /** The X25519 public key, 32 bytes as base64url without padding. Send it to the parent; it is not a secret. */
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
  /** Wipes the private key: secrets that were sealed for it can no longer be opened. */
  dispose(): void
}

/**
 * Creates a key pair for {@link ProviderEnvOptions.recipient}. One per worker (or worker thread) is enough. A recipient
 * recognizes replays only of the sealed secrets that it opened itself.
 *
 * Sealing hides a secret from anyone who reads the channel. It does not prove who sent it: anyone who can write to the
 * channel can seal their own keys.
 *
 * @throws {ProviderError} `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_INTERNAL` if the system returns no random
 * bytes.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function createRecipient(options?: RecipientOptions): Recipient {
  const read = validate.options('options', options, ['maxAgeMs', 'requireLocked'])
  const maxAgeMs = validate.optionalMilliseconds('options.maxAgeMs', read.maxAgeMs)
  const locked = readRequireLocked(read)
  return make(translate(() => binding.createRecipient(maxAgeMs, locked)))
}
