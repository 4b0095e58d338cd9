// class UsageMeter: reads the output of a CLI that something else starts, such as the Codex SDK.

import { isUint8Array } from 'node:util/types'
import type { ExpectedRun, ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { CredentialMismatch, ProviderFailure, ProviderUsage } from './metered.ts'
import { Metered } from './metered.ts'
import type { ThreadTotals } from './token-counts.ts'
import { readThread } from './token-counts.ts'

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

const OPTIONS = validate.members({
  credential: true,
  model: true,
  resumed: true,
  subagents: true,
  thread: true,
  workspace: true
} satisfies Record<keyof ExpectedRun, true>)
/** Without any of them a resumed thread would be counted from its beginning again. */
const WHICH_THREAD = ['workspace', 'thread', 'resumed'] as const

/**
 * Reads JSON output of a CLI that this package did not start, for example because the Codex SDK starts the CLI itself.
 * Use one meter for each run, or for several runs of one thread.
 */
export class UsageMeter {
  #metered: Metered
  #provider

  /**
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  constructor(provider: ProviderId, options?: UsageMeterOptions) {
    if (typeof provider !== 'string') throw validate.wrongType('provider', 'a string', provider)
    const read = validate.options('options', options, OPTIONS)
    const expected = {
      credential: validate.optionalString('options.credential', read.credential),
      model: validate.optionalString('options.model', read.model),
      resumed: validate.optionalBoolean('options.resumed', read.resumed) ?? false,
      thread: readThread('options.thread', read.thread),
      workspace: readWorkspace(read.workspace),
      subagents: validate.optionalBoolean('options.subagents', read.subagents) ?? true
    }
    const isThreadKnown = WHICH_THREAD.some((name) => read[name] !== undefined)
    if (!isThreadKnown && binding.reportsThreadTotals(provider))
      throw validate.wrongValue(
        'options.workspace',
        'is missing. This CLI reports the total of a thread: pass the owner of the threads, options.thread, or options.resumed: false for a new thread.'
      )
    this.#provider = provider
    this.#metered = new Metered(
      this,
      translate(() => binding.meterOf(provider, expected)),
      { provider }
    )
  }

  get provider(): ProviderId {
    return this.#provider
  }

  get usage(): ProviderUsage {
    return this.#metered.usage()
  }

  get failure(): ProviderFailure | null {
    return this.#metered.failure()
  }

  get credentialMismatch(): CredentialMismatch | null {
    return this.#metered.mismatch()
  }

  /** @internal */
  get [validate.COPY]() {
    return validate.THIS_COPY
  }

  /** Reads the next part of the output, which may be split anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this {
    if (typeof chunk !== 'string' && !isUint8Array(chunk)) throw validate.wrongType('chunk', 'a string or a Uint8Array', chunk)
    this.#metered.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    return this
  }

  /**
   * Reads one event, as an SDK provides it.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, or `ERR_INVALID_ARG_VALUE` if JSON cannot represent the event.
   */
  event(event: object): this {
    if (typeof event !== 'object' || event === null) throw validate.wrongType('event', 'an object', event)
    return this.write(`${lineOf(event)}\n`)
  }

  /** Ends the run. Pass `null`, the default, if the exit code is unknown. Later output is not read. */
  end(code: number | null = null): this {
    if (code !== null) validate.optionalCount('code', code)
    this.#metered.end(code)
    return this
  }
}

/** What engines throw for a value that JSON cannot represent, V8 and JavaScriptCore. The caller's own `toJSON` can throw too. */
const NOT_JSON = /BigInt|circular|cyclic/

function lineOf(event: object) {
  let line: string | undefined
  try {
    line = JSON.stringify(event)
  } catch (error) {
    const isOurs = error instanceof TypeError && !Object.hasOwn(error, 'code') && NOT_JSON.test(error.message)
    if (!isOurs) throw error
  }
  if (line !== undefined) return line
  throw validate.wrongValue(
    'event',
    'must be an object that JSON can represent: without a BigInt, a cycle, or a toJSON() that returns nothing.'
  )
}

function readWorkspace(value: unknown) {
  const workspace = validate.optionalString('options.workspace', value)
  if (workspace === '') throw validate.wrongValue('options.workspace', 'must not be empty.')
  return workspace === undefined ? undefined : validate.wellFormed('options.workspace', workspace)
}
