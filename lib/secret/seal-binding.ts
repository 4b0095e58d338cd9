// What a sealed secret is made with: the recipient's public key, and what it is bound to.

import { binding } from '../internal/binding.ts'
import { isUint8Array, refuseUnusable } from './secret-input.ts'
import * as validate from '../internal/validate.ts'
import type { NativeSeal } from '../../binding.js'

declare const sealed: unique symbol

/**
 * A secret on its way to one worker, as text: `provider-env-sealed.v1.…`, made by {@link Lockbox.unsealFor} or {@link Secret.sealFor}. It holds
 * no plaintext: it may be logged, stored, and sent over any channel.
 */
export type SealedSecret = string & { readonly [sealed]: true }

/** What a {@link SealedSecret} is bound to: it opens nowhere else. Each at most 1 KiB of UTF-8, not empty, no NUL. */
export interface SealBinding {
  /** `workspace.id` of the {@link buildProviderEnv} that opens it. */
  workspace: string
  /** The payload's field: `apiKey`, `oauthAccessToken`, `sessionCookie`, or `userEnvKeys.NAME`. */
  field: 'apiKey' | 'oauthAccessToken' | 'sessionCookie' | `userEnvKeys.${string}`
  /** `requestId` of the {@link buildProviderEnv} that opens it. */
  request: string
  /**
   * Whose credential it is, for `apiKey` and `oauthAccessToken`: `credentialOwner` of the {@link buildProviderEnv} that opens
   * it. One that was sealed as the server's does not open as the workspace's, nor the reverse. Default `"workspace"`.
   */
  credentialOwner?: CredentialOwner | undefined
}

/**
 * Whose a credential is. The server's is billed to the server and kept from the tenant: files, arguments and options by which
 * the tenant could get it, or have it sent elsewhere, are refused, also in a trusted workspace.
 */
export type CredentialOwner = 'workspace' | 'server'

const PARTS = ['workspace', 'field', 'request'] as const
const OWNERS = binding.credentialOwners() as ('workspace' | 'server')[]

export function readSeal(publicKey: unknown, value: unknown): NativeSeal {
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
