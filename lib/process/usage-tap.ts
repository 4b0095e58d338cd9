// Reads usage, failures and claims from a child's stdout, and reports them to the process object.

import type { Readable } from 'node:stream'
import type { LedgerKey, NativeUsageMeter, Stdio, ThreadCounts } from '../../binding.js'
import type { CredentialInfo } from '../environment/provider-env.ts'
import { providerError } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import { Metered } from '../usage/metered.ts'
import { readThread } from '../usage/token-counts.ts'
import type { Streams } from './child-streams.ts'
import { intercept } from './child-streams.ts'
import type { Driver } from './provider-process.ts'
import { PIPE } from './stdio.ts'

export interface Watch {
  /** What the addon is asked; if undefined, the arguments decide. */
  watch: boolean | undefined
  /** What the thread that is resumed had used. */
  thread: ThreadCounts | undefined
  /** Whether a claim of another credential ends the run. */
  stops: boolean
}

export function readWatch(options: validate.Own<'onCredentialMismatch' | 'thread' | 'usage'>, stdio: Stdio[]): Watch {
  const asked = validate.optionalBoolean('options.usage', options.usage)
  const piped = stdio[1] === PIPE
  if (asked && !piped)
    throw validate.wrongValue('options.usage', "needs stdout, which does not pass through this process. Set it to 'pipe' in options.stdio.")
  const reaction = validate.optionalWord('options.onCredentialMismatch', options.onCredentialMismatch, ['event', 'stop'])
  return { watch: piped ? asked : false, thread: readThread('options.thread', options.thread), stops: reaction === 'stop' }
}

/** To be called after the streams are scrubbed, so that a chunk is read as the CLI wrote it. It goes on unchanged. */
export function tap(native: NativeUsageMeter, watch: Watch, [, stdout, stderr]: Streams, driver: Driver) {
  if (watch.thread) native.resumes(watch.thread)
  const metered = new Metered(driver.child, native, labelsOf(driver.child))
  driver.observe(metered)
  metered.listen((changes) => {
    if (watch.stops && changes.mismatch) driver.refuse(mismatch(driver.child.provider))
  })
  if (stdout) read(stdout, (chunk) => metered.feed(chunk))
  if (stderr) read(stderr, (chunk) => metered.complain(chunk))
}

function read(stream: Readable, listener: (chunk: Uint8Array) => void) {
  intercept(stream, (chunk, pass) => {
    if (chunk !== null && chunk.length > 0) listener(chunk)
    return pass(chunk)
  })
}

function mismatch(provider: string) {
  return providerError({
    code: 'ERR_PROVIDER_CREDENTIAL_MISMATCH',
    message:
      'The CLI reported that it uses a credential other than the one that it received, and was stopped. Check its settings for an apiKeyHelper or a key.',
    provider
  })
}

/** The labels of a process in a ledger. A store's generation alone would mix keys: each store begins at 1 in each process. */
export function labelsOf({ provider, credential }: { provider: string; credential: CredentialInfo }): Partial<LedgerKey> {
  const generation = [credential.generation, credential.fingerprint].filter((part) => part !== null).join('-') || 'none'
  return { provider, generation }
}
