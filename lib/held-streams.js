// Ends the streams of a run that has ended, together with its process group, if another process still holds their other
// end.
'use strict'

/**
 * A process that left the group, or took the descriptor over (`pidfd_getfd(2)`), could hold back `close`, and with it
 * the bill, for as long as it likes. What was written before is read first: only a stream that has brought nothing for
 * two looks is ended. Between two looks the event loop has polled, so a busy thread is not taken for silence.
 */
const LOOK_MS = 500
const LOOKS = 2

/** @param {readonly any[]} streams */
function endHeldStreams(streams) {
  for (const stream of streams) if (stream) watch(stream, count(stream), -1, 0)
}

/**
 * The same, and one that never falls silent is ended too, once all that was written before must have been read: that was no
 * more than a socket holds, and came first.
 * @param {readonly any[]} streams
 */
function cutHeldStreams(streams) {
  for (const stream of streams) if (stream) watch(stream, count(stream), -1, 0, { drained: 0, end: MOST_HELD_BYTES })
}

/** More than the kernel keeps for one socket (net.core.wmem_max is some hundred KiB). */
const MOST_HELD_BYTES = 16 * 1024 * 1024
/** Looks that have found nothing left to be read. */
const MOST_DRAINED = 6

/**
 * Counts the bytes that a stream brings from now on: under Bun it has no `bytesRead`.
 * @param {any} stream
 * @returns {() => number}
 */
function count(stream) {
  let bytes = 0
  const { push } = stream
  stream.push = (/** @type {Uint8Array | null} */ chunk) => {
    bytes += chunk?.length ?? 0
    return push.call(stream, chunk)
  }
  return () => bytes
}

/**
 * @param {any} stream
 * @param {() => number} count Of what it has brought.
 * @param {number} read Bytes at the last look.
 * @param {number} quiet Looks without any.
 * @param {{ drained: number, end: number }} [bounds]
 */
function watch(stream, count, read, quiet, bounds) {
  // The stream itself keeps the event loop alive.
  setTimeout(() => {
    if (stream.destroyed || stream.readableEnded) return
    const bytes = count()
    const isDrained = stream.readableLength === 0
    const isQuiet = bytes === read && isDrained
    if (isQuiet && quiet + 1 >= LOOKS) return stream.push(null)
    if (bounds !== undefined) {
      if (isDrained) bounds.drained += 1
      if (bounds.drained >= MOST_DRAINED || bytes > bounds.end) return stream.push(null)
    }
    watch(stream, count, bytes, isQuiet ? quiet + 1 : 0, bounds)
  }, LOOK_MS).unref()
}

module.exports = { cutHeldStreams, endHeldStreams }
