// The wire buffer: a payload and its options, packed into one buffer outside V8's heap, which the addon reads and
// wipes. The addon defines the tags with which records begin (`WireTag`).
//
// A string is written there directly: joining strings would make another copy of each secret, which cannot be wiped.

import type { NativeSecret, WireTag } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { providerError } from '../internal/errors.ts'
import { lengthOf } from '../secret/secret-input.ts'

const HEADER_BYTES = 9
const FIRST_BYTES = 16 * 1024
/** A larger buffer is not kept for the next call. */
const KEPT_BYTES = 256 * 1024
/** A string has no fewer bytes than units, so what is longer is refused before room is made for it. */
const MOST_BYTES = binding.inputLimits().bytes
/** UTF-8 takes three bytes at the most for a UTF-16 code unit. */
const BYTES_PER_UNIT = 3

export class WireBuffer {
  #buffer
  #length = 0
  /** The secrets that records name by their place. */
  handles: NativeSecret[] = []

  constructor() {
    // Not from Node's pool: the addon wipes all that it is given, and the pool's neighbours are not ours.
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  add(tag: WireTag, name: string, value: string | Uint8Array) {
    const length = typeof value === 'string' ? value.length : lengthOf(value)
    if (this.#length + name.length + length > MOST_BYTES) throw tooLarge()
    const valueBytes = typeof value === 'string' ? length * BYTES_PER_UNIT : length
    this.#reserve(HEADER_BYTES + name.length * BYTES_PER_UNIT + valueBytes)
    const buffer = this.#buffer
    const start = this.#length
    let end = start + HEADER_BYTES
    const nameLength = writeName(buffer, name, end)
    end += nameLength
    const valueLength = write(buffer, value, end)
    buffer[start] = tag
    writeLength(buffer, start + 1, nameLength)
    writeLength(buffer, start + 5, valueLength)
    this.#length = end + valueLength
  }

  /** A secret that the addon holds already. */
  addHandle(tag: WireTag, name: string, handle: NativeSecret) {
    const place = new Uint8Array(4)
    writeLength(place, 0, this.handles.push(handle) - 1)
    this.add(tag | binding.WIRE_HANDLE, name, place)
  }

  /** The records so far. The addon wipes them. */
  bytes() {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Wipes it: the addon does too, unless it was never called. */
  wipe() {
    this.#buffer.fill(0, 0, this.#length)
    this.#length = 0
    if (this.handles.length > 0) this.handles = []
  }

  /** Whether it is worth keeping. */
  get isSmall() {
    return this.#buffer.length <= KEPT_BYTES
  }

  #reserve(more: number) {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer.fill(0, 0, this.#length)
    this.#buffer = larger
  }
}

function tooLarge() {
  return providerError({
    code: 'ERR_PROVIDER_PAYLOAD_TOO_LARGE',
    message: `The payload and its options are larger than ${MOST_BYTES} bytes. Pass large values in files.`
  })
}

function writeLength(buffer: Uint8Array, at: number, length: number) {
  buffer[at] = length
  buffer[at + 1] = length >>> 8
  buffer[at + 2] = length >>> 16
  buffer[at + 3] = length >>> 24
}

/**
 * Names are short and almost always ASCII, which takes less time than the call of `write` does. A value is a secret, perhaps
 * joined of strings, which V8 would copy into one to read its characters.
 */
function writeName(buffer: Buffer, name: string, at: number) {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if (code > 0x7f) return buffer.write(name, at)
    buffer[at + index] = code
  }
  return name.length
}

function write(buffer: Buffer, value: string | Uint8Array, at: number) {
  if (typeof value === 'string') return value === '' ? 0 : buffer.write(value, at)
  const length = lengthOf(value)
  // Nothing is also what a detached array has, which `set` would throw for: it is refused by name next.
  if (length > 0) buffer.set(value, at)
  return length
}

/** One serves call after call; a call within a call (by a getter of the payload) makes its own. */
let spare: WireBuffer | undefined

/** Lends a wire buffer to `use`, and wipes it afterwards. */
export function withWireBuffer<T>(use: (wire: WireBuffer) => T): T {
  const wire = spare ?? new WireBuffer()
  spare = undefined
  try {
    return use(wire)
  } finally {
    wire.wipe()
    if (wire.isSmall) spare = wire
  }
}
