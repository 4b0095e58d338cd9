// class Lockbox: opens encrypted rows and seals new ones, in Rust.
'use strict'

const path = require('node:path')
const binding = require('./binding.js')
const { remove, requireMainThread, variable } = require('./environment-variable.js')
const { own, translate } = require('./errors.js')
const { Handle, KEY, nativeOf, optionalNative } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const { readSeal } = require('./seal-binding.js')
const { Secret, fromNative: secretFromNative, lend } = require('./secret.js')
const { isUint8Array, refuseUnusable, take, wipe } = require('./secret-input.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeLockbox} Native */
/** @typedef {import('../binding').MasterKeyPlace} Place */

const OPTIONS = /** @type {const} */ (['masterKeys', 'allowLegacy', 'requireLocked'])
const MAX_MASTER_KEYS = 1024
const ROW = validate.members(/** @type {Record<keyof import('../binding').RowColumns, true>} */ ({ ciphertext: true, iv: true, authTag: true, keyMeta: true }))
const CONTEXT = validate.members(/** @type {Record<keyof import('../binding').RowContext, true>} */ ({ tenant: true, purpose: true, extra: true, name: true, rowVersion: true }))

/** Where a master key may come from, by the one property that its source has. @type {Record<string, (value: string) => Place>} */
const PLACES = {
  env(name) {
    requireMainThread('A master key from the environment')
    return { type: 'Variable', name }
  },
  file: (file) => ({ type: 'File', path: path.resolve(file) }),
  credential: (name) => ({ type: 'Credential', directory: variable('CREDENTIALS_DIRECTORY') ?? '', name })
}

/** @extends {Handle<Native>} */
class Lockbox extends Handle {
  #native

  /** @param {import('../index').LockboxOptions} value */
  constructor(value) {
    const native = make(value)
    super(KEY, native)
    this.#native = native
  }

  get masterKeyIds() {
    return own(this.#native.masterKeyIds)
  }

  /**
   * @param {import('../index').LockboxRow} row
   * @param {import('../index').LockboxContext} context
   */
  open(row, context) {
    const [read, expected] = [readRow(row), readContext('context', context)]
    return secretFromNative(translate(() => this.#native.open(read, expected)))
  }

  /**
   * @param {any} secret
   * @param {import('../index').LockboxContext} context
   */
  seal(secret, context) {
    try {
      const expected = readContext('context', context)
      return lend(secret, 'secret', (native) => own(this.#native.seal(native, expected)))
    } finally {
      // Also when the context was refused.
      if (isUint8Array(secret)) wipe([secret])
    }
  }

  /**
   * @param {import('../index').LockboxRow} row
   * @param {import('../index').LockboxContext} context
   * @param {import('../index').LockboxContext} [to]
   */
  reseal(row, context, to) {
    const [read, from] = [readRow(row), readContext('context', context)]
    const next = to === undefined ? undefined : readContext('to', to)
    return own(translate(() => this.#native.reseal(read, from, next)))
  }

  /**
   * @param {import('../index').LockboxRow} row
   * @param {import('../index').LockboxContext} context
   * @param {string | Uint8Array} publicKey
   * @param {import('../index').SealBinding} bound
   * @returns {any}
   */
  unsealFor(row, context, publicKey, bound) {
    const [read, expected, seal] = [readRow(row), readContext('context', context), readSeal(publicKey, bound)]
    return translate(() => this.#native.unsealFor(read, expected, seal))
  }

  /** @override */
  toJSON() {
    const { masterKeyIds, disposed } = this
    return { masterKeyIds, disposed }
  }

  /** @override */
  toString() {
    return `Lockbox(${this.masterKeyIds.join(', ')})`
  }
}

/** @param {any} value @returns {Native} */
function make(value) {
  /** Noted before anything can be refused: they are consumed whatever comes of it. @type {Uint8Array[]} */
  const consumed = []
  const note = (/** @type {unknown} */ given) => void consumed.push(...[given, ...(Array.isArray(given) ? given : [])].filter(isUint8Array))
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

/**
 * @param {any} source
 * @param {string} name
 * @param {Uint8Array[]} consumed
 * @returns {import('../binding').NativeSecret | Uint8Array | Place}
 */
function readSource(source, name, consumed) {
  const secret = nativeOf(Secret, source)
  if (secret) return secret
  if (isUint8Array(source)) {
    const taken = take(source, name)
    consumed.push(taken)
    return taken
  }
  if (typeof source !== 'object' || source === null) throw validate.wrongType(name, 'a Uint8Array, a Secret, or an object with env, file or credential', source)
  const known = validate.options(name, source, Object.keys(PLACES))
  const [[kind, value] = ['', undefined], ...more] = Object.entries(known)
  if (!kind || more.length > 0) throw validate.wrongValue(name, `must have exactly one of these properties: ${Object.keys(PLACES).join(', ')}.`)
  return PLACES[kind](validate.required(`${name}.${kind}`, validate.optionalString(`${name}.${kind}`, value)))
}

/**
 * @param {any} value
 * @returns {import('../binding').RowColumns}
 */
function readRow(value) {
  const row = validate.fields('row', value ?? null, ROW)
  /** @param {string} name */
  const column = (name) => {
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

/**
 * @param {string} name
 * @param {any} value
 * @returns {import('../binding').RowContext}
 */
function readContext(name, value) {
  const context = validate.options(name, value, CONTEXT)
  return {
    tenant: validate.boundText(`${name}.tenant`, context.tenant),
    purpose: validate.boundText(`${name}.purpose`, context.purpose),
    extra: context.extra === undefined ? undefined : validate.boundText(`${name}.extra`, context.extra),
    name: validate.boundText(`${name}.name`, context.name),
    rowVersion: validate.required(`${name}.rowVersion`, validate.optionalCount(`${name}.rowVersion`, context.rowVersion))
  }
}

/** @param {unknown} value @returns {Native | undefined} */
function nativeLockbox(value) {
  return optionalNative(Lockbox, 'options.lockbox', 'a Lockbox', value)
}

module.exports = { Lockbox, nativeLockbox }
