// takeServerCredentials() and class ServerCredentials: the server's own keys, moved out of process.env into Rust.

import type { NativeServerCredentials as Native, ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { remove, requireMainThread } from '../internal/environment-variable.ts'
import { own, translate } from '../internal/errors.ts'
import { Handle, KEY } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { readRequireLocked } from '../secret/memory-protection.ts'

/** Options of {@link takeServerCredentials}. */
export interface ServerCredentialsOptions {
  /** See {@link SecretOptions.requireLocked}. It is checked before anything is taken. */
  requireLocked?: boolean | undefined
}

let make: (native: Native) => ServerCredentials

/** The server's own keys, which Rust holds. */
export class ServerCredentials extends Handle {
  /** @internal */
  static madeBy = 'takeServerCredentials()'

  #native

  private constructor(key: symbol, native: Native) {
    super(key, native)
    this.#native = native
  }

  /** The providers for which it holds a key. */
  get providers(): ProviderId[] {
    return own(this.#native.providers) as ProviderId[]
  }

  /** The names of the variables that were removed from the environment. */
  get names(): string[] {
    return own(this.#native.names)
  }

  /** The fingerprint of a provider's key; `null` if there is none. */
  fingerprint(provider: ProviderId): string | null {
    const id = validate.required('provider', validate.optionalString('provider', provider))
    return translate(() => this.#native.fingerprint(id)) ?? null
  }

  /** @internal */
  override toJSON() {
    const { providers, names, disposed } = this
    return { providers, names, disposed }
  }

  /** @internal */
  override toString() {
    return `ServerCredentials(${this.providers.join(', ')})`
  }

  static {
    make = (native) => new ServerCredentials(KEY, native)
  }
}

export interface ServerCredentials {
  dispose(): void
}

/**
 * Moves `ANTHROPIC_API_KEY`, `CODEX_API_KEY` and `OPENAI_API_KEY` out of `process.env` into Rust, and wipes them from
 * the process's initial environment block, so that `/proc/self/environ` no longer shows them. Call it once, early, on
 * the main thread, before anything copies `process.env`. It changes `process.env` on purpose.
 *
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` in a worker thread (its `process.env` is a copy that cannot be
 * wiped); `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`, `ERR_PROVIDER_MEMORY_UNPROTECTED` (nothing
 * was taken).
 */
export function takeServerCredentials(options?: ServerCredentialsOptions): ServerCredentials {
  const read = validate.options('options', options, ['requireLocked'])
  requireMainThread('takeServerCredentials()')
  const locked = readRequireLocked(read)
  const native = translate(() => binding.takeServerCredentials(locked))
  // Also names that were unset before: their values may be in the initial environment still.
  remove(binding.serverVariables())
  return make(native)
}
