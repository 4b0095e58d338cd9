// What reads a run's output for usage: the addon's meter, who listens to it, and where a ledger finds both.
'use strict'

const { bare, own, translate } = require('./errors.js')
const { flat } = require('./token-counts.js')

/** @typedef {import('../binding').NativeUsageMeter} NativeMeter */

/** What has changed, by a bit each; src/usage/meter.rs has the same. */
const CHANGED = { usage: 1, failure: 2, mismatch: 4 }
/** How long `close` waits for a file system of the tenant's. */
const SEARCH_MS = 5000
/** As src/usage/gap.rs calls it. */
const OUTPUT_UNREAD = 'output-unread'

/** @type {WeakMap<object, Metered>} */
const meters = new WeakMap()

class Metered {
  /** @type {NativeMeter} */
  native
  /** @type {import('../types/usage').LedgerLabels} */
  labels
  /** @type {((changes: number) => void)[]} */
  #listeners = []
  #failed = false
  /** When the last failure was told. */
  #failedAt = new Date()

  /**
   * @param {object} owner Whom a ledger is given.
   * @param {NativeMeter} native
   * @param {any} labels
   */
  constructor(owner, native, labels) {
    this.native = native
    this.labels = labels
    meters.set(owner, this)
  }

  /** @param {(changes: number) => void} listener */
  listen(listener) {
    this.#listeners.push(listener)
  }

  /** @param {Uint8Array} chunk */
  feed(chunk) {
    this.#call(() => this.native.feed(chunk))
  }

  /** @param {Uint8Array} chunk */
  complain(chunk) {
    this.#call(() => (this.native.complain(chunk), 0))
  }

  /**
   * Finds out whether other threads worked for the run, where its session files tell: to be awaited before `end`. Nothing
   * where there is nothing to find out.
   * @returns {Promise<void> | undefined}
   */
  seekSubagents() {
    if (this.#failed || !translate(() => this.native.seeksSubagents())) return undefined
    // Loaded here: it needs launch.js, which needs this.
    const { runJob } = /** @type {typeof import('./jobs.js')} */ (require('./jobs.js'))
    const search = runJob(() => this.native.seekSubagents(), AbortSignal.timeout(SEARCH_MS))
    // Also after a defect, and where a file system hangs: then nobody knows.
    return search.then((found) => this.native.found(found), () => this.native.found(null))
  }

  /** @param {number | null} code */
  end(code) {
    // Also after a defect: a ledger is to count the run, as incomplete.
    const failed = this.#failed
    this.#failed = false
    this.#call(() => this.native.end(code))
    this.#failed ||= failed
  }

  /** @returns {import('../types/usage').ProviderUsage} */
  usage() {
    const usage = bare(this.native.usage())
    return {
      ...usage.tokens,
      turns: usage.turns,
      model: usage.model ?? null,
      models: Object.fromEntries(usage.models.map((each) => withModel(bare(each)))),
      costUsd: usage.costUsd ?? null,
      complete: usage.complete && !this.#failed,
      incompleteBecause: /** @type {any} */ ([...new Set([...usage.incompleteBecause, ...(this.#failed ? [OUTPUT_UNREAD] : [])])]),
      thread: usage.thread ? flat(usage.thread) : null
    }
  }

  /** @returns {import('../types/usage').ProviderFailure | null} */
  failure() {
    const failure = own(this.native.failure())
    if (!failure) return null
    const { resetsByClock, ...told } = bare(failure)
    const resetsAt = told.resetsAt ?? this.#byClock(resetsByClock) ?? null
    const retryable = told.retryable || resetsAt !== null
    return /** @type {any} */ ({ ...told, status: told.status ?? null, retryable, retryAfterMs: told.retryAfterMs ?? null, resetsAt })
  }

  /**
   * A minute of the CLI's clock, by our own where both are in one time zone. Its end: the CLI leaves the seconds out.
   * @param {number[] | undefined} clock
   */
  #byClock(clock) {
    if (!clock || this.native.timeZone() !== (process.env.TZ ?? '')) return undefined
    const today = this.#failedAt
    const [hour, minute, year = today.getFullYear(), month = today.getMonth() + 1, day = today.getDate()] = clock
    return new Date(year, month - 1, day, hour, minute + 1).getTime()
  }

  /** @returns {import('../types/usage').CredentialMismatch | null} */
  mismatch() {
    return /** @type {any} */ (own(this.native.mismatch()) ?? null)
  }

  /**
   * A defect here must not end the run whose output is read.
   * @param {() => number} call
   */
  #call(call) {
    if (this.#failed) return
    let changes = CHANGED.usage
    try {
      changes = translate(call)
    } catch {
      this.#failed = true
      this.native.lose()
    }
    if (changes & CHANGED.failure) this.#failedAt = new Date()
    if (changes !== 0) for (const listener of this.#listeners) listener(changes)
  }
}

/** @param {import('../binding').NativeModelUsage} usage */
function withModel({ model, costUsd, ...rest }) {
  return [model, { ...flat(rest), costUsd: costUsd ?? null }]
}

/**
 * The meter of a ProviderProcess or UsageMeter; `undefined` for anything else.
 * @param {any} owner
 */
function meterOf(owner) {
  return typeof owner === 'object' && owner !== null ? meters.get(owner) : undefined
}

/**
 * The labels of a process in a ledger. A store's generation alone would mix keys: each store begins at 1 in each process.
 * @param {{ provider: string, credential: import('../index').CredentialInfo }} child
 */
function labelsOf({ provider, credential }) {
  const generation = [credential.generation, credential.fingerprint].filter((part) => part !== null).join('-') || 'none'
  return { provider, generation }
}

module.exports = { CHANGED, Metered, labelsOf, meterOf }
