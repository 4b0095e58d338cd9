// class Lockbox: opens encrypted rows and seals new ones, in Rust.
'use strict'

const path = require('node:path')
const binding = require('./binding.js')
const { remove, requireMainThread, variable } = require('./environment-variable.js')
const { own, translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const { readBinding, readPublicKey } = require('./seal-binding.js')
const { Secret, fromNative: secretFromNative, lend } = require('./secret.js')
const { isUint8Array, refuseUnusable, wipe } = require('./secret-input.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeLockbox} Native */
/** @typedef {import('../binding').NativeMasterKeys} MasterKeys */

const OPTIONS = /** @type {const} */ (['masterKeys', 'allowLegacy', 'requireLocked'])
const MAX_MASTER_KEYS = 1024
const ROW = /** @type {const} */ (['ciphertext', 'iv', 'authTag', 'keyMeta'])
const CONTEXT = /** @type {const} */ (['tenant', 'purpose', 'extra', 'name', 'rowVersion'])

/** Where a master key may come from, by the one property that its source has. @type {Record<string, (keys: MasterKeys, value: string) => void>} */
const SOURCES = {
  env(keys, name) {
    requireMainThread('A master key from the environment')
    translate(() => keys.addVariable(name))
  },
  file: (keys, file) => translate(() => keys.addFile(path.resolve(file))),
  credential(keys, name) {
    translate(() => keys.addCredential(variable('CREDENTIALS_DIRECTORY') ?? '', name))
  }
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
    const [read, expected, key, to] = [readRow(row), readContext('context', context), readPublicKey(publicKey), readBinding(bound)]
    return translate(() => this.#native.unsealFor(read, expected, key, to))
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
    const sources = validate.array('options.masterKeys', 'an array', options.masterKeys, (_, source) => source, MAX_MASTER_KEYS)
    return open(sources, validate.optionalBoolean('options.allowLegacy', options.allowLegacy) ?? false, readRequireLocked(options))
  } finally {
    wipe(consumed)
  }
}

/**
 * What is in the environment is taken out of it last, when there is a lockbox: else the key would be lost.
 * @param {unknown[]} sources
 * @param {boolean} allowLegacy
 * @param {boolean} requireLocked
 */
function open(sources, allowLegacy, requireLocked) {
  const keys = new binding.NativeMasterKeys()
  try {
    const variables = sources.flatMap((source, index) => addMasterKey(keys, source, `options.masterKeys[${index}]`))
    const lockbox = translate(() => keys.lockbox(allowLegacy, requireLocked))
    for (const name of variables) translate(() => binding.wipeVariable(name))
    if (variables.length > 0) remove(variables)
    return lockbox
  } finally {
    keys.dispose()
  }
}

/**
 * @param {MasterKeys} keys
 * @param {any} source
 * @param {string} name
 * @returns {string[]} the variable that it came from
 */
function addMasterKey(keys, source, name) {
  if (isUint8Array(source) || source instanceof Secret) {
    lend(source, name, (native) => keys.addSecret(native))
    return []
  }
  if (typeof source !== 'object' || source === null) throw validate.wrongType(name, 'a Uint8Array, a Secret, or an object with env, file or credential', source)
  const known = validate.options(name, source, Object.keys(SOURCES))
  const [[kind, value] = ['', undefined], ...more] = Object.entries(known)
  if (!kind || more.length > 0) throw validate.wrongValue(name, `must have one of: ${Object.keys(SOURCES).join(', ')}.`)
  const text = validate.required(`${name}.${kind}`, validate.optionalString(`${name}.${kind}`, value))
  SOURCES[kind](keys, text)
  return kind === 'env' ? [text] : []
}

/**
 * @param {any} value
 * @returns {import('../binding').NativeRow}
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
 * @returns {import('../binding').NativeContext}
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

/**
 * @param {unknown} value
 * @returns {Native | undefined}
 */
function nativeLockbox(value) {
  if (value === undefined) return undefined
  const native = nativeOf(Lockbox, value)
  if (native) return native
  throw validate.wrongType('options.lockbox', 'a Lockbox', value)
}

module.exports = { Lockbox, nativeLockbox }
