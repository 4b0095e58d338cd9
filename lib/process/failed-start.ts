// A start that fails before there is a process: it has the streams that the caller expects, and emits the error as an
// event.

import type { Readable, Writable, WritableOptions } from 'node:stream'
import { builtin } from '../internal/builtins.ts'
import { bare } from '../internal/errors.ts'
import type { Backend } from './backend.ts'
import type { Streams } from './child-streams.ts'
import type { Launch } from './launch.ts'
import type { Driver } from './provider-process.ts'
import { makeProcess } from './provider-process.ts'
import { PIPE } from './stdio.ts'

const drop: NonNullable<WritableOptions['write']> = (_chunk, _encoding, done) => done()

/**
 * Placeholders for the streams that could not be made: what is written is dropped, and there is nothing to read. It takes no
 * descriptor, as there may be none left.
 * @param made The streams that there are.
 */
export function completed({ child }: Launch, made: readonly (Readable | Writable | null | undefined)[]) {
  const ends: (() => void)[] = []
  const streams = child.stdio.map((item, index) => {
    if (made[index] || item !== PIPE) return made[index] ?? null
    if (index === 0) return new (builtin('stream').Writable)(bare({ write: drop }))
    const stream = new (builtin('stream').Readable)(bare({ read: () => {} }))
    ends.push(() => stream.push(null))
    return stream
  })
  return { streams: streams as unknown as Streams, end: () => ends.forEach((end) => end()) }
}

export function failStart(launch: Launch, facts: Pick<Backend, 'startPath' | 'missingProtections'>, error: Error): Driver {
  const { streams, end } = completed(launch, [])
  const idle = { signal: () => false, stop: () => {}, ref: () => {}, unref: () => {} }
  const driver = makeProcess({ ...facts, stdio: streams, ...idle }, launch.facts)
  // Not before the caller can listen.
  process.nextTick(() => {
    end()
    driver.onFailed(error)
  })
  return driver
}
