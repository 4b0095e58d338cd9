// validateKey(): what a settings page says of a key before it is saved. Rust looks; nothing here does.

import { binding } from '../internal/binding.ts'
import { own, translate } from '../internal/errors.ts'
import { nativeOf } from '../internal/handle.ts'
import { Secret } from '../secret/secret.ts'
import { consume, isUint8Array, textOffHeap, wipe } from '../secret/secret-input.ts'
import * as validate from '../internal/validate.ts'
import type { NativeSecret, ProviderId } from '../../binding.js'
import type { SecretInput } from '../secret/secret-input.ts'

/** Options of {@link validateKey}. */
export interface ValidateKeyOptions {
  /**
   * As what the key is to be used: what goes into `payload.apiKey` (`"api-key"`, the default), or into
   * `payload.oauthAccessToken` (`"oauth-token"`). One given in the other's place is `invalid` (`wrong-kind`), as
   * {@link buildProviderEnv} refuses it.
   */
  kind?: 'api-key' | 'oauth-token' | undefined
}

/** What a key was found to be. `docs/credentials.md` has a line on each code. */
export type KeyFindingCode =
  /** `ok`. */
  | 'ok'
  /** `warning`: {@link buildProviderEnv} takes it. */
  | 'unfamiliar'
  | 'unknown-kind'
  | 'too-short'
  | 'pasted-twice'
  | 'other-vendor'
  | 'likely-other-provider'
  | 'likely-other-kind'
  /** `invalid`: it is not what a vendor issued (`ERR_PROVIDER_KEY_MALFORMED` from {@link buildProviderEnv}). */
  | 'empty'
  | 'too-long'
  | 'sealed'
  | 'web-address'
  | 'header'
  | 'assignment'
  | 'invisible-characters'
  | 'quotes'
  | 'white-space'
  | 'masked'
  | 'no-value'
  | 'reference'
  | 'placeholder'
  | 'stray-punctuation'
  | 'forbidden-characters'
  /** `invalid`: it belongs elsewhere (`ERR_PROVIDER_KEY_WRONG_PROVIDER`; the last `ERR_PROVIDER_UNSUPPORTED`). */
  | 'wrong-provider'
  | 'wrong-kind'
  | 'not-for-launch'
  | 'kind-not-taken'

/** The classes of keys that are known by their shape: `src/provider/key_class.rs` has the prefixes and their sources. */
export type KeyClass =
  | 'anthropic-api-key'
  | 'anthropic-oauth-access-token'
  | 'anthropic-oauth-refresh-token'
  | 'anthropic-admin-key'
  | 'anthropic-session-cookie'
  | 'anthropic-key'
  | 'openai-project-key'
  | 'openai-service-account-key'
  | 'openai-user-key'
  | 'openai-admin-key'
  | 'openai-legacy-key'
  | 'chatgpt-access-token'
  | 'openrouter-key'
  | 'github-token'
  | 'google-api-key'
  | 'groq-key'
  | 'xai-key'
  | 'aws-access-key-id'

/** What {@link validateKey} returns. No part of the key is in it. */
export interface KeyValidation {
  /** `invalid` is what {@link buildProviderEnv} refuses; a `warning` it takes, and a person should look. */
  readonly verdict: 'ok' | 'warning' | 'invalid'
  readonly code: KeyFindingCode
  /** The provider that it was looked at for. */
  readonly provider: ProviderId
  /** What it is, by its shape; `null` for a shape that is not known. */
  readonly class: KeyClass | null
  /** The class in words, with its article: `"an Anthropic API key"`. */
  readonly className: string | null
  /** What the class can be used as; `null` for what no launch uses, and where the shape does not tell. */
  readonly kind: 'api-key' | 'oauth-token' | null
  /** Whose keys have this shape; `null` for other vendors', and where the shape does not tell. */
  readonly belongsTo: ProviderId | null
  /** One or two English sentences for a settings page: what it is, and what to do. */
  readonly message: string
  /** As in {@link CredentialInfo.fingerprint}, of the key as it was given; `null` where it is `invalid`. */
  readonly fingerprint: string | null
}

/**
 * Looks at a key before it is saved: its length, its characters, its class, and what is often pasted along. Local and
 * synchronous; whether the vendor accepts it, only a call to its API tells. {@link buildProviderEnv} refuses by the same
 * rules what is `invalid` here. A bad key is a result, not an error.
 *
 * @param input Bytes are consumed: zero-filled before the call returns, on success and on failure. A string's copy in V8
 * is the caller's; no other is made there. A {@link Secret} stays. A {@link SealedSecret} is `invalid` (`sealed`): only
 * its worker opens it.
 * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_DISPOSED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`: also for bytes that were consumed before.
 */
export function validateKey(provider: ProviderId, input: SecretInput, options?: ValidateKeyOptions): KeyValidation {
  if (isUint8Array(input)) return consume(input, 'input', (taken) => look(provider, taken, options))
  const handle = nativeOf<NativeSecret>(Secret, input)
  if (handle) return look(provider, handle, options)
  if (typeof input !== 'string') throw validate.wrongType('input', 'a string, a Uint8Array or a Secret', input)
  const text = textOffHeap(validate.limited('input', input))
  try {
    return look(provider, text, options)
  } finally {
    wipe([text])
  }
}

function look(provider: unknown, key: Uint8Array | NativeSecret, value: unknown): KeyValidation {
  const options = validate.options('options', value, ['kind'])
  const kind = validate.optionalString('options.kind', options.kind)
  const id = validate.required('provider', validate.optionalString('provider', provider))
  return Object.freeze(own(translate(() => binding.validateKey(id, kind, key)))) as KeyValidation
}
