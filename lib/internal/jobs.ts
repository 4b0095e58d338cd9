// The jobs that the addon runs on separate threads: requests to APIs, checks of paths, and waiting for locks.

import { isUint8Array } from 'node:util/types'
import type { NativeAbort as Abort, HttpSettings } from '../../binding.js'
import { onAbort, reasonOf } from './abort-signal.ts'
import { binding } from './binding.ts'
import { fromThrown, own, ProviderError, providerError } from './errors.ts'
import * as validate from './validate.ts'

/** Options of an HTTP request. */
export interface HttpOptions {
  /** The time limit of the whole request in milliseconds, including the wait for a thread: 100 to 600 000. */
  timeoutMs?: number | undefined
  /** The proxy, as `http://host[:port]`. Default: none. `HTTPS_PROXY` and similar variables are not read. */
  proxy?: string | undefined
  /**
   * PEM certificates to trust in addition to the system's. For those that the CLI trusts, see
   * {@link ProviderEnvOptions.caFile}.
   */
  ca?: string | Uint8Array | undefined
}

/** What a job of the addon's comes to. Whatever it throws or rejects with, the promise rejects with as users see it. */
export async function runJob<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return own(await begin())
  } catch (thrown) {
    throw fromThrown(thrown)
  }
}

/** The same of a job whose promise rejects when the signal fires. What was sent stays sent. */
export async function runUnlessAborted<T>(begin: (abort: Abort) => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw aborted(signal)
  const abort = new binding.NativeAbort()
  const stopListening = onAbort(signal, () => abort.abort())
  try {
    return await runJob(() => begin(abort))
  } catch (error) {
    throw error instanceof ProviderError && error.code === 'ERR_PROVIDER_ABORTED' ? aborted(signal) : error
  } finally {
    stopListening()
  }
}

function aborted(signal: AbortSignal) {
  return providerError({ code: 'ERR_PROVIDER_ABORTED', message: 'The request was aborted.' }, { cause: reasonOf(signal) })
}

const MIN_TIMEOUT_MS = 100
const MAX_TIMEOUT_MS = 10 * 60 * 1000

/**
 * The options of a request that the addon takes.
 * @param timeoutMs The default.
 */
export function readHttpSettings(options: validate.Own<'ca' | 'proxy' | 'timeoutMs'>, timeoutMs: number): HttpSettings {
  const given = validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) ?? timeoutMs
  if (given < MIN_TIMEOUT_MS || given > MAX_TIMEOUT_MS) {
    throw validate.wrongValue('options.timeoutMs', `must be from ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS} milliseconds.`)
  }
  const { ca } = options
  return {
    timeoutMs: given,
    proxy: validate.optionalString('options.proxy', options.proxy),
    ca: isUint8Array(ca)
      ? Buffer.from(ca.buffer, ca.byteOffset, ca.byteLength).toString('latin1')
      : validate.optionalString('options.ca', ca)
  }
}
