// What reads a run's output for usage: the addon's meter, who listens to it, and where a ledger finds both.

import { own, translate } from '../internal/errors.ts'
import { runUnlessAborted } from '../internal/jobs.ts'
import { flat } from './token-counts.ts'
import type { Changes, NativeClockTime, NativeUsageMeter as NativeMeter, ProviderId } from '../../binding.js'
import type { LedgerLabels } from './usage-ledger.ts'
import type { CredentialInfo } from '../environment/provider-env.ts'
import type { ModelUsage, ThreadTotals, TokenCounts } from './token-counts.ts'

/** Why what a run has used may be more than what is told; `docs/usage.md` has more of each. */
export type UsageGap =
  /** A turn is under way, or was cut off before it was reported. */
  | 'turn-not-reported'
  /** A part of the output could not be read. */
  | 'output-unread'
  /** A turn's report says less than its answers had told. */
  | 'report-too-small'
  /** The CLI tells the total of a session that is resumed, and nobody knows what that was before. */
  | 'earlier-total-unknown'
  /** The total of a session cannot be true beside what was known of it, as when its file was changed. */
  | 'total-unbelievable'
  /** codex: `exec review`, or approvals that a model reviews (`--approve-for-me`): no event tells of their requests. */
  | 'review'
  /** codex: other threads worked for this one, such as subagents, and no event tells what they used. */
  | 'subagents'
  /** codex: nobody can tell whether any did: the session's file could not be found, or it is a {@link UsageMeter}'s run. */
  | 'subagents-unknown'
  /** codex: the session was, or may have been, summed up in requests that no event tells. */
  | 'compaction'

/** What a run has used so far: a snapshot, plain data. What was used before, in a session that is resumed, is not in it. */
export interface ProviderUsage extends TokenCounts {
  /** Turns that are over: prompts whose end was reported. */
  turns: number
  /** The model that the run began with; for codex only where the arguments name it. `null`: not known. */
  model: string | null
  /** By model, as far as the models are known; at most 32, what others use stands in the sum alone. */
  models: Record<string, ModelUsage>
  /** US dollars for the turns that are over, as the CLI reckons them at list prices; `null` for codex. */
  costUsd: number | null
  /** Whether this is all, as far as the CLI tells it. Where it is false, the counts are a lower bound. */
  complete: boolean
  /** Why it is not all; empty when `complete` is true. */
  incompleteBecause: UsageGap[]
  /** codex: the thread and its totals as last reported; see {@link UsageMeterOptions.thread}. `null` for claude. */
  thread: ThreadTotals | null
}

/** What a run failed at; `docs/usage.md` has the words of both CLIs for each. */
export type ProviderFailureKind =
  | 'authentication'
  | 'permission'
  | 'not-logged-in'
  | 'no-credential'
  | 'quota'
  | 'rate-limited'
  | 'overloaded'
  | 'server'
  | 'network'
  | 'endpoint'
  | 'model'
  | 'too-large'
  | 'invalid-request'
  | 'limit'
  | 'no-session'
  | 'configuration'
  | 'unknown'

/** A failure of a run. Nothing in it is the CLI's or the server's text, which may echo a key. */
export interface ProviderFailure {
  kind: ProviderFailureKind
  /** The API's HTTP status, where the CLI tells it. */
  status: number | null
  /** Whether the same run may succeed later with nothing changed: by its kind, or because one of the next two is told. */
  retryable: boolean
  /** How long to wait, counted from when the CLI said so, where it or the API tells it; else `null`. */
  retryAfterMs: number | null
  /** When the limit that was reached ends, in milliseconds since the epoch, where the CLI or the API tells it; else `null`. */
  resetsAt: number | null
  /** Whether the CLI was still trying again when it said so. */
  passing: boolean
  /** What is wrong. */
  message: string
  /** What to do. */
  remedy: string
}

/** The CLI says that it uses another credential than it was given. */
export interface CredentialMismatch {
  /** What it may say of what it was given. */
  expected: string[]
  /** What it said, where that is a word that is known; else `"other"`. */
  claimed: string
}

/** How long `close` waits for a file system of the tenant's. */
const SEARCH_MS = 5000

const meters: WeakMap<object, Metered> = new WeakMap()

export class Metered {
  native: NativeMeter
  labels: Partial<LedgerLabels>
  #listeners: ((changes: Changes) => void)[] = []
  #failed = false
  /** When the last failure was told. */
  #failedAt = new Date()

  /** @param owner Whom a ledger is given. */
  constructor(owner: object, native: NativeMeter, labels: Partial<LedgerLabels>) {
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
   * Finds out whether other threads worked for the run, where its session files tell: to be awaited before `end`. Nothing
   * where there is nothing to find out.
   */
  seekSubagents(): Promise<void> | undefined {
    if (this.#failed || !translate(() => this.native.seeksSubagents())) return undefined
    const search = runUnlessAborted((abort) => this.native.seekSubagents(abort), AbortSignal.timeout(SEARCH_MS))
    // Also after a defect, and where a file system hangs: then nobody knows.
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
      incompleteBecause: incompleteBecause as UsageGap[],
      thread: thread && flat(thread)
    }
  }

  failure(): ProviderFailure | null {
    const failure = own(this.native.failure())
    if (!failure) return null
    const { resetsByClock, ...told } = failure
    const resetsAt = told.resetsAt ?? this.#byClock(resetsByClock)
    return { ...told, retryable: told.retryable || resetsAt !== null, resetsAt } as ProviderFailure
  }

  /** A minute of the CLI's clock, by our own where both are in one time zone. Its end: the CLI leaves the seconds out. */
  #byClock(clock: NativeClockTime | null) {
    if (!clock || this.native.timeZone() !== (process.env.TZ ?? '')) return null
    const today = this.#failedAt
    const { year, month, day } = clock.date ?? { year: today.getFullYear(), month: today.getMonth() + 1, day: today.getDate() }
    return new Date(year, month - 1, day, clock.hour, clock.minute + 1).getTime()
  }

  mismatch(): CredentialMismatch | null {
    return (own(this.native.mismatch()) ?? null) as CredentialMismatch | null
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

/** The labels of a process in a ledger. A store's generation alone would mix keys: each store begins at 1 in each process. */
export function labelsOf({ provider, credential }: { provider: string; credential: CredentialInfo }) {
  const generation = [credential.generation, credential.fingerprint].filter((part) => part !== null).join('-') || 'none'
  return { provider: provider as ProviderId, generation }
}
