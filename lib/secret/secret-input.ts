// Takes secret bytes from a caller: reads them once, fills them with zeros, and refuses them if another thread could
// write to them.
//
// V8 keeps a typed array of up to 64 bytes in its own heap until code reads its `buffer`, as the addon does: then it
// moves the bytes out, and leaves a copy behind that cannot be wiped. So such an array is copied and zero-filled
// before anything asks (typed-array-max-size-in-heap in V8's flags).

import { isSharedArrayBuffer as utilIsSharedArrayBuffer, isUint8Array as utilIsUint8Array } from 'node:util/types'
import { nodeTypeError } from '../internal/errors.ts'

const ON_HEAP_BYTES = 64

// By the prototypes' own: an object may bring a `fill` that does nothing, or a `length` of its choice.
const { fill, set } = Uint8Array.prototype
// Constants, as those above: whoever replaces a function of node:util later sees no secret.
export const isUint8Array = utilIsUint8Array
const isSharedArrayBuffer = utilIsSharedArrayBuffer
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
      // Detached: its bytes now belong to another buffer.
    }
  }
}

/**
 * Throws for what another thread could write to while it is read, and for what has no bytes any more. It reads the
 * `buffer`: not before a small array has been copied and wiped.
 */
export function refuseUnusable(bytes: Uint8Array, name: string) {
  if (isSharedArrayBuffer(bytes.buffer))
    throw nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must not be a view of a SharedArrayBuffer. Copy it first.`)
  try {
    fill.call(bytes, 0, 0, 0)
  } catch {
    throw nodeTypeError(
      'ERR_INVALID_ARG_VALUE',
      `${name} is detached, because its buffer was transferred. Pass an array that still has its bytes.`
    )
  }
}

/**
 * Throws for an array that was consumed before: its zeros would pass for a secret, and a key of zeros is one that
 * everybody knows. The first byte nearly always decides.
 */
function refuseConsumed(bytes: Uint8Array, name: string) {
  const length = lengthOf(bytes)
  let index = 0
  while (index < length && bytes[index] === 0) index += 1
  if (length > 0 && index === length)
    throw nodeTypeError(
      'ERR_INVALID_ARG_VALUE',
      `${name} contains only zeros, like an array that has already been consumed. Create a Secret from the key once, and pass that.`
    )
}

/**
 * A secret's bytes, which the addon may read and wipe: these, or a copy outside of V8's heap. Small ones, and those that it
 * throws for, are zero-filled already when it ends.
 */
export function take(bytes: Uint8Array, name: string): Uint8Array {
  try {
    const taken = takeText(bytes, name)
    refuseConsumed(taken, name)
    return taken
  } catch (error) {
    wipe([bytes])
    throw error
  }
}

/** The same for bytes that may contain a secret: any content is accepted, and bytes that it throws for keep theirs. */
export function takeText(bytes: Uint8Array, name: string): Uint8Array {
  const length = lengthOf(bytes)
  if (length > ON_HEAP_BYTES) {
    refuseUnusable(bytes, name)
    return bytes
  }
  const copy = offHeap(length)
  // A detached array is refused next.
  if (length > 0) set.call(copy, bytes)
  wipe([bytes])
  try {
    refuseUnusable(bytes, name)
    return copy
  } catch (error) {
    giveBack(bytes, copy)
    throw error
  }
}

/** Returns to small bytes what was taken from them, or what has become of it, and wipes the copy. */
export function giveBack(bytes: Uint8Array, copy: Uint8Array) {
  // A detached array has no length, and takes none.
  if (lengthOf(bytes) > 0) set.call(bytes, copy)
  wipe([copy])
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
