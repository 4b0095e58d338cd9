// Packs a payload and its options into one buffer outside of V8's heap, which the addon reads and wipes.
//
// A string is written there directly: joining strings would make another copy of each secret that nobody can wipe.
'use strict'

/** What a record says; src/node/frame.rs has the same list. */
const TAG = Object.freeze({
  provider: 0,
  apiKey: 1,
  oauthAccessToken: 2,
  sessionCookie: 3,
  userEnvKey: 4,
  base: 5,
  inherit: 6,
  inheritAbsent: 7,
  set: 8,
  baseUrl: 9,
  stateDir: 10,
  workspaceKey: 11,
  workspaceId: 12,
  workspaceUserId: 13,
  workspaceDir: 14,
  workspaceHome: 15,
  workspaceTmpDir: 16
})

const HEADER_BYTES = 9
const FIRST_BYTES = 16 * 1024
/** UTF-8 takes three bytes at the most for a UTF-16 code unit. */
const BYTES_PER_UNIT = 3

class Frame {
  #buffer
  #length = 0

  constructor() {
    // Not from Node's pool: the addon wipes all that it is given, and the pool's neighbours are not ours.
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  /**
   * @param {number} tag
   * @param {string} name
   * @param {string | Uint8Array} value
   */
  add(tag, name, value) {
    const valueBytes = typeof value === 'string' ? value.length * BYTES_PER_UNIT : value.length
    this.#reserve(HEADER_BYTES + name.length * BYTES_PER_UNIT + valueBytes)
    const buffer = this.#buffer
    const start = this.#length
    let end = start + HEADER_BYTES
    const nameLength = name === '' ? 0 : buffer.write(name, end)
    end += nameLength
    const valueLength = write(buffer, value, end)
    buffer[start] = tag
    buffer.writeUInt32LE(nameLength, start + 1)
    buffer.writeUInt32LE(valueLength, start + 5)
    this.#length = end + valueLength
  }

  /** The records so far. The addon wipes them. */
  bytes() {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Wipes it: for when the addon was never called. */
  wipe() {
    this.#buffer.fill(0, 0, this.#length)
  }

  /** @param {number} more */
  #reserve(more) {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.wipe()
    this.#buffer = larger
  }
}

/**
 * @param {Buffer} buffer
 * @param {string | Uint8Array} value
 * @param {number} at
 */
function write(buffer, value, at) {
  if (typeof value === 'string') return value === '' ? 0 : buffer.write(value, at)
  buffer.set(value, at)
  return value.length
}

module.exports = { Frame, TAG }
