// `redactOutput`: redacts the secrets of a launch in the child's streams, in place, as the chunks arrive.

import type { Readable } from 'node:stream'
import type { NativeProviderEnv, NativeRedactorStream as RedactorStream, Stdio } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { MissingProtection } from './backend.ts'
import type { Streams } from './child-streams.ts'
import { intercept } from './child-streams.ts'
import { IGNORE, PIPE } from './stdio.ts'

/**
 * The streams that may be scrubbed: their place among the standard streams, and the protection that is missing if one
 * that is scrubbed by default cannot be.
 */
const STREAMS = [
  ['stdout', 1, undefined],
  ['stderr', 2, 'stderr-redaction']
] as const

export interface RedactOutput {
  /** The standard streams to be scrubbed. */
  indexes: number[]
  /** What is on by default and cannot be. */
  missing: MissingProtection[]
}

export function readRedactOutput(value: unknown, stdio: Stdio[]): RedactOutput {
  const wanted =
    typeof value === 'boolean' ? { stdout: value, stderr: value } : validate.options('options.redactOutput', value, ['stdout', 'stderr'])
  const read: RedactOutput = { indexes: [], missing: [] }
  for (const [name, index, protection] of STREAMS) {
    const asked = validate.optionalBoolean(`options.redactOutput.${name}`, wanted[name])
    if (!(asked ?? protection !== undefined)) continue
    if (stdio[index] === PIPE) read.indexes.push(index)
    // Nothing is written to /dev/null that anybody could read.
    else if (stdio[index] === IGNORE) continue
    else if (asked)
      throw validate.wrongValue(
        'options.redactOutput',
        `names ${name}, which does not pass through this process. Set it to 'pipe' in options.stdio.`
      )
    else if (protection) read.missing.push(protection)
  }
  return read
}

/**
 * Scrubs what the streams of a start push, from their first byte on. To be called in the same turn of the event loop as
 * the start: later the environment may have been disposed of. What is looked for stays until its stream has closed.
 */
export function redact({ env, redactOutput: { indexes } }: { env: NativeProviderEnv; redactOutput: RedactOutput }, streams: Streams) {
  if (indexes.length === 0) return
  const redaction = translate(() => binding.launchRedaction(env, indexes.length))
  indexes.forEach((index, at) => {
    const stream = streams[index] as Readable
    scrub(stream, redaction[at])
    stream.once('close', () => redaction[at].dispose())
  })
}

function scrub(stream: Readable, redaction: RedactorStream) {
  /** What may be passed on, in two parts. */
  const scrubbed = (chunk: Uint8Array | null): (Uint8Array | null | undefined)[] => {
    if (chunk === null) return [translate(() => redaction.finish()) ?? undefined, null]
    const { before, through } = translate(() => redaction.feed(chunk))
    return [before ?? undefined, through > 0 ? chunk.subarray(0, through) : undefined]
  }
  intercept(stream, (chunk, push) => {
    const pass = (part: Uint8Array | null | undefined) => (part === null || (part && part.length > 0) ? push(part) : true)
    let parts: (Uint8Array | null | undefined)[]
    try {
      parts = scrubbed(chunk)
    } catch (error) {
      // Nothing goes through that was not scrubbed, and a throw from here would end the worker with all its tenants.
      stream.destroy(error as Error)
      return false
    }
    let more = true
    try {
      more = pass(parts[0])
    } finally {
      // What a listener throws is its caller's, as with child_process. Nothing is lost for it.
      more = pass(parts[1]) && more
    }
    return more
  })
}
