// Reads a run's output for usage: the addon's meter, its listeners, and how a ledger finds both.
'use strict'

const { own, translate } = require('./errors.js')
const { runUnlessAborted } = require('./jobs.js')
const { flat } = require('./token-counts.js')

/** @typedef {import('../binding').NativeUsageMeter} NativeMeter */

/** @typedef {import('../binding').Changes} Changes */

/** How long `close` waits for a file system of the tenant's. */
const SEARCH_MS = 5000

/** @type {WeakMap<object, Metered>} */
const meters = new WeakMap()

class Metered {
  /** @type {NativeMeter} */
  native
  /** @type {import('../types/usage').LedgerLabels} */
  labels
  /** @type {((changes: Changes) => void)[]} */
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

  /** @param {(changes: Changes) => void} listener */
  listen(listener) {
    this.#listeners.push(listener)
  }

  /** @param {Uint8Array} chunk */
  feed(chunk) {
    this.#call(() => this.native.feed(chunk))
  }

  /** @param {Uint8Array} chunk */
  complain(chunk) {
    this.#call(() => (this.native.complain(chunk), null))
  }

  /**
   * Finds out whether other threads worked for the run, where its session files tell: to be awaited before `end`. Nothing
   * where there is nothing to find out.
   * @returns {Promise<void> | undefined}
   */
  seekSubagents() {
    if (this.#failed || !translate(() => this.native.seeksSubagents())) return undefined
    const search = runUnlessAborted((abort) => this.native.seekSubagents(abort), AbortSignal.timeout(SEARCH_MS))
    // Also after a defect, and where a file system hangs: then nobody knows.
    return search.then((found) => this.native.found(found), () => this.native.found('unknown'))
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
    const { tokens, turns, model, models, costUsd, incompleteBecause, thread } = own(this.native.usage())
    return {
      ...tokens,
      turns,
      model,
      models: Object.fromEntries(models.map(({ model, ...used }) => [model, flat(used)])),
      costUsd,
      complete: incompleteBecause.length === 0,
      incompleteBecause: /** @type {any} */ (incompleteBecause),
      thread: thread && flat(thread)
    }
  }

  /** @returns {import('../types/usage').ProviderFailure | null} */
  failure() {
    const failure = own(this.native.failure())
    if (!failure) return null
    const { resetsByClock, ...told } = failure
    const resetsAt = told.resetsAt ?? this.#byClock(resetsByClock)
    return /** @type {any} */ ({ ...told, retryable: told.retryable || resetsAt !== null, resetsAt })
  }

  /**
   * A minute of the CLI's clock, by our own where both are in one time zone. Its end: the CLI leaves the seconds out.
   * @param {import('../binding').ClockTime | null} clock
   */
  #byClock(clock) {
    if (!clock || this.native.timeZone() !== (process.env.TZ ?? '')) return null
    const today = this.#failedAt
    const { year, month, day } = clock.date ?? { year: today.getFullYear(), month: today.getMonth() + 1, day: today.getDate() }
    return new Date(year, month - 1, day, clock.hour, clock.minute + 1).getTime()
  }

  /** @returns {import('../types/usage').CredentialMismatch | null} */
  mismatch() {
    return /** @type {any} */ (own(this.native.mismatch()) ?? null)
  }

  /**
   * A defect here must not end the run whose output is read.
   * @param {() => Changes | null} call
   */
  #call(call) {
    if (this.#failed) return
    /** @type {Changes | null} */
    let changes
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

module.exports = { Metered, labelsOf, meterOf }
