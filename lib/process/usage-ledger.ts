// class UsageLedger: totals of many runs per workspace, provider and generation of the credential.

import type { LedgerKey, NativeUsageLedger, ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { own, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { ProviderUsage } from '../usage/metered.ts'
import { Metered, meterOf } from '../usage/metered.ts'
import type { TokenCounts } from '../usage/token-counts.ts'
import { flat, readCount, readTokens, TOKEN_COUNTS } from '../usage/token-counts.ts'
import type { UsageMeter } from '../usage/usage-meter.ts'
import { ProviderProcess, running } from './provider-process.ts'
import { labelsOf } from './usage-tap.ts'

/** The labels of an entry. Each is 1 to 256 bytes of UTF-8, without unpaired surrogates. */
export interface LedgerLabels {
  workspace: string
  provider: ProviderId
  /**
   * The credential among those of the workspace: a string, or a whole number from 0. Default for a ProviderProcess:
   * `"<fingerprint>"`, or `"<generation>-<fingerprint>"` if the credential comes from a store; otherwise `"none"`.
   * Fingerprints and generations change with each process: for totals that outlast it, pass the name of the key in your
   * own records, such as the version of its row.
   */
  generation?: string | number | undefined
}

/** Options of a {@link UsageLedger}. */
export interface UsageLedgerOptions {
  /**
   * The number of separate entries, 1 to 1 000 000, provided that their lines for Prometheus are at most 256 MiB in
   * total. Default: 10 000, which always fit.
   */
  maxEntries?: number | undefined
}

/** Totals of runs. */
export interface LedgerCounts extends TokenCounts {
  turns: number
  /** Runs that have ended. */
  runs: number
  /** Runs that have ended and whose usage is a lower bound. */
  incompleteRuns: number
  /** The cost in US dollars, as far as the CLIs report it, summed in units of 10^-12; `null` if none was reported. */
  costUsd: number | null
}

/** A ledger as plain data. */
export interface LedgerSnapshot {
  /** Sorted by workspace, provider and generation. */
  entries: (LedgerCounts & { workspace: string; provider: string; generation: string })[]
  /** The sum of the entries that were evicted; `null` if there are none. */
  other: LedgerCounts | null
  /** The number of entries that were evicted. */
  evicted: number
  /** The sum of everything, `other` included. */
  total: LedgerCounts
}

const DEFAULT_ENTRIES = 10_000
const MOST_ENTRIES = 1_000_000
const USAGE = [...TOKEN_COUNTS, 'turns', 'costUsd', 'complete']
const LABELS = validate.members({ workspace: true, provider: true, generation: true } satisfies Record<keyof LedgerKey, true>)

/**
 * Totals per workspace, provider and generation of the credential. Beyond `maxEntries`, the least recently used entry
 * is added to `other`, so that sums stay exact. A ledger belongs to the thread that created it: create one in each
 * worker thread, and add up what they export.
 */
export class UsageLedger {
  #native: NativeUsageLedger

  /** @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the methods. */
  constructor(options?: UsageLedgerOptions) {
    const read = validate.options('options', options, ['maxEntries'])
    const most = validate.optionalCount('options.maxEntries', read.maxEntries, MOST_ENTRIES) ?? DEFAULT_ENTRIES
    if (most === 0) throw validate.wrongValue('options.maxEntries', `must be a whole number from 1 to ${MOST_ENTRIES}.`)
    this.#native = new binding.NativeUsageLedger(most)
  }

  /** The number of entries, without `other`. */
  get size(): number {
    return this.#native.size
  }

  /**
   * Adds a run that has ended. Its cost may be at most a trillion dollars.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN` for a provider that does not exist, as does `track`.
   */
  record(usage: ProviderUsage, labels: LedgerLabels): void {
    const given = validate.fields('usage', usage, USAGE)
    const tokens = readTokens('usage', given)
    const turns = readCount('usage.turns', given.turns)
    const costUsd = validate.optionalNumber('usage.costUsd', given.costUsd ?? undefined)
    const complete = validate.optionalBoolean('usage.complete', given.complete) ?? true
    const ownLabels = readLabels(labels, {})
    translate(() => this.#native.record(ownLabels, { tokens, turns, costUsd, complete }))
  }

  /**
   * Adds each turn of a run when it is reported, and at the end of the run also what an unreported turn used. Call it
   * once per run and ledger; further calls have no effect. A process whose stdout is not read for usage (see
   * {@link SpawnOptions.usage}) is added at its end as a run without tokens, in `runs` and in `incompleteRuns`.
   */
  track(run: ProviderProcess | UsageMeter, labels: Partial<LedgerLabels> & { workspace: string }): void {
    const metered = meterOf(run) ?? (run instanceof ProviderProcess ? unread(run) : undefined)
    if (!metered) throw validate.wrongType('run', 'a ProviderProcess or a UsageMeter', run)
    const ownLabels = readLabels(labels, metered.labels)
    const follow = () => translate(() => this.#native.follow(ownLabels, metered.native))
    follow()
    metered.listen(follow)
  }

  toJSON(): LedgerSnapshot {
    const entries = own(this.#native.entries()).map(({ key, counts }) => ({ ...key, ...flat(counts) }))
    const { evicted } = this.#native
    return { entries, other: evicted > 0 ? flat(this.#native.others()) : null, evicted, total: flat(this.#native.total()) }
  }

  /**
   * Returns the counters `provider_env_…_total` in Prometheus' text format 0.0.4, with the labels `workspace`,
   * `provider` and `generation`; `other` is the series without labels. No label is a secret unless you pass one.
   */
  toPrometheus(): string {
    return this.#native.exposition()
  }
}

/**
 * For a process that is not read: a run that used an unknown amount. Its start cannot be undone, so
 * there is no error.
 */
function unread(child: ProviderProcess) {
  const native = translate(() =>
    binding.meterOf(child.provider, {
      credential: undefined,
      model: undefined,
      resumed: false,
      thread: undefined,
      workspace: undefined,
      subagents: true
    })
  )
  const metered = new Metered(child, native, labelsOf(child))
  if (running.has(child)) child.once('close', () => metered.end(null))
  else metered.end(null)
  return metered
}

/** @param known The defaults. */
function readLabels(value: unknown, known: Partial<LedgerKey>): LedgerKey {
  const given = validate.options('labels', value, LABELS)
  const all = LABELS.map((name) => {
    // A credential store counts its generations.
    const label = given[name] ?? (Object.hasOwn(known, name) ? known[name] : undefined) ?? (name === 'generation' ? 'none' : undefined)
    const text = name === 'generation' && typeof label === 'number' ? String(validate.optionalCount('labels.generation', label)) : label
    return [
      name,
      validate.wellFormed(`labels.${name}`, validate.required(`labels.${name}`, validate.optionalString(`labels.${name}`, text)))
    ]
  })
  return Object.fromEntries(all)
}
