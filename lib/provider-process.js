// class ProviderProcess: a started CLI, with the events, properties and order of events of ChildProcess.
'use strict'

const { AsyncResource } = require('node:async_hooks')
const { EventEmitter } = require('node:events')
const { constants } = require('node:os')
const { inspect, isDeepStrictEqual } = require('node:util')
const { ProviderError, nodeTypeError } = require('./errors.js')
const { endHeldStreams } = require('./held-streams.js')
const keepAlive = require('./keep-alive.js')
const running = require('./running-processes.js')

/** @typedef {import('../index').MissingProtection} MissingProtection */
/** @typedef {import('./metered.js').Metered} Metered */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: ProviderError }} Result */

/**
 * @template T
 * @typedef {{ promise: Promise<T>, resolve: (value: T) => void, reject: (reason: unknown) => void }} Deferred
 */

/**
 * What carries the process out: the native start or the portable one.
 * @typedef {object} Backend
 * @property {'native' | 'portable'} startPath
 * @property {MissingProtection[]} missingProtections
 * @property {[import('node:net').Socket | null, import('node:net').Socket | null, import('node:net').Socket | null]} stdio
 * @property {(signal: number) => boolean} signal Sends; false when there is nothing to signal.
 * @property {() => void} stop Asks to end, then makes it.
 * @property {() => void} ref
 * @property {() => void} unref
 */

const SIGNALS = /** @type {Record<string, number>} */ (constants.signals)
const KEY = Symbol('ProviderProcess')

/**
 * What a backend reports to the process object.
 * @typedef {object} Driver
 * @property {ProviderProcess} child
 * @property {(call: () => void) => void} inContext Calls in the asynchronous context of whoever asked for the start.
 * @property {(reason: unknown) => void} abort
 * @property {(error: any) => void} onFailed
 * @property {(pid: number, argv: string[]) => void} onSpawned
 * @property {() => void} onTimedOut
 * @property {(code: number | null, signal: NodeJS.Signals | null) => void} onExited
 * @property {(metered: Metered) => void} observe
 * @property {(error: ProviderError) => void} refuse
 */

/** @typedef {{ provider: string, credential: import('../index').CredentialInfo, killSignal: number, killGroupOnExit: boolean }} Facts */

/** @type {(backend: Backend, facts: Facts) => Driver} */
let makeProcess

class ProviderProcess extends EventEmitter {
  /** The asynchronous context of whoever asked for the start, which listeners are called in. */
  #resource = new AsyncResource('ProviderProcess')
  /** @type {Backend} */
  #backend
  /** @type {number} */
  #killSignal
  /** @type {string} */
  #provider
  #credential
  #killGroupOnExit
  #killed = false
  #held = true
  /** @type {number | undefined} */
  #pid
  /** What the program was given: its own path first. @type {string[]} */
  #argv = []
  /** @type {number | null} */
  #exitCode = null
  /** @type {NodeJS.Signals | null} */
  #signalCode = null
  #ended = false
  #closed = false
  /** Streams of output that are not closed yet, and the process itself: as in ChildProcess, nobody waits for stdin. */
  #open = 1
  /** @type {ProviderError | undefined} */
  #abortError
  /** Why it was stopped: the abort, or the timeout. @type {ProviderError | undefined} */
  #stopError
  /** @type {Deferred<void> | undefined} */
  #spawned
  /** @type {Deferred<Result> | undefined} */
  #exited
  /** @type {unknown} */
  #startError
  /** What reads its output. @type {Metered | undefined} */
  #metered
  /** What has changed that nobody was told of yet. @type {Set<string>} */
  #untold = new Set()
  /** The usage of the last event. @type {import('../types/usage').ProviderUsage | null} */
  #toldUsage = null

  /**
   * @param {symbol} key
   * @param {Backend} backend
   * @param {Facts} facts
   */
  constructor(key, backend, facts) {
    super()
    if (key !== KEY) throw new TypeError('Use spawnProvider() to create a ProviderProcess.')
    this.#backend = backend
    this.#provider = facts.provider
    this.#credential = facts.credential
    this.#killSignal = facts.killSignal
    this.#killGroupOnExit = facts.killGroupOnExit
    keepAlive.hold()
    running.add(this)
    for (const stream of backend.stdio.slice(1)) {
      if (!stream) continue
      this.#open += 1
      stream.on('close', () => this.#maybeClose())
    }
  }

  get provider() {
    return this.#provider
  }

  get credential() {
    return this.#credential
  }

  get pid() {
    return this.#pid
  }

  get stdin() {
    return this.#backend.stdio[0]
  }

  get stdout() {
    return this.#backend.stdio[1]
  }

  get stderr() {
    return this.#backend.stdio[2]
  }

  get stdio() {
    return this.#backend.stdio
  }

  get exitCode() {
    return this.#exitCode
  }

  get signalCode() {
    return this.#signalCode
  }

  get killed() {
    return this.#killed
  }

  /** There is no channel of messages. */
  get connected() {
    return false
  }

  get spawnfile() {
    return this.#argv.at(0)
  }

  get spawnargs() {
    return [...this.#argv]
  }

  get startPath() {
    return this.#backend.startPath
  }

  get missingProtections() {
    return [...this.#backend.missingProtections]
  }

  get usage() {
    return this.#metered?.usage() ?? null
  }

  get failure() {
    return this.#metered?.failure() ?? null
  }

  get spawned() {
    if (this.#spawned) return this.#spawned.promise
    /** @type {Deferred<void>} */
    const deferred = (this.#spawned = withResolvers())
    if (this.#startError) deferred.reject(this.#startError)
    else if (this.#pid !== undefined) deferred.resolve()
    return deferred.promise
  }

  get exited() {
    if (this.#exited) return this.#exited.promise
    /** @type {Deferred<Result>} */
    const deferred = (this.#exited = withResolvers())
    if (this.#startError) deferred.reject(this.#startError)
    else if (this.#ended) deferred.resolve(this.#result())
    return deferred.promise
  }

  /**
   * @param {NodeJS.Signals | number} [signal]
   * @returns {boolean}
   */
  kill(signal = this.#killSignal) {
    // 0 asks only, and ends nothing.
    const number = signal === 0 ? 0 : signalNumber(signal)
    if (this.#ended || !this.#backend.signal(number)) return false
    this.#killed = true
    return true
  }

  ref() {
    if (!this.#held && !this.#ended) keepAlive.hold()
    this.#held = true
    this.#backend.ref()
  }

  unref() {
    if (this.#held && !this.#ended) keepAlive.release()
    this.#held = false
    this.#backend.unref()
  }

  [Symbol.dispose]() {
    this.kill()
  }

  async [Symbol.asyncDispose]() {
    if (this.#closed) return
    const closed = new Promise((resolve) => this.once('close', resolve))
    this.kill()
    await closed
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptionsStylized} options
   */
  [inspect.custom](_depth, options) {
    const { pid, exitCode, signalCode, killed, spawnfile, startPath } = this
    return `ProviderProcess ${inspect({ provider: this.#provider, pid, exitCode, signalCode, killed, spawnfile, startPath }, options)}`
  }

  /**
   * Whatever made it happen (the addon, a timer, another request's abort), it is the caller's own context.
   * @override
   * @param {string | symbol} event
   * @param {any[]} values
   * @returns {boolean}
   */
  emit(event, ...values) {
    return this.#resource.runInAsyncScope(super.emit, this, event, ...values)
  }

  /** The caller's AbortSignal fired. @param {unknown} reason */
  #abort(reason) {
    if (this.#ended || this.#abortError) return
    this.#stop()
    this.#abortError = new ProviderError(
      { code: 'ERR_PROVIDER_ABORTED', message: 'The run was aborted.', provider: this.#provider },
      { cause: reason }
    )
    this.#stopError ??= this.#abortError
    this.#emitError(this.#abortError)
  }

  #stop() {
    this.#backend.stop()
    this.#killed = true
  }

  /**
   * The run is not what the caller asked for.
   * @param {ProviderError} error
   */
  #refuse(error) {
    if (this.#ended || this.#stopError) return
    this.#stop()
    this.#stopError = error
    // Not from within a stream's push: the listener may throw.
    process.nextTick(() => this.#emitError(error))
  }

  /** @param {Metered} metered */
  #observe(metered) {
    this.#metered = metered
    metered.listen((changes) => {
      if (this.#untold.size === 0) process.nextTick(() => this.#tell())
      for (const [name, changed] of Object.entries(changes)) if (changed) this.#untold.add(name)
    })
  }

  /** Not from within a stream's push, and once for all that came at once. */
  #tell() {
    const changes = this.#untold
    this.#untold = new Set()
    if (changes.has('mismatch')) this.emit('credentialMismatch', this.#metered?.mismatch())
    if (changes.has('usage')) this.#tellUsage()
    if (changes.has('failure') && this.failure) this.emit('failure', this.failure)
  }

  #tellUsage() {
    const { usage } = this
    if (isDeepStrictEqual(usage, this.#toldUsage)) return
    this.#toldUsage = usage
    this.emit('usage', usage)
  }

  /**
   * @param {number} pid
   * @param {string[]} argv
   */
  #onSpawned(pid, argv) {
    this.#pid = pid
    this.#argv = argv
    this.#spawned?.resolve()
    this.emit('spawn')
  }

  /** @param {ProviderError} error */
  #onFailed(error) {
    const told = this.#abortError
    this.#startError = told ?? error
    this.#exitCode = /** @type {{ errno?: number }} */ (error).errno ?? -1
    this.#killed ||= error.code === 'ERR_PROVIDER_ABORTED'
    this.#settle()
    this.#spawned?.reject(this.#startError)
    this.#exited?.reject(this.#startError)
    // As in ChildProcess: `error`, then `close` once the streams are; no `exit`.
    this.stdin?.destroy()
    try {
      if (!told) this.#emitError(error)
    } finally {
      this.#finishStreams()
      // A start that was given up, because a file system holds it, still holds their other ends.
      endHeldStreams([this.stdout, this.stderr])
      this.#maybeClose()
    }
  }

  #onTimedOut() {
    this.#killed = true
    const message = 'The run took longer than options.timeoutMs and was stopped.'
    const error = new ProviderError({ code: 'ERR_PROVIDER_TIMEOUT', message, provider: this.#provider })
    this.#stopError ??= error
    this.#emitError(error)
  }

  /**
   * @param {number | null} code
   * @param {NodeJS.Signals | null} signal
   */
  #onExited(code, signal) {
    this.#exitCode = code
    this.#signalCode = signal
    this.#settle()
    this.#exited?.resolve(this.#result())
    this.stdin?.destroy()
    try {
      this.emit('exit', code, signal)
    } finally {
      // Also when a listener throws: `close` is what others wait for.
      this.#finishStreams()
      if (this.#killGroupOnExit) endHeldStreams([this.stdout, this.stderr])
      this.#maybeClose()
    }
  }

  #settle() {
    this.#ended = true
    running.remove(this)
    if (this.#held) keepAlive.release()
  }

  /** @returns {Result} */
  #result() {
    const result = { code: this.#exitCode, signal: this.#signalCode }
    // Not enumerable: two runs that ended alike compare as equal.
    return this.#stopError ? Object.defineProperty(result, 'error', /** @type {any} */ ({ __proto__: null, value: this.#stopError })) : result
  }

  /** What nobody reads is read to its end, or `close` would never come. */
  #finishStreams() {
    process.nextTick(() => {
      for (const stream of this.stdio) if (stream?.readable) stream.resume()
    })
  }

  #maybeClose() {
    this.#open -= 1
    if (this.#open > 0) return
    const search = this.#startError ? undefined : this.#metered?.seekSubagents()
    if (search === undefined) return this.#close()
    // What a listener throws is no rejection.
    search.then(() => process.nextTick(() => this.#resource.runInAsyncScope(() => this.#close())))
  }

  #close() {
    this.#closed = true
    // A start that failed is no failure of the run's.
    this.#metered?.end(this.#startError ? null : this.#exitCode)
    try {
      this.#tell()
    } finally {
      this.emit('close', this.#exitCode, this.#signalCode)
    }
  }

  /**
   * An `error` that nobody listens for would end the worker, also when it is handled through the promises.
   * @param {ProviderError} error
   */
  #emitError(error) {
    const handled = this.#spawned !== undefined || this.#exited !== undefined
    if (this.listenerCount('error') === 0 && handled) return
    try {
      this.emit('error', error)
    } catch (thrown) {
      // Of a context of `node:vm`, whose errors an EventEmitter takes for none, and wraps.
      throw /** @type {any} */ (thrown)?.context === error ? error : thrown
    }
  }

  /**
   * Makes one, with the functions that drive it.
   * @param {Backend} backend
   * @param {Facts} facts
   * @returns {Driver}
   */
  static #make(backend, facts) {
    const child = new ProviderProcess(KEY, backend, facts)
    return {
      child,
      /** @param {() => void} call */
      inContext: (call) => child.#resource.runInAsyncScope(call),
      /** @param {unknown} reason */
      abort: (reason) => child.#abort(reason),
      /** @param {ProviderError} error */
      onFailed: (error) => child.#onFailed(error),
      /** @param {number} pid @param {string[]} argv */
      onSpawned: (pid, argv) => child.#onSpawned(pid, argv),
      onTimedOut: () => child.#onTimedOut(),
      /** @param {number | null} code @param {NodeJS.Signals | null} signal */
      onExited: (code, signal) => child.#onExited(code, signal),
      /** @param {Metered} metered */
      observe: (metered) => child.#observe(metered),
      /** @param {ProviderError} error */
      refuse: (error) => child.#refuse(error)
    }
  }

  static {
    makeProcess = (backend, facts) => ProviderProcess.#make(backend, facts)
  }
}

/**
 * A promise that may be rejected without anybody looking: whoever wants to know awaits it.
 * @returns {any}
 */
function withResolvers() {
  /** @type {any} */
  const deferred = {}
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }))
  deferred.promise.catch(() => {})
  return deferred
}

/**
 * @param {unknown} signal
 * @returns {number}
 */
function signalNumber(signal) {
  if (typeof signal === 'number' && Object.values(SIGNALS).includes(signal)) return signal
  // In whatever case, as Node has it.
  if (typeof signal === 'string' && Object.hasOwn(SIGNALS, signal.toUpperCase())) return SIGNALS[signal.toUpperCase()]
  throw nodeTypeError('ERR_UNKNOWN_SIGNAL', 'The signal does not exist on this system.')
}

/**
 * @param {number} number
 * @returns {NodeJS.Signals | null}
 */
function signalName(number) {
  const found = Object.entries(SIGNALS).find(([, value]) => value === number)
  return /** @type {NodeJS.Signals | null} */ (found?.[0] ?? null)
}

module.exports = { ProviderProcess, makeProcess, signalName, signalNumber }
