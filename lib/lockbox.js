// class Lockbox: opens encrypted rows and seals new ones, in Rust.
'use strict'

const path = require('node:path')
const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { Handle, KEY, nativeOf } = require('./handle.js')
const { requireLocked } = require('./memory-protection.js')
const { Secret, fromNative: secretFromNative } = require('./secret.js')
const { consume, isShared, wipe } = require('./secret-input.js')
const { requireMainThread } = require('./server-credentials.js')
const validate = require('./validate.js')

/** @typedef {import('../binding').NativeLockbox} Native */
/** @typedef {import('../binding').NativeMasterKeys} MasterKeys */

const OPTIONS = /** @type {const} */ (['masterKeys', 'allowLegacy', 'requireLocked'])
const CONTEXT = /** @type {const} */ (['tenant', 'purpose', 'extra', 'name', 'rowVersion'])
const BINDING = /** @type {const} */ (['workspace', 'field', 'request'])

/** Where a master key may come from, by the one property that its source has. @type {Record<string, (keys: MasterKeys, value: string) => void>} */
const SOURCES = {
  env(keys, name) {
    requireMainThread('A master key from the environment')
    translate(() => keys.takeVariable(name))
    // Its value is wiped already; now the name goes, from libc's list and from the block that the kernel shows.
    delete process.env[name]
    translate(() => binding.wipeInitialVariable(name))
  },
  file: (keys, file) => translate(() => keys.addFile(path.resolve(file))),
  credential(keys, name) {
    const directory = process.env.CREDENTIALS_DIRECTORY
    if (!directory) throw validate.wrongValue('options.masterKeys', 'names a credential, and there is no $CREDENTIALS_DIRECTORY. Set LoadCredential= in the unit.')
    translate(() => keys.addCredential(directory, name))
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
    return this.#native.masterKeyIds
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
    const bytes = secret instanceof Uint8Array ? [secret] : []
    return consume(bytes, 'secret', () => {
      const expected = readContext('context', context)
      return withHandle(secret, 'secret', (handle) => this.#native.seal(handle, expected))
    })
  }

  /**
   * @param {import('../index').LockboxRow} row
   * @param {import('../index').LockboxContext} context
   * @param {import('../index').LockboxContext} [to]
   */
  reseal(row, context, to) {
    const [read, from] = [readRow(row), readContext('context', context)]
    const next = to === undefined ? undefined : readContext('to', to)
    return translate(() => this.#native.reseal(read, from, next))
  }

  /**
   * @param {import('../index').LockboxRow} row
   * @param {import('../index').LockboxContext} context
   * @param {string | Uint8Array} publicKey
   * @param {import('../index').SealBinding} bound
   * @returns {any}
   */
  unsealFor(row, context, publicKey, bound) {
    if (typeof publicKey !== 'string' && !(publicKey instanceof Uint8Array)) throw validate.wrongType('publicKey', 'a string or a Uint8Array', publicKey)
    const to = validate.options('binding', bound, BINDING)
    for (const name of BINDING) required(`binding.${name}`, validate.optionalString(`binding.${name}`, to[name]))
    const [read, expected] = [readRow(row), readContext('context', context)]
    return translate(() => this.#native.unsealFor(read, expected, publicKey, to))
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
  const options = validate.options('options', value, OPTIONS)
  const sources = options.masterKeys
  if (!Array.isArray(sources)) throw validate.wrongType('options.masterKeys', 'an array', sources)
  try {
    const allowLegacy = validate.optionalBoolean('options.allowLegacy', options.allowLegacy) ?? false
    // First: what could not be kept safe is better left where it is.
    requireLocked(options)
    const keys = new binding.NativeMasterKeys()
    sources.forEach((source, index) => addMasterKey(keys, source, `options.masterKeys[${index}]`))
    return requireLocked(options, translate(() => keys.lockbox(allowLegacy)))
  } finally {
    wipe(sources.filter((source) => source instanceof Uint8Array && !isShared(source)))
  }
}

/**
 * @param {MasterKeys} keys
 * @param {any} source
 * @param {string} name
 */
function addMasterKey(keys, source, name) {
  if (source instanceof Uint8Array || source instanceof Secret) return withHandle(source, name, (handle) => keys.addSecret(handle))
  if (typeof source !== 'object' || source === null) throw validate.wrongType(name, 'a Uint8Array, a Secret, or an object with env, file or credential', source)
  const known = validate.options(name, source, Object.keys(SOURCES))
  const [[kind, value] = ['', undefined], ...more] = Object.entries(known)
  if (!kind || more.length > 0) throw validate.wrongValue(name, `must have one of: ${Object.keys(SOURCES).join(', ')}.`)
  SOURCES[kind](keys, required(`${name}.${kind}`, validate.optionalString(`${name}.${kind}`, value)))
}

/**
 * Lends a secret to the addon: a handle as it is, bytes as a secret of their own, which they are consumed for.
 * @template T
 * @param {unknown} secret
 * @param {string} name
 * @param {(handle: import('../binding').NativeSecret) => T} use
 * @returns {T}
 */
function withHandle(secret, name, use) {
  const handle = nativeOf(Secret, secret)
  if (handle) return translate(() => use(handle))
  if (!(secret instanceof Uint8Array)) throw validate.wrongType(name, 'a Secret or a Uint8Array', secret)
  return consume([secret], name, () => {
    const temporary = translate(() => binding.secretFrom(secret))
    try {
      return translate(() => use(temporary))
    } finally {
      temporary.dispose()
    }
  })
}

/**
 * @param {any} value
 * @returns {import('../binding').NativeRow}
 */
function readRow(value) {
  const row = validate.object('row', value ?? null)
  /** @param {string} name */
  const column = (name) => {
    const given = row[name]
    if (typeof given === 'string' || given instanceof Uint8Array) return given
    throw validate.wrongType(`row.${name}`, 'a Uint8Array, or a string that begins with \\x', given)
  }
  const keyMeta = validate.optionalString('row.keyMeta', row.keyMeta ?? undefined) ?? ''
  return { ciphertext: column('ciphertext'), iv: column('iv'), authTag: column('authTag'), keyMeta }
}

/**
 * @param {string} name
 * @param {any} value
 * @returns {import('../binding').NativeContext}
 */
function readContext(name, value) {
  const context = validate.options(name, value, CONTEXT)
  const text = (/** @type {string} */ part) => required(`${name}.${part}`, validate.optionalString(`${name}.${part}`, context[part]))
  return {
    tenant: text('tenant'),
    purpose: text('purpose'),
    extra: validate.optionalString(`${name}.extra`, context.extra),
    name: text('name'),
    rowVersion: required(`${name}.rowVersion`, validate.optionalCount(`${name}.rowVersion`, context.rowVersion))
  }
}

/**
 * @template T
 * @param {string} name
 * @param {T | undefined} value
 * @returns {T}
 */
function required(name, value) {
  if (value === undefined) throw validate.wrongValue(name, 'is missing.')
  return value
}

module.exports = { Lockbox }
