// The audit of the broker as an async iterable of records, and as a stream of JSON lines.

import type { Readable } from 'node:stream'
import type { AuditOutcome, NativeAuditReader, NativeBroker, ProviderId, RefusalReason } from '../../binding.js'
import { builtin } from '../internal/builtins.ts'
import { bare, own, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import { weakly } from '../internal/weakly.ts'

/** One request that came to the broker. It contains no header value and no body. */
export interface AuditRecord {
  /** When the request ended, in milliseconds since 1970. */
  readonly time: number
  readonly provider: ProviderId
  /** `workspace.id` of the launch; `null` if the request proved none. */
  readonly workspace: string | null
  /** The number of the launch's grant, counted from 1 in this process; `null` if the request proved none. */
  readonly grant: number | null
  /** The uid of the process that made the connection, according to the kernel. */
  readonly uid: number | null
  /** The pid of that process, if the kernel reported it. */
  readonly pid: number | null
  readonly method: string
  /** The path without its query, at most 256 bytes. The client chose the path of a refused request. */
  readonly path: string
  /** The status of the answer; `null` if there was none. */
  readonly status: number | null
  /** The bytes of the request's body, or those that a WebSocket sent. */
  readonly bytesUp: number
  readonly bytesDown: number
  readonly milliseconds: number
  /** The number of the credential that the request carried, counted from 1; `null` if it carried none. */
  readonly generation: number | null
  readonly outcome: AuditOutcome
  /** The reason of the outcome `"refused"`; otherwise `null`. */
  readonly reason: RefusalReason | null
}

/** Options of {@link Broker.audit} and {@link Broker.auditLines}. */
export interface AuditOptions {
  /**
   * Whether a read that waits for the next record keeps the process running, as with `fs.watch`. Default: true.
   */
  persistent?: boolean | undefined
}

/** How many records are taken at once. */
const BATCH = 128
/** The time between two calls from the addon. Under load, one call is for all records of this time. */
const PAUSE_MS = 10
/** The longest that a timer can be set to (Node's TIMEOUT_MAX). */
const FOREVER = 2 ** 31 - 1

/** Reads the audit for as long as nobody else does. */
class AuditSource {
  #native: NativeAuditReader
  #isPersistent: boolean
  /** Ends the wait that is under way. */
  #resume: (() => void) | undefined
  #calledAt = 0
  #wake = () => {
    this.#calledAt = performance.now()
    this.#resume?.()
  }

  constructor(broker: NativeBroker, isPersistent: boolean) {
    this.#isPersistent = isPersistent
    this.#native = translate(() => broker.readAudit(weakly(this.#wake)))
  }

  /** The next records in the form that `take` gives them; `undefined` when there will be none. */
  async next<T extends { readonly length: number }>(take: (native: NativeAuditReader) => T): Promise<T | undefined> {
    for (;;) {
      const taken = take(this.#native)
      if (taken.length > 0) return taken
      const pause = this.#calledAt + PAUSE_MS - performance.now()
      this.#calledAt = 0
      if (pause > 0) {
        await this.#sleep(pause)
        continue
      }
      const state = this.#native.wait()
      if (state === 'ended') break
      if (state === 'until-called') await this.#sleep(FOREVER)
    }
    this.end()
    return undefined
  }

  /** Lets somebody else read. */
  end() {
    this.#native.dispose()
    this.#resume?.()
  }

  /** The timer keeps the waiting promise reachable, and the event loop alive. */
  #sleep(milliseconds: number) {
    return new Promise<void>((resolve) => {
      const resume = () => {
        clearInterval(timer)
        this.#resume = undefined
        resolve()
      }
      this.#resume = resume
      const timer = setInterval(resume, milliseconds)
      if (!this.#isPersistent) timer.unref()
    })
  }
}

/** Returns one record after another, also if several reads begin at once. */
class AuditRecords implements AsyncIterableIterator<AuditRecord> {
  #source: AuditSource
  #batch: AuditRecord[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(source: AuditSource) {
    this.#source = source
  }

  next(): Promise<IteratorResult<AuditRecord>> {
    const next = this.#last.then(() => this.#pull())
    this.#last = next
    return next
  }

  async return(): Promise<IteratorResult<AuditRecord>> {
    this.#batch = []
    this.#source.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator]() {
    return this
  }

  async #pull(): Promise<IteratorResult<AuditRecord>> {
    if (this.#batch.length === 0) {
      const taken = await this.#source.next((native) => native.take(BATCH))
      if (!taken) return { done: true, value: undefined }
      // So that pop(), which is cheap, returns the oldest record.
      this.#batch = (own(taken) as AuditRecord[]).reverse()
    }
    return { done: false, value: this.#batch.pop() as AuditRecord }
  }
}

export function auditRecords(broker: NativeBroker, options: unknown): AsyncIterableIterator<AuditRecord> {
  return new AuditRecords(sourceOf(broker, options))
}

export function auditLines(broker: NativeBroker, options: unknown): Readable {
  const source = sourceOf(broker, options)
  // Node reads other options from a prototype.
  const settings = bare({
    read(this: Readable) {
      source
        .next((native) => native.takeLines(BATCH))
        .then(
          (lines) => this.push(lines ?? null),
          (error) => this.destroy(error)
        )
    },
    destroy(_: Error | null, done: (error?: Error | null) => void) {
      source.end()
      done(_)
    }
  })
  return new (builtin('stream').Readable)(settings)
}

function sourceOf(broker: NativeBroker, options: unknown) {
  const { persistent } = validate.options('options', options, ['persistent'])
  return new AuditSource(broker, validate.optionalBoolean('options.persistent', persistent) ?? true)
}
