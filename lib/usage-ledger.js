// class UsageLedger: totals of many runs per workspace, provider and generation of the credential.
'use strict'

const binding = require('./binding.js')
const { own, translate } = require('./errors.js')
const { Metered, labelsOf, meterOf } = require('./metered.js')
const { ProviderProcess } = require('./provider-process.js')
const running = require('./running-processes.js')
const { TOKEN_COUNTS, flat, readCount, readTokens } = require('./token-counts.js')
const validate = require('./validate.js')

const DEFAULT_ENTRIES = 10_000
const MOST_ENTRIES = 1_000_000
const USAGE = [...TOKEN_COUNTS, 'turns', 'costUsd', 'complete']
const LABELS = validate.members(/** @type {Record<keyof import('../binding').LedgerKey, true>} */ ({ workspace: true, provider: true, generation: true }))

class UsageLedger {
  /** @type {import('../binding').NativeUsageLedger} */
  #native

  /** @param {import('../types/usage').UsageLedgerOptions} [value] */
  constructor(value) {
    const options = validate.options('options', value, ['maxEntries'])
    const most = validate.optionalCount('options.maxEntries', options.maxEntries, MOST_ENTRIES) ?? DEFAULT_ENTRIES
    if (most === 0) throw validate.wrongValue('options.maxEntries', `must be a whole number from 1 to ${MOST_ENTRIES}.`)
    this.#native = new binding.NativeUsageLedger(most)
  }

  get size() {
    return this.#native.size
  }

  /**
   * @param {import('../types/usage').ProviderUsage} usage
   * @param {import('../types/usage').LedgerLabels} value
   */
  record(usage, value) {
    const given = validate.fields('usage', usage, USAGE)
    const tokens = readTokens('usage', given)
    const turns = readCount('usage.turns', given.turns)
    const costUsd = validate.optionalNumber('usage.costUsd', given.costUsd ?? undefined)
    const complete = validate.optionalBoolean('usage.complete', given.complete) ?? true
    const labels = readLabels(value, {})
    translate(() => this.#native.record(labels, { tokens, turns, costUsd, complete }))
  }

  /**
   * @param {import('../index').ProviderProcess | import('../types/usage').UsageMeter} run
   * @param {Partial<import('../types/usage').LedgerLabels>} value
   */
  track(run, value) {
    const metered = meterOf(run) ?? (run instanceof ProviderProcess ? unread(run) : undefined)
    if (!metered) throw validate.wrongType('run', 'a ProviderProcess or a UsageMeter', run)
    const labels = readLabels(value, metered.labels)
    const follow = () => translate(() => this.#native.follow(labels, metered.native))
    follow()
    metered.listen(follow)
  }

  toJSON() {
    const entries = own(this.#native.entries()).map(({ key, counts }) => ({ ...key, ...flat(counts) }))
    const { evicted } = this.#native
    return { entries, other: evicted > 0 ? flat(this.#native.others()) : null, evicted, total: flat(this.#native.total()) }
  }

  toPrometheus() {
    return this.#native.exposition()
  }
}

/**
 * For a process that is not read: a run that used something, and nobody knows what. Its start cannot be taken back, so
 * there is no error.
 * @param {ProviderProcess} child
 */
function unread(child) {
  const native = translate(() => binding.meterOf(child.provider, { credential: undefined, model: undefined, resumed: false, thread: undefined, workspace: undefined, subagents: true }))
  const metered = new Metered(child, native, labelsOf(child))
  if (running.has(child)) child.once('close', () => metered.end(null))
  else metered.end(null)
  return metered
}

/**
 * @param {any} value
 * @param {any} known What is used where the caller says nothing.
 * @returns {import('../binding').LedgerKey}
 */
function readLabels(value, known) {
  const given = validate.options('labels', value, LABELS)
  const all = LABELS.map((name) => {
    // A credential store counts its generations.
    const label = given[name] ?? (Object.hasOwn(known, name) ? known[name] : undefined) ?? (name === 'generation' ? 'none' : undefined)
    const text = name === 'generation' && typeof label === 'number' ? String(validate.optionalCount('labels.generation', label)) : label
    return [name, validate.wellFormed(`labels.${name}`, validate.required(`labels.${name}`, validate.optionalString(`labels.${name}`, text)))]
  })
  return Object.fromEntries(all)
}

module.exports = { UsageLedger }
