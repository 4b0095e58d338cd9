// Secret bytes that a caller gave: read once, zero-filled, and refused where another thread could write to them.
//
// V8 keeps a typed array of up to 64 bytes in its own heap until somebody asks for its `buffer`, as the addon does: then it
// moves the bytes out, and leaves them behind where nothing can wipe them. So such an array is copied and zero-filled
// before anything asks (typed-array-max-size-in-heap in V8's flags).

import { isSharedArrayBuffer, isUint8Array } from 'node:util/types'
import { nodeTypeError } from '../internal/errors.ts'
import type { Secret } from './secret.ts'
import type { SealedSecret } from './seal-binding.ts'

/**
 * A secret on its way in.
 *
 * `Uint8Array`: consumed. It is copied once into memory that is wiped, and zero-filled before the call returns, on
 * success and on failure. A view onto a `SharedArrayBuffer` is refused, and an array of zeros only: it was consumed before. V8 keeps arrays of up to 64 bytes in its own heap,
 * where its collector may have moved them before the call: make small secrets in an `ArrayBuffer` of their own
 * (`new Uint8Array(new ArrayBuffer(n))`), as what comes from a socket or a file is.
 *
 * `string`: accepted because today's worker holds one. V8 strings cannot be wiped, so the caller's copy stays in the
 * JS heap until the collector reuses its memory.
 *
 * {@link Secret}: a handle of bytes that Rust holds. It is not consumed: dispose of it yourself. An environment that was
 * built with it keeps what it needs until it is disposed of in turn.
 *
 * {@link SealedSecret}: a text that only this worker can open, with the option `recipient` and only there.
 */
export type SecretInput = string | Uint8Array | Secret | SealedSecret

const ON_HEAP_BYTES = 64

// By the prototypes' own: an object may bring a `fill` that does nothing, or a `length` of its choice.
const { fill, set } = Uint8Array.prototype
const lengthGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength')?.get as () => number

export function lengthOf(bytes: Uint8Array): number {
  return lengthGetter.call(bytes)
}

/** A buffer outside of V8's heap, however small it is. */
export function offHeap(length: number) {
  return Buffer.from(new ArrayBuffer(length))
}

/** Text outside of V8's heap. */
export function textOffHeap(text: string) {
  const bytes = offHeap(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** Zero-fills all of them, whatever one of them is. */
export function wipe(all: Uint8Array[]) {
  for (const bytes of all) {
    try {
      fill.call(bytes, 0)
    } catch {
      // Detached: its bytes are somebody else's now.
    }
  }
}

/**
 * Throws for what another thread could write to while it is read, and for what has no bytes any more. It asks for the
 * `buffer`: not before a small array has been copied and wiped.
 */
export function refuseUnusable(bytes: Uint8Array, name: string) {
  if (isSharedArrayBuffer(bytes.buffer))
    throw nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must not be a view of a SharedArrayBuffer. Copy it first.`)
  try {
    fill.call(bytes, 0, 0, 0)
  } catch {
    throw nodeTypeError('ERR_INVALID_ARG_VALUE', `${name} is detached: it was transferred elsewhere.`)
  }
}

/**
 * Throws for an array that was consumed before: its zeros would pass for a secret, and a key of zeros is one that
 * everybody knows. Nearly always the first byte tells.
 */
function refuseConsumed(bytes: Uint8Array, name: string) {
  const length = lengthOf(bytes)
  let index = 0
  while (index < length && bytes[index] === 0) index += 1
  if (length > 0 && index === length)
    throw nodeTypeError(
      'ERR_INVALID_ARG_VALUE',
      `${name} holds only zeros, as an array does that was consumed before. Make a Secret of it once, and use that.`
    )
}

/**
 * Bytes of this content that the addon may read and wipe: these, or a copy outside of V8's heap. Small ones are
 * zero-filled already when it returns.
 */
export function take(bytes: Uint8Array, name: string): Uint8Array {
  const length = lengthOf(bytes)
  if (length > ON_HEAP_BYTES) {
    refuseUnusable(bytes, name)
    refuseConsumed(bytes, name)
    return bytes
  }
  const copy = offHeap(length)
  try {
    // A detached array is refused next.
    if (length > 0) set.call(copy, bytes)
    wipe([bytes])
    refuseUnusable(bytes, name)
    refuseConsumed(copy, name)
    return copy
  } catch (error) {
    wipe([copy])
    throw error
  }
}

/** Calls `use` with what the addon may read, and zero-fills that and the bytes afterwards, whatever came of it. */
export function consume<T>(bytes: Uint8Array, name: string, use: (taken: Uint8Array) => T): T {
  const held = [bytes]
  try {
    const taken = take(bytes, name)
    held.push(taken)
    return use(taken)
  } finally {
    wipe(held)
  }
}

export { isUint8Array }
