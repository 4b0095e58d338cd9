// describeProvider(): the facts about an environment that a badge shows.

import type { ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { bare, own, translate } from '../internal/errors.ts'
import { withWords } from '../internal/same.ts'
import * as validate from '../internal/validate.ts'
import type { CredentialInfo, ProviderEnv } from './provider-env.ts'
import { nativeOf } from './provider-env.ts'

/** The facts about an environment that a badge can show. */
export interface ProviderDescription {
  provider: ProviderId
  /** The name of the CLI, such as `"Claude Code"`. */
  name: string
  vendor: string
  modelFamily: string
  credentialKind: CredentialInfo['kind']
  credentialSource: CredentialInfo['source']
  /**
   * Who pays: the server for its own credential of any kind; otherwise the workspace for a key, by use, and a
   * subscription for a token or login. A login in a config directory counts as a subscription, although the CLI may
   * keep a key there.
   */
  billedTo: 'workspace' | 'server' | 'subscription'
  /** See {@link CredentialInfo.fingerprint}. */
  fingerprint: string | null
}

/** Describes an environment, even after it was disposed of. */
export function describeProvider(env: ProviderEnv): ProviderDescription {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  const facts = bare(own(translate(() => binding.describe(native))))
  return withWords<ProviderDescription, 'provider' | 'billedTo'>({ ...facts, fingerprint: facts.fingerprint ?? null })
}
