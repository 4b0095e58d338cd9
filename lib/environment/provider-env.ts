// class ProviderEnv: the handle of an environment that Rust holds.

import { bare, own, translate } from '../internal/errors.ts'
import * as handle from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import type { NativeProviderEnv as Native, NativeVariable, ProviderId } from '../../binding.js'
import type { CredentialOwner } from '../secret/seal-binding.ts'

/** What a log or a badge may show of a credential. */
export interface CredentialInfo {
  readonly kind: 'api-key' | 'oauth-token' | 'config-dir'
  readonly source: 'payload' | 'store' | 'server' | 'config-dir'
  /** Whose it is, by {@link ProviderEnvOptions.credentialOwner}; from `serverCredentials` always `"server"`. */
  readonly owner: CredentialOwner
  /**
   * 8 hex digits of a hash keyed per process: tells two keys apart in one process's log, and says nothing offline.
   * `null` for a config directory.
   */
  readonly fingerprint: string | null
  /** Which of its store's credentials it is, counted in this process from 1 on; `null` when it comes from no store. */
  readonly generation: number | null
}

/** What may be shown of an environment's credential, which never changes: read from the addon once. */
export let credentialOf: (env: ProviderEnv) => CredentialInfo

export let fromNative: (native: Native) => ProviderEnv

/**
 * The environment of one launch, held in Rust. `util.inspect`, `JSON.stringify` and `String()` show ids, names and
 * the fingerprint, never a value.
 */
export class ProviderEnv extends handle.Handle {
  /** @internal */
  static madeBy = 'buildProviderEnv()'

  #native
  #credential: CredentialInfo | undefined
  #names: string[] | undefined

  private constructor(key: symbol, native: Native) {
    super(key, native)
    this.#native = native
  }

  get provider(): ProviderId {
    return this.#native.provider as ProviderId
  }

  get credential(): CredentialInfo {
    return credentialOf(this)
  }

  /**
   * What `prepareRequestEnv` called the source: `"user"` for the workspace's API key and `"oauth"` for its token, from the
   * payload or a credential store; `"server"` for the server's of either kind, wherever it came from; `"none"` for a login in
   * a directory. `credential` tells more. Not the claim of the same name that Claude Code makes of itself.
   */
  get apiKeySource(): 'user' | 'oauth' | 'server' | 'none' {
    return this.#native.facts.apiKeySource as ProviderEnv['apiKeySource']
  }

  /** How many `USER_*` variables were set. */
  get userEnvKeyCount(): number {
    return this.#native.facts.userEnvKeyCount
  }

  /** The names of `userEnvKeys` that were left out because they do not match the pattern. */
  get rejectedUserEnvKeys(): string[] {
    return own(this.#native.facts.rejectedUserEnvKeys)
  }

  /**
   * Every name that this environment gives the child with delivery `"auto"`, sorted. A start adds constants of its own that keep
   * the CLI from obeying a workspace's files, and moves a temporary directory that is taken: docs/providers.md lists them.
   */
  get names(): string[] {
    this.#names ??= translate(() => this.#native.names())
    return [...this.#names]
  }

  /**
   * The value of a variable that holds no secret; `undefined` when there is none of that name.
   * @throws {ProviderError} `ERR_PROVIDER_ENV_FORBIDDEN` for the name of a secret; `ERR_PROVIDER_DISPOSED`.
   */
  get(name: string): string | undefined {
    const text = validate.required('name', validate.optionalString('name', name))
    return translate(() => this.#native.get(text)) ?? undefined
  }

  /**
   * The whole environment with its secrets, as delivery `"env"` would hand it over: the one audited way out to JS
   * strings. They cannot be wiped. Search your code for this name to find every place.
   * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`,
   * `ERR_PROVIDER_CREDENTIAL_REVOKED`.
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
    fromNative = (native) => new ProviderEnv(handle.KEY, native)
    credentialOf = (env) => {
      env.#credential ??= Object.freeze({ ...env.#native.facts.credential }) as CredentialInfo
      return env.#credential
    }
  }
}

export interface ProviderEnv {
  /**
   * Wipes the secrets. Idempotent. A start that was already asked for keeps what it needs until it has started, and
   * {@link SpawnOptions.redactOutput} what it looks for until the child's streams have closed.
   */
  dispose(): void
}

/** The addon's own handle of a ProviderEnv; `undefined` for anything else. */
export function nativeOf(env: unknown): Native | undefined {
  return handle.nativeOf(ProviderEnv, env)
}

export function toObject(variables: NativeVariable[]) {
  const object: Record<string, string> = {}
  // Defined, not assigned: a setter on Object.prototype would see the value, and `__proto__` would vanish.
  for (const { name, value } of variables) {
    Object.defineProperty(object, name, bare({ writable: true, enumerable: true, configurable: true, value }))
  }
  return object
}
