// The types of usage, failures and billing: what a run used, what it failed at, and totals of many.
import type { CredentialInfo, ProviderEnv, ProviderId, ProviderProcess } from '../index.js'

/**
 * Tokens, in one meaning for both providers: that of OpenTelemetry's conventions for generative AI. Whole numbers, at
 * most 2^53 - 1.
 */
export interface TokenCounts {
  /** All that went in, `cachedInputTokens` and `cacheWriteInputTokens` included. (Claude Code itself tells it without them.) */
  inputTokens: number
  /** Input that was read from the cache. */
  cachedInputTokens: number
  /** Input that was written to the cache. */
  cacheWriteInputTokens: number
  /** All that came out, `reasoningTokens` included. */
  outputTokens: number
  /** Output that the model thought with. */
  reasoningTokens: number
}

/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** US dollars, as the CLI reckons them; `null` where it does not. */
  costUsd: number | null
}

/** What a thread of Codex has used in all its runs. Plain data: keep it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

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
export type ProviderFailureKind = import('../binding').FailureKind

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

/** Options of a {@link UsageMeter}. */
export interface UsageMeterOptions {
  /** What the CLI was given, to be compared with what it says (claude). Default: nothing is compared. */
  credential?: 'api-key' | 'oauth-token' | 'config-dir' | undefined
  /** The model, where the output does not tell it (codex). */
  model?: string | undefined
  /**
   * Whether the run goes on with an earlier thread of Codex, or session of Claude Code that is read as `json`. What that had
   * used is then `thread` (codex), or what this process has read of it in this `workspace`. When neither is known, `complete`
   * stays false, and the first turn counts nothing (codex) or what the agent alone used in it (claude). Default false.
   */
  resumed?: boolean | undefined
  /**
   * Say `false` where the run can have no subagents (codex: started with the override `agents.enabled=false`). Otherwise
   * `complete` stays false for codex, as its events do not tell of all subagents. Default true.
   */
  subagents?: boolean | undefined
  /** {@link ProviderUsage.thread} of the thread's last run, where another process read that. It alone counts then. */
  thread?: ThreadTotals | null | undefined
  /**
   * Whose run it is: what this process has read of a thread is kept for runs of the same workspace, a
   * ProviderEnv's `workspace.id` included. Without it nothing is kept beyond this
   * meter, and for codex either `thread` or `resumed` must be given: it reports the total of a thread.
   */
  workspace?: string | undefined
}

/**
 * Reads a CLI's JSON output that this package does not see, as when the Codex SDK starts the CLI itself. One for each run,
 * or for several runs of one thread.
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
  /** The next piece of the output, cut anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this
  /** One event, as an SDK gives it. */
  event(event: object): this
  /** The run has ended; `null`, the default, when its exit code is not known. What comes after is not read. */
  end(code?: number | null): this
}

/** Whose usage. Each is 1 to 256 bytes of UTF-8, without half of a surrogate pair. */
export interface LedgerLabels {
  workspace: string
  provider: ProviderId
  /**
   * Which of the workspace's credentials: a text, or a whole number from 0. Default: of a ProviderProcess `"<fingerprint>"`, or `"<generation>-<fingerprint>"`
   * where the credential is a store's; else `"none"`. Both are others in the next process: for totals that outlast it, give
   * what your own records call the key, such as the version of its row.
   */
  generation?: string | number | undefined
}

/** Options of a {@link UsageLedger}. */
export interface UsageLedgerOptions {
  /**
   * Entries that are kept apart, 1 to 1 000 000, as long as their lines for Prometheus are no more than 256 MiB together.
   * Default 10 000, which always are.
   */
  maxEntries?: number | undefined
}

/** Totals of runs. */
export interface LedgerCounts extends TokenCounts {
  turns: number
  /** Runs that have ended. */
  runs: number
  /** Those of them whose usage is a lower bound. */
  incompleteRuns: number
  /** US dollars, as far as the CLIs tell them, summed in whole 10^-12; `null` where none has. */
  costUsd: number | null
}

/** A ledger as plain data. */
export interface LedgerSnapshot {
  /** Sorted by workspace, provider and generation. */
  entries: (LedgerCounts & { workspace: string; provider: string; generation: string })[]
  /** The sum of the entries that had to make room; `null` when none had to. */
  other: LedgerCounts | null
  /** How many had to. */
  evicted: number
  /** The sum of everything, `other` included. */
  total: LedgerCounts
}

/**
 * Totals per workspace, provider and generation of the credential. Beyond `maxEntries` the entry that was used longest ago
 * is added to `other`: sums stay exact. It belongs to the thread that made it; give each worker thread its own, and sum
 * what they export.
 */
export class UsageLedger {
  /** @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; so do the methods. */
  constructor(options?: UsageLedgerOptions)
  /** How many entries there are, `other` not counted. */
  readonly size: number
  /**
   * Adds a run that has ended. At most a trillion dollars.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN` for a provider that does not exist; so does `track`.
   */
  record(usage: ProviderUsage, labels: LedgerLabels): void
  /**
   * Adds each turn of a run as it is reported, and at its end what it used of a turn that was not. Once per run and ledger is
   * enough; more often changes nothing. A process whose stdout is not read for usage (see {@link SpawnOptions.usage}) counts
   * at its end as a run without tokens, in `runs` and in `incompleteRuns`.
   */
  track(run: ProviderProcess | UsageMeter, labels: Partial<LedgerLabels> & { workspace: string }): void
  toJSON(): LedgerSnapshot
  /**
   * Prometheus' text format 0.0.4: counters `provider_env_…_total` with the labels `workspace`, `provider`, `generation`;
   * `other` is the series without labels. No label is a secret unless you make it one.
   */
  toPrometheus(): string
}

/** What a badge shows. */
export interface ProviderDescription {
  provider: ProviderId
  /** `"Claude Code"` and the like. */
  name: string
  vendor: string
  modelFamily: string
  credentialKind: CredentialInfo['kind']
  credentialSource: CredentialInfo['source']
  /**
   * Who pays: the server for its own credential, whatever kind; else the workspace for a key, by use, and a subscription
   * for a token or login. A login in a config directory counts as a subscription, though the CLI may keep a key there.
   */
  billedTo: 'workspace' | 'server' | 'subscription'
  /** See {@link CredentialInfo.fingerprint}. */
  fingerprint: string | null
}

/** Describes an environment; also after it was disposed of. */
export function describeProvider(env: ProviderEnv): ProviderDescription
