// Ends the streams of a run that has ended, together with its process group, if another process still holds their other
// end.

import type { Readable } from 'node:stream'
import { intercept } from './child-streams.ts'

/**
 * A process that left the group, or took the descriptor over (`pidfd_getfd(2)`), could hold back `close`, and with it
 * the bill, for as long as it likes. What was written before is read first: only a stream that has brought nothing for
 * two looks is ended. Between two looks the event loop has polled, so a busy thread is not taken for silence.
 */
const LOOK_MS = 500
const LOOKS = 2

export function endHeldStreams(streams: readonly (Readable | null)[]) {
  for (const stream of streams) if (stream) watch(stream, count(stream), -1, 0)
}

/**
 * The same, and one that never falls silent is ended too, once all that was written before must have been read: that was no
 * more than a socket holds, and came first.
 */
export function cutHeldStreams(streams: readonly (Readable | null)[]) {
  for (const stream of streams) if (stream) watch(stream, count(stream), -1, 0, { drained: 0, end: MOST_HELD_BYTES })
}

/** More than the kernel keeps for one socket (net.core.wmem_max is some hundred KiB). */
const MOST_HELD_BYTES = 16 * 1024 * 1024
/** Looks that have found nothing left to be read. */
const MOST_DRAINED = 6

/** Counts the bytes that a stream brings from now on: under Bun it has no `bytesRead`. */
function count(stream: Readable): () => number {
  let bytes = 0
  intercept(stream, (chunk, pass) => {
    bytes += chunk?.length ?? 0
    return pass(chunk)
  })
  return () => bytes
}

/**
 * @param count Of what it has brought.
 * @param read Bytes at the last look.
 * @param quiet Looks without any.
 */
function watch(stream: Readable, count: () => number, read: number, quiet: number, bounds?: { drained: number; end: number }) {
  // The stream itself keeps the event loop alive.
  setTimeout(() => {
    if (stream.destroyed || stream.readableEnded) return
    const bytes = count()
    const isDrained = stream.readableLength === 0
    const isQuiet = bytes === read && isDrained
    if (isQuiet && quiet + 1 >= LOOKS) return void stream.push(null)
    if (bounds !== undefined) {
      if (isDrained) bounds.drained += 1
      if (bounds.drained >= MOST_DRAINED || bytes > bounds.end) return void stream.push(null)
    }
    watch(stream, count, bytes, isQuiet ? quiet + 1 : 0, bounds)
  }, LOOK_MS).unref()
}
