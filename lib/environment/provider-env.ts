// class ProviderEnv: the handle of an environment that Rust holds.

import type { ApiKeySource, CredentialKind, CredentialSource, EnvVariable, NativeProviderEnv as Native, ProviderId } from '../../binding.js'
import type { CredentialStore } from '../credential/credential-store.ts'
import { bare, own, translate } from '../internal/errors.ts'
import * as handle from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import type { CredentialOwner } from '../secret/seal-binding.ts'

/** The facts about a credential that a log or a badge may show. */
export interface CredentialInfo {
  readonly kind: CredentialKind
  readonly source: CredentialSource
  /**
   * The owner, according to {@link ProviderEnvOptions.credentialOwner}; always `"server"` if it comes from
   * `serverCredentials`.
   */
  readonly owner: CredentialOwner
  /**
   * 8 hex digits of a hash with a key per process: it distinguishes two keys in the log of one process, and reveals
   * nothing about the key. `null` for a config directory.
   */
  readonly fingerprint: string | null
  /**
   * The number of this credential among those of its store, counted from 1 in this process; `null` if it does not come
   * from a store.
   */
  readonly generation: number | null
}

/** What may be shown of an environment's credential, which never changes: read from the addon once. */
export let credentialOf: (env: ProviderEnv) => CredentialInfo

/** The credential store that an environment's credential comes from. */
export let storeOf: (env: ProviderEnv) => CredentialStore | undefined

export let fromNative: (native: Native, store?: CredentialStore) => ProviderEnv

/**
 * The environment of one launch, which Rust holds. `util.inspect`, `JSON.stringify` and `String()` show ids, names and
 * the fingerprint, and never a value.
 */
export class ProviderEnv extends handle.Handle {
  /** @internal */
  static madeBy = 'buildProviderEnv()'

  #native
  #credential: CredentialInfo | undefined
  #names: string[] | undefined
  /** What it was built with, also if its credential comes from elsewhere. */
  #store: CredentialStore | undefined

  private constructor(key: symbol, native: Native, store: CredentialStore | undefined) {
    super(key, native)
    this.#native = native
    this.#store = store
  }

  get provider(): ProviderId {
    return this.#native.provider as ProviderId
  }

  get credential(): CredentialInfo {
    return credentialOf(this)
  }

  /**
   * The source in the terms of `prepareRequestEnv`: `"user"` for the workspace's API key and `"oauth"` for its token,
   * from the payload or a credential store; `"server"` for a credential of the server of either kind and from any
   * source; `"none"` for a login in a directory. `credential` has more details. This is not the field of the same name
   * in Claude Code's own output.
   */
  get apiKeySource(): ApiKeySource {
    return this.#native.facts.apiKeySource
  }

  /** How many `USER_*` variables were set. */
  get userEnvKeyCount(): number {
    return this.#native.facts.userEnvKeyCount
  }

  /** The names in `userEnvKeys` that were left out because they do not match the pattern. */
  get rejectedUserEnvKeys(): string[] {
    return own(this.#native.facts.rejectedUserEnvKeys)
  }

  /**
   * The names of all variables that the child gets if it receives the credential itself, sorted: on a pipe if the CLI
   * can read one, otherwise in its environment. With the broker, variables of the broker replace those of the credential
   * and the base URL. A start adds constants that keep the CLI from obeying files of the workspace, and changes the
   * temporary directory if it is taken. docs/providers.md lists the variables that a start adds.
   */
  get names(): string[] {
    this.#names ??= translate(() => this.#native.names())
    return [...this.#names]
  }

  /**
   * The value of a variable that does not hold a secret; `undefined` if there is no variable with that name.
   * @throws {ProviderError} `ERR_PROVIDER_ENV_FORBIDDEN` for the name of a secret; `ERR_PROVIDER_DISPOSED`.
   */
  get(name: string): string | undefined {
    const text = validate.required('name', validate.optionalString('name', name))
    return translate(() => this.#native.get(text)) ?? undefined
  }

  /**
   * The whole environment with its secrets, as delivery `"env"` would pass it. This is the only method that returns
   * secrets as JavaScript strings, which cannot be wiped. Search your code for its name to audit its use.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`,
   * `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
   */
  exposeSecrets(): Record<string, string> {
    return toObject(translate(() => this.#native.exposeSecrets()))
  }

  /** @internal */
  override toJSON() {
    const { provider, credential, apiKeySource, userEnvKeyCount, names, disposed } = this
    return { provider, credential, apiKeySource, userEnvKeyCount, names, disposed }
  }

  /** @internal */
  override toString() {
    return `ProviderEnv(${this.provider}, ${this.credential?.kind}, ${this.credential?.fingerprint})`
  }

  static {
    fromNative = (native, store) => new ProviderEnv(handle.KEY, native, store)
    storeOf = (env) => (env.#store && env.credential.generation !== null ? env.#store : undefined)
    credentialOf = (env) => {
      env.#credential ??= Object.freeze({ ...env.#native.facts.credential })
      return env.#credential
    }
  }
}

export interface ProviderEnv {
  /**
   * Wipes the secrets. Idempotent. A start that was already requested keeps what it needs until it has finished, and
   * {@link SpawnOptions.redactOutput} keeps the secrets that it searches for until the child's streams have closed.
   */
  dispose(): void
}

/** The addon's own handle of a ProviderEnv; `undefined` for anything else. */
export function nativeOf(env: unknown): Native | undefined {
  return handle.nativeOf(ProviderEnv, env)
}

export function toObject(variables: EnvVariable[]) {
  const object: Record<string, string> = {}
  // Defined, not assigned: a setter on Object.prototype would see the value, and `__proto__` would vanish.
  for (const { name, value } of variables) {
    Object.defineProperty(object, name, bare({ writable: true, enumerable: true, configurable: true, value }))
  }
  return object
}
