// class ProviderProcess: a started CLI, with the events, properties and order of events of ChildProcess.

import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { InspectOptionsStylized } from 'node:util'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { ProviderId } from '../../binding.js'
import type { CredentialInfo } from '../environment/provider-env.ts'
import type { ProviderError } from '../internal/errors.ts'
import { bare, providerError } from '../internal/errors.ts'
import { COPY, THIS_COPY } from '../internal/validate.ts'
import type { CredentialMismatch, Metered, ProviderFailure, ProviderUsage } from '../usage/metered.ts'
import type { Backend, MissingProtection, ObtainedDelivery, StartError, StartFacts } from './backend.ts'
import { endHeldStreams } from './held-streams.ts'
import { hold, RunningProcesses, release } from './running-processes.ts'
import { signalNumber } from './signals.ts'

type RunResult = { code: number | null; signal: NodeJS.Signals | null; error?: ProviderError }

type Deferred<T> = { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void }

const KEY = Symbol('ProviderProcess')

/** Those whose start was requested and that have not ended. */
export const running: RunningProcesses<ProviderProcess> = new RunningProcesses()

/** What a backend reports to the process object. */
export interface Driver {
  child: ProviderProcess
  /** Calls in the asynchronous context of whoever requested the start. */
  inContext: (call: () => void) => void
  abort: (reason: unknown) => void
  onFailed: (error: StartError) => void
  onSpawned: (pid: number, argv: string[], delivery: ObtainedDelivery | null) => void
  onTimedOut: () => void
  onExited: (code: number | null, signal: NodeJS.Signals | null) => void
  observe: (metered: Metered) => void
  refuse: (error: ProviderError) => void
}

export let makeProcess: (backend: Backend, facts: StartFacts) => Driver

/**
 * A started CLI, with the interface of `ChildProcess` and of the Claude Agent SDK's `SpawnedProcess`. It emits their
 * events `spawn`, `error`, `exit` and `close`. If stdout is read (see the option `usage`), it also emits `usage`,
 * `failure` and `credentialMismatch`, each for the last time before `close`.
 */
export class ProviderProcess extends EventEmitter {
  /** The asynchronous context of whoever requested the start, which listeners are called in. */
  #resource = new AsyncResource('ProviderProcess')
  #backend: Backend
  #killSignal: number
  #provider: string
  #credential
  #killGroupOnExit
  #isAuto
  #killed = false
  #held = true
  #pid: number | undefined
  /** What the program was given: its own path first. */
  #argv: string[] = []
  #delivery: ObtainedDelivery | null = null
  #exitCode: number | null = null
  #signalCode: NodeJS.Signals | null = null
  #ended = false
  #closed = false
  /** Streams of output that are not closed yet, and the process itself: as in ChildProcess, `close` does not wait for stdin. */
  #open = 1
  #abortError: ProviderError | undefined
  /** Why it was stopped: the abort, or the timeout. */
  #stopError: ProviderError | undefined
  #spawned: Deferred<void> | undefined
  #exited: Deferred<RunResult> | undefined
  #startError: unknown
  /** What reads its output. */
  #metered: Metered | undefined
  /** The events whose change was not emitted yet. */
  #pending: Set<string> = new Set()
  /** The usage of the last event. */
  #lastUsage: ProviderUsage | null = null

  private constructor(key: symbol, backend: Backend, facts: StartFacts) {
    super()
    if (key !== KEY) throw new TypeError('Use spawnProvider() to create a ProviderProcess.')
    this.#backend = backend
    this.#provider = facts.provider
    this.#credential = facts.credential
    this.#killSignal = facts.killSignal
    this.#killGroupOnExit = facts.killGroupOnExit
    this.#isAuto = facts.isAuto
    hold()
    running.add(this)
    for (const stream of backend.stdio.slice(1)) {
      if (!stream) continue
      this.#open += 1
      stream.on('close', () => this.#maybeClose())
    }
  }

  get provider(): ProviderId {
    return this.#provider as ProviderId
  }

  /** The credential with which it runs. */
  get credential(): CredentialInfo {
    return this.#credential
  }

  /**
   * The process id, known once `spawn` has been emitted, because the start happens on another thread. `undefined`
   * before that, and if the start failed.
   */
  get pid(): number | undefined {
    return this.#pid
  }

  get stdin(): Writable | null {
    return this.#backend.stdio[0]
  }

  get stdout(): Readable | null {
    return this.#backend.stdio[1]
  }

  get stderr(): Readable | null {
    return this.#backend.stdio[2]
  }

  get stdio(): [Writable | null, Readable | null, Readable | null] {
    return this.#backend.stdio
  }

  get exitCode(): number | null {
    return this.#exitCode
  }

  /**
   * The signal that ended the process. Node has no names for real-time signals, which have the name that `kill -l`
   * shows, such as `SIGRTMIN+3`. With the portable start, `child_process` reports a real-time signal as an exit with 0.
   */
  get signalCode(): NodeJS.Signals | null {
    return this.#signalCode
  }

  /**
   * Whether a signal was sent with {@link kill}, or the process was stopped by an abort, a timeout or
   * `onCredentialMismatch`.
   */
  get killed(): boolean {
    return this.#killed
  }

  /** Always false: there is no message channel. */
  get connected(): false {
    return false
  }

  /** The absolute path of the program that was started, once known. */
  get spawnfile(): string | undefined {
    return this.#argv.at(0)
  }

  /**
   * A copy of the program's arguments: {@link spawnfile} and all arguments, including those that this package added.
   * Empty until `spawn`.
   */
  get spawnargs(): string[] {
    return [...this.#argv]
  }

  /** `"native"`: the addon started the process. `"portable"`: `child_process` started it. */
  get startPath(): 'native' | 'portable' {
    return this.#backend.startPath
  }

  /**
   * How the program got its credential. `null` before `spawn`, and if no credential is passed, because the CLI reads a
   * login from `claudeConfigDir`.
   */
  get delivery(): ObtainedDelivery | null {
    return this.#delivery
  }

  /** The default protections that this start could not provide. `broker` is known once `spawn` has been emitted. */
  get missingProtections(): MissingProtection[] {
    const { missingProtections } = this.#backend
    const isMissing = this.#isAuto && this.#delivery !== null && this.#delivery !== 'broker'
    return isMissing ? [...missingProtections, 'broker'] : [...missingProtections]
  }

  /** What the run has used so far; `null` if stdout is not read. It is final when `close` is emitted. */
  get usage(): ProviderUsage | null {
    return this.#metered?.usage() ?? null
  }

  /**
   * The failure of the run, or the failure after which the CLI is retrying (`passing`); `null` if the run has recovered
   * or no failure is known.
   */
  get failure(): ProviderFailure | null {
    return this.#metered?.failure() ?? null
  }

  /**
   * Resolves when the program runs, and rejects with the reason if it could not be started. `/proc/PID/environ` can be
   * empty for a few milliseconds after that.
   */
  get spawned(): Promise<void> {
    if (this.#spawned) return this.#spawned.promise
    const deferred: Deferred<void> = (this.#spawned = withResolvers())
    if (this.#startError) deferred.reject(this.#startError)
    else if (this.#pid !== undefined) deferred.resolve()
    return deferred.promise
  }

  /**
   * Resolves when the process has ended, even with a non-zero exit status, and rejects only if the start failed.
   * `error` is set if the process was stopped by `signal`, `timeoutMs` or `onCredentialMismatch`.
   */
  get exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: ProviderError }> {
    if (this.#exited) return this.#exited.promise
    const deferred: Deferred<RunResult> = (this.#exited = withResolvers())
    if (this.#startError) deferred.reject(this.#startError)
    else if (this.#ended) deferred.resolve(this.#result())
    return deferred.promise
  }

  /**
   * Sends a signal to the whole process group. `killSignal` (the default) is followed by SIGKILL after `killGraceMs`.
   * SIGKILL also reaches processes that the CLI started in other process groups. A signal that is sent before `spawn`
   * is delivered as soon as the program runs.
   * @returns Whether there was a process to signal.
   */
  kill(signal: NodeJS.Signals | number = this.#killSignal): boolean {
    // 0 asks only, and ends nothing.
    const number = signal === 0 ? 0 : signalNumber(signal)
    if (this.#ended || !this.#backend.signal(number)) return false
    this.#killed = true
    return true
  }

  /** Keeps the event loop alive while the process runs (the default). */
  ref(): void {
    if (!this.#held && !this.#ended) hold()
    this.#held = true
    this.#backend.ref()
  }

  unref(): void {
    if (this.#held && !this.#ended) release()
    this.#held = false
    this.#backend.unref()
  }

  /** Stops the process group, as `kill()` does. */
  [Symbol.dispose](): void {
    this.kill()
  }

  /** Stops the process group and waits for `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    const closed = new Promise((resolve) => this.once('close', resolve))
    this.kill()
    await closed
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptionsStylized) {
    const { pid, exitCode, signalCode, killed, spawnfile, startPath } = this
    return `ProviderProcess ${inspect({ provider: this.#provider, pid, exitCode, signalCode, killed, spawnfile, startPath }, options)}`
  }

  /**
   * Whatever made it happen (the addon, a timer, another request's abort), it is the caller's own context.
   * @internal
   */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return this.#resource.runInAsyncScope(super.emit, this, event, ...values)
  }

  /** The caller's AbortSignal fired. */
  #abort(reason: unknown) {
    if (this.#ended || this.#abortError) return
    this.#stop()
    this.#abortError = providerError(
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

  /** The run is not what the caller requested. */
  #refuse(error: ProviderError) {
    if (this.#ended || this.#stopError) return
    this.#stop()
    this.#stopError = error
    // Not from within a stream's push: the listener may throw.
    process.nextTick(() => this.#emitError(error))
  }

  #observe(metered: Metered) {
    this.#metered = metered
    metered.listen((changes) => {
      if (this.#pending.size === 0) process.nextTick(() => this.#emitChanges())
      for (const [name, changed] of Object.entries(changes)) if (changed) this.#pending.add(name)
    })
  }

  /** Not from within a stream's push, and once for all that came at once. */
  #emitChanges() {
    const changes = this.#pending
    this.#pending = new Set()
    if (changes.has('mismatch')) this.emit('credentialMismatch', this.#metered?.mismatch())
    if (changes.has('usage')) this.#tellUsage()
    if (changes.has('failure') && this.failure) this.emit('failure', this.failure)
  }

  #tellUsage() {
    const { usage } = this
    if (isDeepStrictEqual(usage, this.#lastUsage)) return
    this.#lastUsage = usage
    this.emit('usage', usage)
  }

  #onSpawned(pid: number, argv: string[], delivery: ObtainedDelivery | null) {
    this.#pid = pid
    this.#argv = argv
    this.#delivery = delivery
    this.#spawned?.resolve()
    this.emit('spawn')
  }

  #onFailed(error: StartError) {
    const told = this.#abortError
    this.#startError = told ?? error
    this.#exitCode = error.errno ?? -1
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
    const error = providerError({ code: 'ERR_PROVIDER_TIMEOUT', message, provider: this.#provider })
    this.#stopError ??= error
    this.#emitError(error)
  }

  #onExited(code: number | null, signal: NodeJS.Signals | null) {
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
    if (this.#held) release()
  }

  #result(): RunResult {
    const result = { code: this.#exitCode, signal: this.#signalCode }
    // Not enumerable: two runs that ended alike compare as equal.
    return this.#stopError ? Object.defineProperty(result, 'error', bare({ value: this.#stopError })) : result
  }

  /** Streams that have no reader are read to their end; otherwise `close` would never be emitted. */
  #finishStreams() {
    process.nextTick(() => {
      for (const stream of [this.stdout, this.stderr]) if (stream?.readable) stream.resume()
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
      this.#emitChanges()
    } finally {
      this.emit('close', this.#exitCode, this.#signalCode)
    }
  }

  /** An `error` without a listener would end the worker, even if it is handled through the promises. */
  #emitError(error: Error) {
    const handled = this.#spawned !== undefined || this.#exited !== undefined
    if (this.listenerCount('error') === 0 && handled) return
    try {
      this.emit('error', error)
    } catch (thrown) {
      // Of a context of `node:vm`, whose errors an EventEmitter takes for none, and wraps.
      throw (thrown as { context?: unknown } | null | undefined)?.context === error ? error : thrown
    }
  }

  /** Makes one, with the functions that drive it. */
  static #make(backend: Backend, facts: StartFacts): Driver {
    const child = new ProviderProcess(KEY, backend, facts)
    return {
      child,
      inContext: (call: () => void) => child.#resource.runInAsyncScope(call),
      abort: (reason: unknown) => child.#abort(reason),
      onFailed: (error: StartError) => child.#onFailed(error),
      onSpawned: (pid, argv, delivery) => child.#onSpawned(pid, argv, delivery),
      onTimedOut: () => child.#onTimedOut(),
      onExited: (code: number | null, signal: NodeJS.Signals | null) => child.#onExited(code, signal),
      observe: (metered: Metered) => child.#observe(metered),
      refuse: (error: ProviderError) => child.#refuse(error)
    }
  }

  static {
    makeProcess = (backend, facts) => ProviderProcess.#make(backend, facts)
  }
}

export interface ProviderProcess {
  on(event: 'spawn', listener: () => void): this
  on(event: 'error', listener: (error: ProviderError) => void): this
  on(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
  /**
   * Emitted with the running totals, the same as {@link usage}: use the last one, and do not add them up. It is emitted
   * whenever the totals have changed (a turn has begun, an answer has arrived, a turn was reported), and at least once
   * before `close`.
   */
  on(event: 'usage', listener: (usage: ProviderUsage) => void): this
  on(event: 'failure', listener: (failure: ProviderFailure) => void): this
  on(event: 'credentialMismatch', listener: (mismatch: CredentialMismatch) => void): this
  once(event: 'usage', listener: (usage: ProviderUsage) => void): this
  once(event: 'failure', listener: (failure: ProviderFailure) => void): this
  once(event: 'credentialMismatch', listener: (mismatch: CredentialMismatch) => void): this
  once(event: 'spawn', listener: () => void): this
  once(event: 'error', listener: (error: ProviderError) => void): this
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): this
}
Object.defineProperty(ProviderProcess.prototype, COPY, { value: THIS_COPY })

/** A promise that may be rejected without anybody looking: whoever wants to know awaits it. */
function withResolvers<T>(): Deferred<T> {
  const deferred = {} as Deferred<T>
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }))
  deferred.promise.catch(() => {})
  return deferred
}
