// class UsageMeter: the same reading for whoever starts the CLI themselves, as the Codex SDK does.

import { isUint8Array } from 'node:util/types'
import { binding } from '../internal/binding.ts'
import { translate } from '../internal/errors.ts'
import { Metered } from './metered.ts'
import { readThread } from './token-counts.ts'
import * as validate from '../internal/validate.ts'
import type { ProviderId } from '../../binding.js'
import type { CredentialMismatch, ProviderFailure, ProviderUsage } from './metered.ts'
import type { ThreadTotals } from './token-counts.ts'

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

const OPTIONS = ['credential', 'model', 'resumed', 'subagents', 'thread', 'workspace'] as const
/** Without any of them a resumed thread would be counted from its beginning again. */
const WHICH_THREAD = ['workspace', 'thread', 'resumed'] as const

/**
 * Reads a CLI's JSON output that this package does not see, as when the Codex SDK starts the CLI itself. One for each run,
 * or for several runs of one thread.
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
        'is missing. This CLI reports the total of a thread, so say whose threads these are; or give options.thread; or options.resumed: false for a thread that begins here.'
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

  /** The next piece of the output, cut anywhere. Memory does not grow with the length of a line. */
  write(chunk: string | Uint8Array): this {
    if (typeof chunk !== 'string' && !isUint8Array(chunk)) throw validate.wrongType('chunk', 'a string or a Uint8Array', chunk)
    this.#metered.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    return this
  }

  /** One event, as an SDK gives it. */
  event(event: object): this {
    if (typeof event !== 'object' || event === null) throw validate.wrongType('event', 'an object', event)
    return this.write(`${JSON.stringify(event)}\n`)
  }

  /** The run has ended; `null`, the default, when its exit code is not known. What comes after is not read. */
  end(code: number | null = null): this {
    if (code !== null) validate.optionalCount('code', code)
    this.#metered.end(code)
    return this
  }
}

function readWorkspace(value: unknown) {
  const workspace = validate.optionalString('options.workspace', value)
  if (workspace === '') throw validate.wrongValue('options.workspace', 'must not be empty.')
  return workspace === undefined ? undefined : validate.wellFormed('options.workspace', workspace)
}
