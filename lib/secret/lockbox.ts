// class Lockbox: opens encrypted rows and seals new ones, in Rust.

import path from 'node:path'
import type { NativeLockbox as Native, NativeSecret, MasterKeyPlace as Place, RowColumns, RowContext } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { remove, requireMainThread, variable } from '../internal/environment-variable.ts'
import { own, translate } from '../internal/errors.ts'
import { Handle, KEY, nativeOf, optionalNative } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { readRequireLocked } from './memory-protection.ts'
import type { SealBinding, SealedSecret } from './seal-binding.ts'
import { readSeal } from './seal-binding.ts'
import { lend, Secret, fromNative as secretFromNative } from './secret.ts'
import { isUint8Array, refuseUnusable, take, wipe } from './secret-input.ts'

/** The source of a master key. */
export type MasterKeySource =
  /**
   * 32 bytes (not all of them printable), or 64 hex digits as ASCII. It is consumed: the call fills it with zeros
   * before it returns.
   */
  | Uint8Array
  | Secret
  /**
   * The name of an environment variable with 64 hex digits, which is removed from the environment as
   * {@link takeServerCredentials} does. This works on the main thread only. If the constructor throws, the variable is
   * not removed.
   */
  | { env: string }
  /**
   * A file with 64 hex digits or 32 bytes. It must belong to root or to the user of this process, only its owner may be
   * able to write to it, and only its owner and its group may be able to read it.
   */
  | { file: string }
  /** A file of `$CREDENTIALS_DIRECTORY` (systemd.exec(5), `LoadCredential=`). */
  | { credential: string }

/** Options of a {@link Lockbox}. */
export interface LockboxOptions {
  /** The first key seals; every key can open. */
  masterKeys: MasterKeySource[]
  /** Whether rows of version 1, which are not bound to a tenant, may be opened. Default: false. */
  allowLegacy?: boolean | undefined
  /** See {@link SecretOptions.requireLocked}. It applies to the master keys and to every secret that is opened. */
  requireLocked?: boolean | undefined
}

/** The identity of a row. The row opens only if the context is the same as when it was sealed. */
export interface LockboxContext {
  tenant: string
  purpose: string
  /** The third part of the key derivation of version 2, and also part of that of version 3. */
  extra?: string | undefined
  /** The secret's name in its table. Version 3 binds the row to it. */
  name: string
  /** The row's version number in its table, a whole number from 0. Version 3 binds the row to it. */
  rowVersion: number
}

/**
 * An encrypted row. The columns are as a driver or PostgREST returns them: `bytea` as bytes or as `\x…` hex text.
 * Select them with these names: `select ciphertext, iv, auth_tag as "authTag", key_meta as "keyMeta"`. Additional
 * properties are allowed.
 */
export interface LockboxRow {
  ciphertext: Uint8Array | string
  /** 12 bytes. */
  iv: Uint8Array | string
  /** 16 bytes. */
  authTag: Uint8Array | string
  /**
   * `""` or `v1`; `v2:tenant:purpose[:extra]`; `v3:<id of the master key>`. `null` and a missing property mean version
   * 1, which opens only with {@link LockboxOptions.allowLegacy}: rows that were written before the column existed have
   * NULL in it.
   */
  keyMeta?: string | null | undefined
}

/** A newly sealed row: version 3, with `bytea` as `\x…` hex text. */
export interface SealedLockboxRow extends LockboxRow {
  ciphertext: string
  iv: string
  authTag: string
  keyMeta: string
}

const OPTIONS = validate.members({ masterKeys: true, allowLegacy: true, requireLocked: true } satisfies Record<keyof LockboxOptions, true>)
const MAX_MASTER_KEYS = 1024
const ROW = validate.members({ ciphertext: true, iv: true, authTag: true, keyMeta: true } satisfies Record<keyof RowColumns, true>)
const CONTEXT = validate.members({ tenant: true, purpose: true, extra: true, name: true, rowVersion: true } satisfies Record<
  keyof RowContext,
  true
>)

/** The sources of a master key, by the only property of each. */
const PLACES: Record<string, (value: string) => Place> = {
  env(name) {
    requireMainThread('A master key from the environment')
    return { type: 'Variable', name }
  },
  file: (file) => ({ type: 'File', path: path.resolve(file) }),
  credential: (name) => ({ type: 'Credential', directory: variable('CREDENTIALS_DIRECTORY') ?? '', name })
}

/**
 * Opens encrypted rows and seals new ones (AES-256-GCM) in Rust. The plaintext becomes a {@link Secret}, or is sealed
 * again.
 */
export class Lockbox extends Handle {
  #native

  /**
   * @throws {ProviderError} `ERR_PROVIDER_LOCKBOX_KEY_INVALID`, `ERR_PROVIDER_MEMORY_UNPROTECTED`,
   * `ERR_PROVIDER_UNSUPPORTED` for `env` in a worker thread, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(options: LockboxOptions) {
    const native = make(options)
    super(KEY, native)
    this.#native = native
  }

  /** The ids of the master keys, in their order, as `keyMeta` of version 3 contains them. They are not secret. */
  get masterKeyIds(): string[] {
    return own(this.#native.masterKeyIds)
  }

  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_DISPOSED`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, as do the other methods.
   */
  open(row: LockboxRow, context: LockboxContext): Secret {
    const [read, expected] = [readRow(row), readContext('context', context)]
    return secretFromNative(translate(() => this.#native.open(read, expected)))
  }

  /** @param secret A `Uint8Array` is consumed: the call fills it with zeros before it returns. */
  seal(secret: Secret | Uint8Array, context: LockboxContext): SealedLockboxRow {
    try {
      const expected = readContext('context', context)
      return lend(secret, 'secret', (native) => own(this.#native.seal(native, expected)))
    } finally {
      // Also when the context was refused.
      if (isUint8Array(secret)) wipe([secret])
    }
  }

  /**
   * Opens a row and seals it again under the first master key, as version 3; the plaintext does not leave Rust.
   * @param to The context of the new row. Default: that of the old row.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`.
   */
  reseal(row: LockboxRow, context: LockboxContext, to?: LockboxContext): SealedLockboxRow {
    const [read, from] = [readRow(row), readContext('context', context)]
    const next = to === undefined ? undefined : readContext('to', to)
    return own(translate(() => this.#native.reseal(read, from, next)))
  }

  /**
   * Opens a row and seals its secret for one worker, one workspace, one field and one request.
   * @param publicKey {@link Recipient.publicKey}, or the 32 bytes that it encodes.
   * @throws {ProviderError} `ERR_PROVIDER_UNSEAL_FAILED`, `ERR_PROVIDER_DISPOSED`; `ERR_PROVIDER_KEY_MALFORMED` if the
   * field holds a credential and the secret cannot be one.
   */
  unsealFor(row: LockboxRow, context: LockboxContext, publicKey: string | Uint8Array, binding: SealBinding): SealedSecret {
    const [read, expected, seal] = [readRow(row), readContext('context', context), readSeal(publicKey, binding)]
    return translate(() => this.#native.unsealFor(read, expected, seal)) as SealedSecret
  }

  /** @internal */
  override toJSON() {
    const { masterKeyIds, disposed } = this
    return { masterKeyIds, disposed }
  }

  /** @internal */
  override toString() {
    return `Lockbox(${this.masterKeyIds.join(', ')})`
  }
}

export interface Lockbox {
  /** Wipes the master keys. */
  dispose(): void
}

function make(value: unknown): Native {
  /** Noted before anything can be refused: they are consumed whatever comes of it. */
  const consumed: Uint8Array[] = []
  const note = (given: unknown) => void consumed.push(...[given, ...(Array.isArray(given) ? given : [])].filter(isUint8Array))
  try {
    const options = validate.options('options', value, OPTIONS, note)
    const given = validate.array('options.masterKeys', 'an array', options.masterKeys, (_, source) => source, MAX_MASTER_KEYS)
    const sources = given.map((source, index) => readSource(source, `options.masterKeys[${index}]`, consumed))
    const allowLegacy = validate.optionalBoolean('options.allowLegacy', options.allowLegacy) ?? false
    const locked = readRequireLocked(options)
    const lockbox = translate(() => binding.lockboxOf(sources, allowLegacy, locked))
    // Last, when there is a lockbox: else the key would be lost.
    const variables = sources.flatMap((source) => ('type' in source && source.type === 'Variable' ? [source.name] : []))
    for (const name of variables) binding.wipeVariable(name)
    if (variables.length > 0) remove(variables)
    return lockbox
  } finally {
    wipe(consumed)
  }
}

function readSource(source: unknown, name: string, consumed: Uint8Array[]): NativeSecret | Uint8Array | Place {
  const secret = nativeOf<NativeSecret>(Secret, source)
  if (secret) return secret
  if (isUint8Array(source)) {
    const taken = take(source, name)
    consumed.push(taken)
    return taken
  }
  if (typeof source !== 'object' || source === null)
    throw validate.wrongType(name, 'a Uint8Array, a Secret, or an object with env, file or credential', source)
  const known = validate.options(name, source, Object.keys(PLACES))
  const [[kind, value] = ['', undefined], ...more] = Object.entries(known)
  if (!kind || more.length > 0)
    throw validate.wrongValue(name, `must have exactly one of these properties: ${Object.keys(PLACES).join(', ')}.`)
  return PLACES[kind](validate.required(`${name}.${kind}`, validate.optionalString(`${name}.${kind}`, value)))
}

function readRow(value: unknown): RowColumns {
  const row = validate.fields('row', value ?? null, ROW)
  const column = (name: 'ciphertext' | 'iv' | 'authTag') => {
    const given = row[name]
    if (typeof given === 'string') return given
    if (!isUint8Array(given)) throw validate.wrongType(`row.${name}`, 'a Uint8Array, or a string that begins with \\x', given)
    refuseUnusable(given, `row.${name}`)
    return given
  }
  // NULL in the database: the addon knows whether such a row may be of version 1.
  const keyMeta = validate.optionalString('row.keyMeta', row.keyMeta ?? undefined)
  return { ciphertext: column('ciphertext'), iv: column('iv'), authTag: column('authTag'), keyMeta }
}

function readContext(name: string, value: unknown): RowContext {
  const context = validate.options(name, value, CONTEXT)
  return {
    tenant: validate.boundText(`${name}.tenant`, context.tenant),
    purpose: validate.boundText(`${name}.purpose`, context.purpose),
    extra: context.extra === undefined ? undefined : validate.boundText(`${name}.extra`, context.extra),
    name: validate.boundText(`${name}.name`, context.name),
    rowVersion: validate.required(`${name}.rowVersion`, validate.optionalCount(`${name}.rowVersion`, context.rowVersion))
  }
}

export function nativeLockbox(value: unknown): Native | undefined {
  return optionalNative(Lockbox, 'options.lockbox', 'a Lockbox', value)
}
