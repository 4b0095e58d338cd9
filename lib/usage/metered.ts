// Reads a run's output for usage: the addon's meter, its listeners, and how a ledger finds both.

import type { Changes, ClockTime, FailureKind, LedgerKey, NativeUsageMeter as NativeMeter } from '../../binding.js'
import { own, translate } from '../internal/errors.ts'
import { runUnlessAborted } from '../internal/jobs.ts'
import type { ModelUsage, ThreadTotals, TokenCounts } from './token-counts.ts'
import { flat } from './token-counts.ts'

/** Why a run may have used more than its counts show. `docs/usage.md` explains each reason. */
export type UsageGap =
  /** A turn is in progress, or was interrupted before it was reported. */
  | 'turn-not-reported'
  /** Part of the output could not be read. */
  | 'output-unread'
  /** The report of a turn shows less than its answers. */
  | 'report-too-small'
  /** The CLI reports the total of a resumed session, and the earlier total is unknown. */
  | 'earlier-total-unknown'
  /** The total of a session contradicts what was known about it, for example because its file was changed. */
  | 'total-unbelievable'
  /** codex: `exec review`, or approvals that a model reviews (`--approve-for-me`). No event reports their requests. */
  | 'review'
  /** codex: other threads, such as subagents, worked for this one, and no event reports what they used. */
  | 'subagents'
  /**
   * codex: it is unknown whether other threads worked for this one, because the session's file could not be found, or
   * because the run is read by a {@link UsageMeter}.
   */
  | 'subagents-unknown'
  /** codex: the session was, or may have been, compacted by requests that no event reports. */
  | 'compaction'

/**
 * What a run has used so far, as a snapshot in plain data. It does not include what earlier runs of a resumed session
 * used.
 */
export interface ProviderUsage extends TokenCounts {
  /** The number of turns that have ended: prompts whose end was reported. */
  turns: number
  /** The model with which the run began; for codex, only if the arguments name it. `null` if it is unknown. */
  model: string | null
  /**
   * The usage by model, as far as the models are known. At most 32 models are listed; the usage of others is only in
   * the sum.
   */
  models: Record<string, ModelUsage>
  /**
   * The cost of the turns that have ended, in US dollars, as the CLI calculates it with list prices; `null` for codex.
   */
  costUsd: number | null
  /** Whether the counts are complete, as far as the CLI reports them. If it is false, they are a lower bound. */
  complete: boolean
  /** Why the counts are not complete; empty if `complete` is true. */
  incompleteBecause: UsageGap[]
  /** codex: the thread and its most recent totals; see {@link UsageMeterOptions.thread}. `null` for claude. */
  thread: ThreadTotals | null
}

/** Why a run failed; `docs/usage.md` lists the messages of both CLIs for each kind. */
export type ProviderFailureKind = FailureKind

/** A failure of a run. It contains no text of the CLI or the server, which could repeat a key. */
export interface ProviderFailure {
  kind: ProviderFailureKind
  /** The API's HTTP status, if the CLI reports it. */
  status: number | null
  /**
   * Whether the same run may succeed later without any change: because of its kind, or because one of the next two
   * properties is set.
   */
  retryable: boolean
  /**
   * How long to wait in milliseconds from the time of the CLI's message, if the CLI or the API says so; otherwise
   * `null`.
   */
  retryAfterMs: number | null
  /** When the limit ends, in milliseconds since the epoch, if the CLI or the API says so; otherwise `null`. */
  resetsAt: number | null
  /** Whether the CLI was still retrying when it reported the failure. */
  passing: boolean
  /** What is wrong. */
  message: string
  /** What to do. */
  remedy: string
}

/** The CLI reports that it uses a credential other than the one that it received. */
export interface CredentialMismatch {
  /** The words that it may report for the credential that it received. */
  expected: string[]
  /** What it reported, if that is a known word; otherwise `"other"`. */
  claimed: string
}

/** How long `close` waits for a file system of the tenant's. */
const SEARCH_MS = 5000

const meters: WeakMap<object, Metered> = new WeakMap()

export class Metered {
  native: NativeMeter
  labels: Partial<LedgerKey>
  #listeners: ((changes: Changes) => void)[] = []
  #failed = false
  /** When the last failure was reported. */
  #failedAt = new Date()

  /** @param owner Whom a ledger is given. */
  constructor(owner: object, native: NativeMeter, labels: Partial<LedgerKey>) {
    this.native = native
    this.labels = labels
    meters.set(owner, this)
  }

  listen(listener: (changes: Changes) => void) {
    this.#listeners.push(listener)
  }

  feed(chunk: Uint8Array) {
    this.#call(() => this.native.feed(chunk))
  }

  complain(chunk: Uint8Array) {
    this.#call(() => (this.native.complain(chunk), null))
  }

  /**
   * Finds out whether other threads worked for the run, if its session files show it. Await it before `end`. It
   * returns `undefined` if there is nothing to find out.
   */
  seekSubagents(): Promise<void> | undefined {
    if (this.#failed || !translate(() => this.native.seeksSubagents())) return undefined
    const search = runUnlessAborted((abort) => this.native.seekSubagents(abort), AbortSignal.timeout(SEARCH_MS))
    // Also after a defect, or if a file system hangs: then it is unknown.
    return search.then(
      (found) => this.native.found(found),
      () => this.native.found('unknown')
    )
  }

  end(code: number | null) {
    // Also after a defect: a ledger is to count the run, as incomplete.
    const failed = this.#failed
    this.#failed = false
    this.#call(() => this.native.end(code))
    this.#failed ||= failed
  }

  usage(): ProviderUsage {
    const { tokens, turns, model, models, costUsd, incompleteBecause, thread } = own(this.native.usage())
    return {
      ...tokens,
      turns,
      model,
      models: Object.fromEntries(models.map(({ model, ...used }) => [model, flat(used)])),
      costUsd,
      complete: incompleteBecause.length === 0,
      incompleteBecause,
      thread: thread && flat(thread)
    }
  }

  failure(): ProviderFailure | null {
    const failure = own(this.native.failure())
    if (!failure) return null
    const { resetsByClock, ...told } = failure
    const resetsAt = told.resetsAt ?? this.#byClock(resetsByClock)
    return { ...told, retryable: told.retryable || resetsAt !== null, resetsAt }
  }

  /** A minute of the CLI's clock, by our own if both are in one time zone. Its end, because the CLI omits the seconds. */
  #byClock(clock: ClockTime | null) {
    if (!clock || this.native.timeZone() !== (process.env.TZ ?? '')) return null
    const today = this.#failedAt
    const { year, month, day } = clock.date ?? { year: today.getFullYear(), month: today.getMonth() + 1, day: today.getDate() }
    return new Date(year, month - 1, day, clock.hour, clock.minute + 1).getTime()
  }

  mismatch(): CredentialMismatch | null {
    return own(this.native.mismatch()) ?? null
  }

  /** A defect here must not end the run whose output is read. */
  #call(call: () => Changes | null) {
    if (this.#failed) return
    let changes: Changes | null
    try {
      changes = translate(call)
    } catch {
      this.#failed = true
      // From now on its usage is incomplete.
      this.native.lose()
      changes = { usage: true, failure: false, mismatch: false }
    }
    if (changes === null) return
    if (changes.failure) this.#failedAt = new Date()
    for (const listener of this.#listeners) listener(changes)
  }
}

/** The meter of a ProviderProcess or UsageMeter; `undefined` for anything else. */
export function meterOf(owner: unknown) {
  return typeof owner === 'object' && owner !== null ? meters.get(owner) : undefined
}
