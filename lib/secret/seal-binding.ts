// Reads what is needed to seal a secret: the recipient's public key, and what the secret is bound to.

import type { CredentialOwner, SealRequest } from '../../binding.js'
import * as validate from '../internal/validate.ts'
import { isUint8Array, refuseUnusable } from './secret-input.ts'

declare const sealed: unique symbol

/**
 * A secret that is sealed for one worker, as text: `provider-env-sealed.v1.…`. {@link Lockbox.unsealFor} and
 * {@link Secret.sealFor} create it. It contains no plaintext: you may log it, store it, and send it over any channel.
 */
export type SealedSecret = string & { readonly [sealed]: true }

/**
 * What a {@link SealedSecret} is bound to: it opens only if all of these are the same. Each is 1 byte to 1 KiB of UTF-8
 * without NUL.
 */
export interface SealBinding {
  /** `workspace.id` of the {@link buildProviderEnv} that opens it. */
  workspace: string
  /** The field of the payload: `apiKey`, `oauthAccessToken`, `sessionCookie`, or `userEnvKeys.NAME`. */
  field: 'apiKey' | 'oauthAccessToken' | 'sessionCookie' | `userEnvKeys.${string}`
  /** `requestId` of the {@link buildProviderEnv} that opens it. */
  request: string
  /**
   * The owner of the credential, for `apiKey` and `oauthAccessToken`: `credentialOwner` of the {@link buildProviderEnv}
   * that opens it. A secret that was sealed for the server does not open for the workspace, and vice versa. Default:
   * `"workspace"`.
   */
  credentialOwner?: CredentialOwner | undefined
}

export type { CredentialOwner }

const PARTS = validate.members({ workspace: true, field: true, request: true } satisfies Record<
  Exclude<keyof SealRequest, 'publicKey' | 'credentialOwner'>,
  true
>)
const OWNERS = validate.wordsOf('CredentialOwner')

export function readSeal(publicKey: unknown, value: unknown): SealRequest {
  const key = readPublicKey(publicKey)
  const bound = validate.options('binding', value, [...PARTS, 'credentialOwner'])
  const [workspace, field, request] = PARTS.map((name) => validate.boundText(`binding.${name}`, bound[name]))
  const credentialOwner = readCredentialOwner('binding.credentialOwner', bound.credentialOwner)
  return { publicKey: key, workspace, field, request, credentialOwner }
}

export function readCredentialOwner(name: string, value: unknown) {
  return validate.optionalWord(name, value, OWNERS)
}

function readPublicKey(value: unknown) {
  if (typeof value === 'string') return value
  if (!isUint8Array(value)) throw validate.wrongType('publicKey', 'a string or a Uint8Array', value)
  refuseUnusable(value, 'publicKey')
  return value
}
