// Checks JavaScript types: a wrong one is a TypeError that names the option and shows no value.

import { types } from 'node:util'
import type { BodyFormat, Call, CredentialOwner, DeliveryRequest, ExpiryUnit } from '../../binding.js'
import { binding } from './binding.ts'
import { bounded, nodeTypeError } from './errors.ts'

/** What Node's timers hold: 24.8 days. */
const MAX_MILLISECONDS = 2 ** 31 - 1
/** The kernel's limit of supplementary groups (`NGROUPS_MAX`), and far more arguments than it accepts. */
const MAX_ITEMS = 65_536
/** The same limit as for a payload's JSON, in characters. */
const MAX_TEXT = binding.inputLimits().bytes

/** Marks the handles of every copy of this package for the other copies, of whose classes they are not instances. */
export const COPY = Symbol.for('@webalive/provider-env:copy')
export const THIS_COPY = Object.freeze({})

export function wrongType(name: string, expected: string, value: unknown) {
  const copy = typeof value === 'object' && value !== null ? (value as { [COPY]?: unknown })[COPY] : undefined
  const whose =
    copy === undefined || copy === THIS_COPY
      ? ''
      : ' and comes from another copy of this package. Create both with the same copy, or load the package only once'
  return nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must be ${expected}, but is ${kindOf(value)}${whose}.`)
}

/** What a value is, without its content. */
function kindOf(value: unknown) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (types.isMap(value)) return 'a Map (Object.fromEntries() converts it to an object)'
  return types.isSet(value) ? 'a Set' : `of type ${typeof value}`
}

/** A name that a caller chose, as a message shows it. */
export function shown(name: string) {
  return bounded(name, 64)
}

export function wrongValue(name: string, problem: string) {
  return nodeTypeError('ERR_INVALID_ARG_VALUE', `${name} ${problem}`)
}

/** An object; `undefined` becomes an empty one. */
export function object(name: string, value: unknown): Record<string, unknown> {
  if (value === undefined) return Object.create(null)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'an object', value)
  if (keepsItsOwnWay(value)) throw wrongType(name, 'an object that keeps its data in its own properties', value)
  return value as Record<string, unknown>
}

/**
 * Whether an object holds what it holds elsewhere than in properties: a Map, URLSearchParams, Headers, a Date. Read by its
 * properties it would be empty, and what it requests would be ignored silently.
 */
function keepsItsOwnWay(value: object) {
  if (isRoot(Object.getPrototypeOf(value))) return false
  for (let from = value; !isRoot(from); from = Object.getPrototypeOf(from)) {
    if (Object.hasOwn(from, Symbol.iterator)) return true
  }
  return SEALED.some((is) => is(value))
}

/** Checks for objects that have neither an iterator nor properties. */
const SEALED = [
  types.isAnyArrayBuffer,
  types.isBoxedPrimitive,
  types.isDate,
  types.isNativeError,
  types.isPromise,
  types.isRegExp,
  types.isWeakMap,
  types.isWeakSet
]

/** Options of similar packages, and what to use instead. */
const INSTEAD: Record<string, string> = {
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
 */
// biome-ignore lint/complexity/useArrowFunction: an arrow function makes nothing.
const Fields = function () {} as unknown as { new (): Record<string, unknown>; prototype: object }
Fields.prototype = Object.freeze(Object.create(null))

/** Own properties by their names, not checked yet. */
export type Own<K extends string> = { [Name in K]?: unknown }

/**
 * The object's own properties of these names, in a new object that inherits nothing: `Object.prototype` decides nothing,
 * whoever wrote to it. Each is read once, as a getter may give another value the next time; and all are read, whatever one
 * of them throws, so that `note` sees every value that has to be consumed.
 */
export function fields<K extends string>(
  name: string,
  value: unknown,
  known: readonly K[],
  note?: (value: unknown, key: K) => void
): Own<K> {
  const own = new Fields() as Own<K>
  if (value === undefined) return own
  const given = object(name, value)
  let failure: { error: unknown } | undefined
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

/** Inherited properties are not read. They are not ignored either, because one may be a protection. */
function refuseInherited(name: string, given: object, known: readonly string[]) {
  for (let from = Object.getPrototypeOf(given); !isRoot(from); from = Object.getPrototypeOf(from)) {
    const key = known.find((key) => Object.hasOwn(from, key) && !Object.hasOwn(given, key))
    if (key)
      throw wrongValue(
        `${name}.${key}`,
        "is inherited, but only an object's own properties are read. Pass a plain object that has each property itself."
      )
  }
}

/** Whether a chain of prototypes ends here: at `Object.prototype`, of this realm or another (`node:vm`), or at nothing. */
function isRoot(prototype: object | null) {
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** The same of an object that may have no other names: one that is dropped in silence would be a protection that is missing. */
export function options<K extends string>(
  name: string,
  value: unknown,
  known: readonly K[],
  note?: (value: unknown, key: K) => void
): Own<K> {
  const own = fields(name, value, known, note)
  const unknown =
    value === undefined ? undefined : Object.getOwnPropertyNames(value).find((key) => !(known as readonly string[]).includes(key))
  if (unknown === undefined) return own
  throw wrongValue(`${name}.${shown(unknown)}`, `is not a known option. ${INSTEAD[unknown] ?? `The options are: ${known.join(', ')}.`}`)
}

export function optionalString(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  return wellFormed(name, limited(name, value))
}

/** A text that is not too long, with any characters. */
export function limited(name: string, text: string) {
  if (text.length <= MAX_TEXT) return text
  throw wrongValue(name, `must have at most ${MAX_TEXT} characters, but has ${text.length}.`)
}

/**
 * Half of a surrogate pair is no character: written as UTF-8 it becomes another one, and two texts would be the same.
 * @param refused Makes the error.
 */
export function wellFormed(name: string, text: string, refused: (name: string, must: string) => Error = wrongValue) {
  if (text.isWellFormed()) return text
  throw refused(name, 'must be well-formed text, but has an unpaired surrogate.')
}

/** A text that something encrypted is bound to. */
export function boundText(name: string, value: unknown): string {
  return required(name, optionalString(name, value))
}

export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw wrongValue(name, 'is missing.')
  return value
}

/**
 * A copy of an array, each of whose items `read` returns as it is used. A hole is `undefined`, not what
 * `Array.prototype` may have there.
 */
export function array<T>(
  name: string,
  expected: string,
  value: unknown,
  read: (name: string, item: unknown) => T | undefined,
  most: number = MAX_ITEMS
): T[] {
  if (!Array.isArray(value)) throw wrongType(name, expected, value)
  const { length } = value
  if (length > most) throw wrongValue(name, `must have at most ${most} items, but has ${length}.`)
  return Array.from({ length }, (_, index) => {
    const at = `${name}[${index}]`
    return required(at, read(at, Object.hasOwn(value, index) ? value[index] : undefined))
  })
}

export function strings(name: string, value: unknown, most?: number): string[] {
  return value === undefined ? [] : array(name, 'an array of strings', value, optionalString, most)
}

export function optionalNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || typeof value === 'number') return value
  throw wrongType(name, 'a number', value)
}

/** A whole number from 0 to `max`. */
export function optionalCount(name: string, value: unknown, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  const number = optionalNumber(name, value)
  if (number === undefined) return undefined
  if (Number.isInteger(number) && number >= 0 && number <= max) return number
  throw wrongValue(name, `must be a whole number from 0 to ${max}.`)
}

export function optionalMilliseconds(name: string, value: unknown): number | undefined {
  const number = optionalNumber(name, value)
  if (number === undefined || (number >= 0 && number <= MAX_MILLISECONDS)) return number
  throw wrongValue(name, `must be from 0 to ${MAX_MILLISECONDS} milliseconds.`)
}

export function optionalBoolean(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw wrongType(name, 'a boolean', value)
}

export function optionalWord<T extends string>(name: string, value: unknown, words: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  const word = words.find((known) => known === value)
  if (word) return word
  throw wrongValue(name, `must be one of: ${words.join(', ')}.`)
}

/**
 * The names of the members of an object that the addon takes. The type of `names` is to demand all of them, so that a member
 * that is new in Rust, or gone, is an error of `tsc`.
 */
export function members<Name extends string>(names: Record<Name, true>): Name[] {
  return Object.keys(names) as Name[]
}

/** Unions of the addon whose words are read here. */
interface Unions {
  BodyFormat: BodyFormat
  Call: Call
  CredentialOwner: CredentialOwner
  DeliveryRequest: DeliveryRequest
  ExpiryUnit: ExpiryUnit
}

/** The words of one of the addon's unions, in its order. Its types declare only the union. */
export function wordsOf<Name extends keyof Unions>(name: Name): Unions[Name][] {
  return Object.values((binding as unknown as Record<Name, Record<string, Unions[Name]>>)[name])
}
