// A child's standard streams, and what is done to them in place: a chunk is read, scrubbed or counted when its source pushes
// it. That is one stream less than a Transform behind each.

import type { Readable, Writable } from 'node:stream'

/** stdin, stdout and stderr; null for one that is no pipe. */
export type Streams = [Writable | null, Readable | null, Readable | null]

/** Takes a chunk, or null at the end. False asks the source to wait. */
type Push = (chunk: Uint8Array | null) => boolean

/**
 * Has what the source of a stream pushes go to `through`, which passes it on. Whoever comes last sees it first. Node's and
 * Bun's sockets call `push`.
 */
export function intercept(stream: Readable, through: (chunk: Uint8Array | null, pass: Push) => boolean) {
  const push = stream.push
  const pass: Push = (chunk) => push.call(stream, chunk)
  stream.push = (chunk) => through(chunk, pass)
}

/** Keeps a stream from reading until the returned function is called: the child may write before its pid is known here. */
export function hold(stream: Readable) {
  let wanted = false
  stream._read = () => {
    wanted = true
  }
  return () => {
    Reflect.deleteProperty(stream, '_read')
    // Even if no data is wanted yet: only a read finds the end.
    if (wanted) stream._read(0)
    else stream.read(0)
  }
}
