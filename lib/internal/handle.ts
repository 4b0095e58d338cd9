// class Handle: the base class of all objects whose secrets Rust holds.

import type { InspectOptionsStylized } from 'node:util'
import { inspect } from 'node:util'
import { tearDownAtExit } from './tear-down.ts'
import { COPY, THIS_COPY, wrongType } from './validate.ts'

/** Only this package can construct one. */
export const KEY = Symbol('Handle')

let peek: (value: unknown) => unknown

/** The addon's own handle. */
interface Native {
  readonly disposed: boolean
  dispose(): void
}

/** The common base of all objects whose secrets Rust holds. */
export class Handle {
  #native: Native

  /** @internal */
  constructor(key: symbol, native: Native) {
    if (key !== KEY)
      throw new TypeError(`${new.target.name} has no public constructor. Use ${(new.target as unknown as { madeBy: string }).madeBy}.`)
    this.#native = native
    tearDownAtExit()
  }

  get disposed(): boolean {
    return this.#native.disposed
  }

  /** Wipes it. Idempotent. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** @internal */
  get [COPY]() {
    return THIS_COPY
  }

  /**
   * What may be shown.
   * @internal
   */
  toJSON(): Record<string, unknown> {
    return { disposed: this.disposed }
  }

  /** @internal */
  toString() {
    return this.constructor.name
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptionsStylized) {
    return `${this.constructor.name} ${inspect(this.toJSON(), { ...options, getters: false, depth: 2 })}`
  }

  static {
    peek = (value) => (typeof value === 'object' && value !== null && #native in value ? value.#native : undefined)
  }
}

/** One whose constructor may be private. */
type Class = { readonly prototype: object; [Symbol.hasInstance](value: unknown): boolean }

/** The addon's own handle behind an object of a class; `undefined` for anything else. */
export function nativeOf<Of>(of: Class, value: unknown): Of | undefined {
  return value instanceof of ? (peek(value) as Of | undefined) : undefined
}

/** The same of an option, which may be left out. */
export function optionalNative<Of>(of: Class, name: string, expected: string, value: unknown): Of | undefined {
  if (value === undefined) return undefined
  const native = nativeOf<Of>(of, value)
  if (native) return native
  throw wrongType(name, expected, value)
}
