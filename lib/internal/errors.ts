// The errors that users see: ProviderError and Node's own TypeErrors, and how they are created from the addon's errors.

import { isNativeError, isProxy } from 'node:util/types'
import type { ErrorCode, ErrorDetails, ProviderId } from '../../binding.js'
import { binding } from './binding.ts'

/** The codes of {@link ProviderError}; `docs/errors.md` has a row for each. */
export type ProviderErrorCode = Exclude<ErrorCode, 'ERR_INVALID_ARG_VALUE'>

type Details = Pick<ErrorDetails, 'code' | 'message'> & Partial<ErrorDetails>

/** Names that `AbortSignal` users test for: `error.name === 'AbortError'`. */
const NAMES = new Map([
  ['ERR_PROVIDER_ABORTED', 'AbortError'],
  ['ERR_PROVIDER_TIMEOUT', 'TimeoutError']
])
const LIMITS = binding.errorLimits()

/** The parts that an error has in addition to its code and message, if they are known. */
const PARTS = ['syscall', 'path', 'step', 'provider', 'names'] as const

/** Makes one: users cannot. */
export let providerError: (given: Details, options?: { cause?: unknown }) => ProviderError

/** The error that this package throws. No field ever contains the value of a variable, an argument or a secret. */
export class ProviderError extends Error {
  readonly code: ProviderErrorCode

  private constructor(given: Details, options: { cause?: unknown } = {}) {
    // Without prototypes: Node would read a `cause`, and we the parts, from Object.prototype.
    const details = bare(given)
    super(bounded(details.message, LIMITS.message), bare(options))
    this.code = details.code as ProviderErrorCode
    // Negative, as in Node's system errors.
    if (isKnown(details.errno)) define(this, 'errno', -details.errno)
    if (isKnown(details.path)) details.path = bounded(details.path, LIMITS.path)
    const { names } = details
    details.names = names?.length ? names.slice(0, LIMITS.names).map((name) => bounded(name, LIMITS.name)) : undefined
    for (const part of PARTS) if (isKnown(details[part])) define(this, part, details[part])
    const name = NAMES.get(details.code)
    if (name) Object.defineProperty(this, 'name', hidden(name))
  }

  static {
    providerError = (given, options) => new ProviderError(given, options)
  }
}

export interface ProviderError {
  /** The negative errno, as in Node's system errors. */
  readonly errno?: number
  readonly syscall?: string
  readonly path?: string
  /** The step of the start that failed; `docs/errors.md` lists them. */
  readonly step?: string
  readonly provider?: ProviderId
  /** The names of the variables, options or payload fields that the error is about. */
  readonly names?: string[]
}
Object.defineProperty(ProviderError.prototype, 'name', hidden('ProviderError'))

/** An own property, whatever Object.prototype has of that name. */
function define(object: object, name: string, value: unknown) {
  Object.defineProperty(object, name, bare({ ...hidden(value), enumerable: true }))
}

/** Null is how the addon says that it has nothing. */
function isKnown<T>(part: T): part is NonNullable<T> {
  return part !== undefined && part !== null
}

/** The text; if it is longer, its beginning and its end, which has the advice. */
export function bounded(text: string, most: number) {
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return text
  const bytes = Buffer.from(text)
  const room = most - Buffer.byteLength(' … ')
  let start = Math.floor((room / 4) * 3)
  let end = bytes.length - Math.floor(room / 4)
  // Not within a character.
  while (isWithin(bytes[start])) start -= 1
  while (isWithin(bytes[end])) end += 1
  return `${bytes.toString('utf8', 0, start)} … ${bytes.toString('utf8', end)}`
}

/** Whether a byte of UTF-8 goes on with a character. */
function isWithin(byte: number) {
  return (byte & 0xc0) === 0x80
}

/** The descriptor of a property that is not enumerable. */
function hidden(value: unknown): PropertyDescriptor {
  return bare({ value, configurable: true, writable: true })
}

/** An error of the addon, as users see it. */
export function fromNative(native: ErrorDetails) {
  if (native.code.startsWith('ERR_PROVIDER_')) return providerError(native)
  return nodeTypeError(native.code, native.message)
}

function internal() {
  return providerError({
    code: 'ERR_PROVIDER_INTERNAL',
    message: 'This is a defect in @webalive/provider-env. Please report it with the stack below and no secrets.'
  })
}

/**
 * The same object without a prototype. What the addon or a caller has left out would be read from Object.prototype, by us or
 * by Node.
 */
export function bare<T extends object>(given: T): T {
  return { __proto__: null, ...given }
}

/**
 * What the addon returned, made of this realm's arrays and objects: in a context of `node:vm`, as a test runner has, its own
 * are another realm's, and no strict comparison takes them for equal. Bytes stay what they are.
 */
export function own<T>(result: T): T {
  if (typeof result !== 'object' || result === null || ArrayBuffer.isView(result)) return result
  if (Array.isArray(result)) return Array.from(result, own) as T
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, own(value)])) as T
}

/** Calls the addon and translates what it throws. */
export function translate<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw fromThrown(error)
  }
}

/** The codes of the errors that napi makes, of a panic and of a wrong type: names of `napi_status`. */
const NAPI_CODE = /^(?:GenericFailure|InvalidArg|\w+Expected)$/
const NATIVE_CODE = /^ERR_(?:PROVIDER|INVALID_ARG)_/

/**
 * What was thrown within a call of the addon, as users see it. Only what the addon itself threw is translated: the rest
 * is ours already, or what the caller's own code threw (a getter, a listener, a `toString`).
 */
export function fromThrown(thrown: unknown) {
  if (typeof thrown !== 'object' || thrown === null || isProxy(thrown)) return thrown
  const code = Object.getOwnPropertyDescriptor(thrown, 'code')?.value
  if (typeof code !== 'string') return thrown
  // The text of a panic, or of a refusal by napi itself, is not ours, so it is not shown.
  if (isNativeError(thrown)) return NAPI_CODE.test(code) ? internal() : thrown
  return NATIVE_CODE.test(code) ? fromNative(thrown as ErrorDetails) : thrown
}

/** A TypeError with one of Node's own codes. */
export function nodeTypeError(code: string, message: string) {
  const error = new TypeError(bounded(message, LIMITS.message))
  define(error, 'code', code)
  return error as TypeError & { code: string }
}
