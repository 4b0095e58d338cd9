// The public types of usage, failures and billing: what a run used, why it failed, and totals of several runs.
import type { CredentialInfo, ProviderEnv, ProviderId, ProviderProcess } from '../index.js'

/**
 * Token counts with the same meaning for both providers, that of OpenTelemetry's conventions for generative AI. They
 * are whole numbers of at most 2^53 - 1.
 */
export interface TokenCounts {
  /**
   * All input tokens, including `cachedInputTokens` and `cacheWriteInputTokens`. (Claude Code itself reports the number
   * without them.)
   */
  inputTokens: number
  /** Input tokens that were read from the cache. */
  cachedInputTokens: number
  /** Input tokens that were written to the cache. */
  cacheWriteInputTokens: number
  /** All output tokens, including `reasoningTokens`. */
  outputTokens: number
  /** Output tokens that the model used for reasoning. */
  reasoningTokens: number
}

/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** The cost in US dollars, as the CLI calculates it; `null` if it does not. */
  costUsd: number | null
}

/** What a thread of Codex has used in all its runs. This is plain data: store it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

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

/** What a run failed at; `docs/usage.md` has the words of both CLIs for each. */
export type ProviderFailureKind = import('../binding').FailureKind

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
  /** What it may report for the credential that it received. */
  expected: string[]
  /** What it reported, if that is a known word; otherwise `"other"`. */
  claimed: string
}

/** Options of a {@link UsageMeter}. */
export interface UsageMeterOptions {
  /**
   * The kind of credential that the CLI received, to compare with what it reports (claude). Default: nothing is
   * compared.
   */
  credential?: 'api-key' | 'oauth-token' | 'config-dir' | undefined
  /** The model, if the output does not name it (codex). */
  model?: string | undefined
  /**
   * Whether the run continues an earlier thread of Codex, or a session of Claude Code that is read as `json`. Its
   * earlier usage is then that of `thread` (codex), or what this process has read of it in this `workspace`. If neither
   * is known, `complete` stays false, and the first turn is not counted (codex) or counts only what the agent itself
   * used (claude). Default: false.
   */
  resumed?: boolean | undefined
  /**
   * Pass `false` if the run cannot have subagents (codex: it was started with the override `agents.enabled=false`).
   * Otherwise `complete` stays false for codex, because its events do not report all subagents. Default: true.
   */
  subagents?: boolean | undefined
  /**
   * {@link ProviderUsage.thread} of the thread's last run, if another process read that run. It then takes precedence
   * over what this process knows.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * The workspace of the run. What this process has read of a thread is kept for runs of the same workspace, including
   * those with a ProviderEnv whose `workspace.id` is the same. Without it, nothing is kept beyond this meter, and codex
   * requires either `thread` or `resumed`, because it reports the total of a thread.
   */
  workspace?: string | undefined
}

/**
 * Reads JSON output of a CLI that this package did not start, for example because the Codex SDK starts the CLI itself.
 * Use one meter for each run, or for several runs of one thread.
 */
export class UsageMeter {
  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(provider: ProviderId, options?: UsageMeterOptions)
  readonly provider: ProviderId
  readonly usage: ProviderUsage
  readonly failure: ProviderFailure | null
  readonly credentialMismatch: CredentialMismatch | null
  /** Reads the next part of the output, which may be split anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this
  /** Reads one event, as an SDK provides it. */
  event(event: object): this
  /** Ends the run. Pass `null`, the default, if the exit code is unknown. Later output is not read. */
  end(code?: number | null): this
}

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

/**
 * Totals per workspace, provider and generation of the credential. Beyond `maxEntries`, the least recently used entry
 * is added to `other`, so that sums stay exact. A ledger belongs to the thread that created it: create one in each
 * worker thread, and add up what they export.
 */
export class UsageLedger {
  /** @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the methods. */
  constructor(options?: UsageLedgerOptions)
  /** The number of entries, without `other`. */
  readonly size: number
  /**
   * Adds a run that has ended. Its cost may be at most a trillion dollars.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN` for a provider that does not exist, as does `track`.
   */
  record(usage: ProviderUsage, labels: LedgerLabels): void
  /**
   * Adds each turn of a run when it is reported, and at the end of the run also what an unreported turn used. Call it
   * once per run and ledger; further calls have no effect. A process whose stdout is not read for usage (see
   * {@link SpawnOptions.usage}) is added at its end as a run without tokens, in `runs` and in `incompleteRuns`.
   */
  track(run: ProviderProcess | UsageMeter, labels: Partial<LedgerLabels> & { workspace: string }): void
  toJSON(): LedgerSnapshot
  /**
   * Returns the counters `provider_env_…_total` in Prometheus' text format 0.0.4, with the labels `workspace`,
   * `provider` and `generation`; `other` is the series without labels. No label is a secret unless you pass one.
   */
  toPrometheus(): string
}

/** The facts about an environment that a badge can show. */
export interface ProviderDescription {
  provider: ProviderId
  /** The name of the CLI, such as `"Claude Code"`. */
  name: string
  vendor: string
  modelFamily: string
  credentialKind: CredentialInfo['kind']
  credentialSource: CredentialInfo['source']
  /**
   * Who pays: the server for its own credential of any kind; otherwise the workspace for a key, by use, and a
   * subscription for a token or login. A login in a config directory counts as a subscription, although the CLI may
   * keep a key there.
   */
  billedTo: 'workspace' | 'server' | 'subscription'
  /** See {@link CredentialInfo.fingerprint}. */
  fingerprint: string | null
}

/** Describes an environment, even after it was disposed of. */
export function describeProvider(env: ProviderEnv): ProviderDescription
