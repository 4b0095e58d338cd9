// validateKey(): checks a key in Rust, for a settings page to show the result before the key is saved.

import type { KeyVerdict, NativeSecret, ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { own, translate } from '../internal/errors.ts'
import { nativeOf } from '../internal/handle.ts'
import { withWords } from '../internal/same.ts'
import * as validate from '../internal/validate.ts'
import type { SecretInput } from '../secret/secret.ts'
import { Secret } from '../secret/secret.ts'
import { consume, isUint8Array, textOffHeap, wipe } from '../secret/secret-input.ts'

/** Options of {@link validateKey}. */
export interface ValidateKeyOptions {
  /**
   * How the key will be used: in `payload.apiKey` (`"api-key"`, the default), or in `payload.oauthAccessToken`
   * (`"oauth-token"`). A key of the other kind is `invalid` (`wrong-kind`), because {@link buildProviderEnv} refuses
   * it.
   */
  kind?: 'api-key' | 'oauth-token' | undefined
}

/** The result for a key. `docs/credentials.md` explains each code. */
export type KeyFindingCode =
  /** `ok`. */
  | 'ok'
  /** `warning`: {@link buildProviderEnv} accepts it. */
  | 'unfamiliar'
  | 'unknown-kind'
  | 'too-short'
  | 'pasted-twice'
  | 'other-vendor'
  | 'likely-other-provider'
  | 'likely-other-kind'
  /** `invalid`: it is not a key that a vendor issued (`ERR_PROVIDER_KEY_MALFORMED` from {@link buildProviderEnv}). */
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

/** The classes of keys with a known shape. `src/provider/key_class.rs` lists the prefixes and their sources. */
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

/** The return value of {@link validateKey}. It contains no part of the key. */
export interface KeyValidation {
  /**
   * {@link buildProviderEnv} refuses a key that is `invalid`. It accepts one with a `warning`, which a person should
   * check.
   */
  readonly verdict: KeyVerdict
  readonly code: KeyFindingCode
  /** The provider for which the key was checked. */
  readonly provider: ProviderId
  /** The class of the key according to its shape; `null` for an unknown shape. */
  readonly class: KeyClass | null
  /** The class in words, with its article: `"an Anthropic API key"`. */
  readonly className: string | null
  /** How a key of this class can be used; `null` if no launch uses such keys, or if the shape does not show it. */
  readonly kind: 'api-key' | 'oauth-token' | null
  /** The provider whose keys have this shape; `null` for keys of other vendors, and if the shape does not show it. */
  readonly belongsTo: ProviderId | null
  /** One or two English sentences for a settings page: what the key is, and what to do. */
  readonly message: string
  /**
   * The fingerprint of the key as it was passed (see {@link CredentialInfo.fingerprint}); `null` if the key is
   * `invalid`.
   */
  readonly fingerprint: string | null
}

/**
 * Checks a key before it is saved: its length, its characters, its class, and common mistakes when pasting. The check
 * is local and synchronous; only a request to the vendor's API shows whether the key is accepted.
 * {@link buildProviderEnv} applies the same rules and refuses a key that is `invalid` here. An invalid key is a result,
 * not an error.
 *
 * @param input Bytes are consumed: the call fills them with zeros before it returns, on success and on failure. A
 * string stays in the JavaScript heap, where no further copy of it is made. A {@link Secret} is not consumed. A
 * {@link SealedSecret} is `invalid` (`sealed`), because only its worker can open it.
 * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_DISPOSED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, also for bytes that have already been consumed.
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
  return Object.freeze(withWords<KeyValidation, 'kind'>(own(translate(() => binding.validateKey(id, kind, key)))))
}
