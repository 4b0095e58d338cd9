// Checks JavaScript types: a wrong one is a TypeError that names the option and shows no value.
'use strict'

const { types } = require('node:util')
const binding = require('./binding.js')
const { bounded, nodeTypeError } = require('./errors.js')

/** What Node's timers hold: 24.8 days. */
const MAX_MILLISECONDS = 2 ** 31 - 1
/** What the kernel takes of supplementary groups (`NGROUPS_MAX`), and far more than it takes of arguments. */
const MAX_ITEMS = 65_536
/** As a payload's JSON may have bytes: the largest text that anybody has to give. */
const MAX_TEXT = binding.inputLimits().bytes

/** By which every copy of this package knows the handles of the others, which are no instances of its own classes. */
const COPY = Symbol.for('@webalive/provider-env:copy')
const THIS_COPY = Object.freeze({})

/**
 * @param {string} name
 * @param {string} expected
 * @param {any} value
 */
function wrongType(name, expected, value) {
  const copy = typeof value === 'object' && value !== null ? value[COPY] : undefined
  const whose = copy === undefined || copy === THIS_COPY ? '' : ' and comes from another copy of this package. Create both with the same copy, or load the package only once'
  return nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must be ${expected}, but is ${kindOf(value)}${whose}.`)
}

/** What a value is, without its own word. @param {unknown} value */
function kindOf(value) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (types.isMap(value)) return 'a Map (Object.fromEntries() converts it to an object)'
  return types.isSet(value) ? 'a Set' : `of type ${typeof value}`
}

/**
 * A name that a caller chose, as a message shows it.
 * @param {string} name
 */
function shown(name) {
  return bounded(name, 64)
}

/**
 * @param {string} name
 * @param {string} problem
 */
function wrongValue(name, problem) {
  return nodeTypeError('ERR_INVALID_ARG_VALUE', `${name} ${problem}`)
}

/**
 * An object; `undefined` becomes an empty one.
 * @param {string} name
 * @param {any} value
 * @returns {any}
 */
function object(name, value) {
  if (value === undefined) return Object.create(null)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'an object', value)
  if (keepsItsOwnWay(value)) throw wrongType(name, 'an object that keeps its data in its own properties', value)
  return value
}

/**
 * Whether an object holds what it holds elsewhere than in properties: a Map, URLSearchParams, Headers, a Date. Read by its
 * properties it would be empty, and what it asks for would be left out in silence.
 * @param {any} value
 */
function keepsItsOwnWay(value) {
  if (isRoot(Object.getPrototypeOf(value))) return false
  for (let from = value; !isRoot(from); from = Object.getPrototypeOf(from)) {
    if (Object.hasOwn(from, Symbol.iterator)) return true
  }
  return SEALED.some((is) => is(value))
}

/** What has no iterator and no properties either. */
const SEALED = [types.isAnyArrayBuffer, types.isBoxedPrimitive, types.isDate, types.isNativeError, types.isPromise, types.isRegExp, types.isWeakMap, types.isWeakSet]

/** What users of neighbours ask for, and what to say instead. @type {Record<string, string>} */
const INSTEAD = {
  // @ts-expect-error TypeScript does not know this form of a prototype.
  __proto__: null,
  env: 'buildProviderEnv() sets the variables: use its `set` or `inherit`.',
  timeout: 'Use timeoutMs.',
  cancelSignal: 'Use signal.',
  homeDir: 'Use home.',
  shell: 'The program is started without a shell.',
  detached: 'The process always has its own session.',
  argv0: 'The first argument is always the path of the program.',
  serialization: 'There is no message channel.'
}

/**
 * What `fields` returns. Its prototype is empty for good, and reached from nowhere else: that decides as little as none, and
 * V8 reads such an object faster than one without.
 * @type {new () => any}
 */
const Fields = /** @type {any} */ (function () {})
Fields.prototype = Object.freeze(Object.create(null))

/**
 * The object's own properties of these names, in a new object that inherits nothing: `Object.prototype` decides nothing, whoever wrote
 * to it. Each is read once, as a getter may give another value the next time; and all are read, whatever
 * one of them throws, so that `note` sees every value that has to be consumed.
 * @param {string} name
 * @param {any} value
 * @param {readonly string[]} known
 * @param {(value: unknown, key: string) => void} [note]
 * @returns {any}
 */
function fields(name, value, known, note) {
  const own = new Fields()
  if (value === undefined) return own
  const given = object(name, value)
  /** @type {{ error: unknown } | undefined} */
  let failure
  for (const key of known) {
    if (!Object.hasOwn(given, key)) continue
    try {
      own[key] = given[key]
      note?.(own[key], key)
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure) throw failure.error
  refuseInherited(name, given, known)
  return own
}

/**
 * What a class or another object would hand down is not read. It is not ignored either: it may be a protection.
 * @param {string} name
 * @param {object} given
 * @param {readonly string[]} known
 */
function refuseInherited(name, given, known) {
  for (let from = Object.getPrototypeOf(given); !isRoot(from); from = Object.getPrototypeOf(from)) {
    const key = known.find((key) => Object.hasOwn(from, key) && !Object.hasOwn(given, key))
    if (key) throw wrongValue(`${name}.${key}`, "is inherited, but only an object's own properties are read. Pass a plain object that has each property itself.")
  }
}

/**
 * Whether a chain of prototypes ends here: at `Object.prototype`, of this realm or another (`node:vm`), or at nothing.
 * @param {any} prototype
 */
function isRoot(prototype) {
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/**
 * The same of an object that may have no other names: one that is dropped in silence would be a protection that is missing.
 * @param {string} name
 * @param {any} value
 * @param {readonly string[]} known
 * @param {(value: unknown, key: string) => void} [note]
 * @returns {any}
 */
function options(name, value, known, note) {
  const own = fields(name, value, known, note)
  const unknown = value === undefined ? undefined : Object.getOwnPropertyNames(value).find((key) => !known.includes(key))
  if (unknown === undefined) return own
  throw wrongValue(`${name}.${shown(unknown)}`, `is not a known option. ${INSTEAD[unknown] ?? `The options are: ${known.join(', ')}.`}`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string | undefined}
 */
function optionalString(name, value) {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  return wellFormed(name, limited(name, value))
}

/**
 * A text that is not too long, of whatever characters.
 * @param {string} name
 * @param {string} text
 */
function limited(name, text) {
  if (text.length <= MAX_TEXT) return text
  throw wrongValue(name, `must have at most ${MAX_TEXT} characters, but has ${text.length}.`)
}

/**
 * Half of a surrogate pair is no character: written as UTF-8 it becomes another one, and two texts would be the same.
 * @param {string} name
 * @param {string} text
 */
function wellFormed(name, text) {
  if (/** @type {any} */ (text).isWellFormed()) return text
  throw wrongValue(name, 'must be well-formed text, but has an unpaired surrogate.')
}

/**
 * A text that something encrypted is bound to.
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
function boundText(name, value) {
  return required(name, optionalString(name, value))
}

/**
 * @template T
 * @param {string} name
 * @param {T | undefined} value
 * @returns {T}
 */
function required(name, value) {
  if (value === undefined) throw wrongValue(name, 'is missing.')
  return value
}

/**
 * A copy of an array, each of whose items `read` returns as it is used. A hole is `undefined`, not what
 * `Array.prototype` may have there.
 * @template T
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 * @param {(name: string, item: unknown) => T | undefined} read
 * @param {number} [most]
 * @returns {T[]}
 */
function array(name, expected, value, read, most = MAX_ITEMS) {
  if (!Array.isArray(value)) throw wrongType(name, expected, value)
  const { length } = value
  if (length > most) throw wrongValue(name, `must have at most ${most} items, but has ${length}.`)
  return Array.from({ length }, (_, index) => {
    const at = `${name}[${index}]`
    return required(at, read(at, Object.hasOwn(value, index) ? value[index] : undefined))
  })
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} [most]
 * @returns {string[]}
 */
function strings(name, value, most) {
  return value === undefined ? [] : array(name, 'an array of strings', value, optionalString, most)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number | undefined}
 */
function optionalNumber(name, value) {
  if (value === undefined || typeof value === 'number') return value
  throw wrongType(name, 'a number', value)
}

/**
 * A whole number from 0 to `max`.
 * @param {string} name
 * @param {unknown} value
 * @param {number} [max]
 * @returns {number | undefined}
 */
function optionalCount(name, value, max = Number.MAX_SAFE_INTEGER) {
  const number = optionalNumber(name, value)
  if (number === undefined) return undefined
  if (Number.isInteger(number) && number >= 0 && number <= max) return number
  throw wrongValue(name, `must be a whole number from 0 to ${max}.`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number | undefined}
 */
function optionalMilliseconds(name, value) {
  const number = optionalNumber(name, value)
  if (number === undefined || (number >= 0 && number <= MAX_MILLISECONDS)) return number
  throw wrongValue(name, `must be from 0 to ${MAX_MILLISECONDS} milliseconds.`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean | undefined}
 */
function optionalBoolean(name, value) {
  if (value === undefined || typeof value === 'boolean') return value
  throw wrongType(name, 'a boolean', value)
}

/**
 * @template {string} T
 * @param {string} name
 * @param {unknown} value
 * @param {readonly T[]} words
 * @returns {T | undefined}
 */
function optionalWord(name, value, words) {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  const word = words.find((known) => known === value)
  if (word) return word
  throw wrongValue(name, `must be one of: ${words.join(', ')}.`)
}

module.exports = {
  COPY,
  THIS_COPY,
  array,
  boundText,
  fields,
  limited,
  object,
  optionalBoolean,
  optionalCount,
  optionalMilliseconds,
  optionalNumber,
  optionalString,
  optionalWord,
  options,
  required,
  shown,
  strings,
  wellFormed,
  wrongType,
  wrongValue
}
