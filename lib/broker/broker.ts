// startBroker() and class Broker: the proxy of this process that holds the agents' credentials.

import type { Readable } from 'node:stream'
import type { InspectOptionsStylized } from 'node:util'
import { inspect } from 'node:util'
import type { NativeBroker, BrokerOptions as NativeOptions, ProviderId } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { own, providerError, translate } from '../internal/errors.ts'
import { runJob } from '../internal/jobs.ts'
import { tearDownAtExit } from '../internal/tear-down.ts'
import * as validate from '../internal/validate.ts'
import type { SecretInput } from '../secret/secret.ts'
import { lendInput } from '../secret/secret.ts'
import type { AuditOptions, AuditRecord } from './audit.ts'
import { auditLines, auditRecords } from './audit.ts'

/** What each launch may use, and how many connections there may be. */
export interface BrokerLimits {
  /** Requests per second of one launch, on average: 1 to 1 000 000. Default: 50. */
  requestsPerSecond?: number | undefined
  /** Requests of one launch that may come at once after a pause: 1 to 1 000 000. Default: 200. */
  burst?: number | undefined
  /**
   * Requests of one launch in progress at the same time, where an open WebSocket is one request: 1 to 1 000 000.
   * Default: 64.
   */
  concurrentRequests?: number | undefined
  /** Bytes of the names and values of a request's headers: 4 096 to 65 536. Default: 32 768. */
  headerBytes?: number | undefined
  /** Bytes of a request's body: 1 024 to 1 099 511 627 776 (1 TiB). Default: 67 108 864 (64 MiB). */
  bodyBytes?: number | undefined
  /** Connections of all launches together: 1 to 1 000 000. Default: 4 096. */
  connections?: number | undefined
  /** Connections of one uid: 1 to 1 000 000. Default: 512. */
  connectionsPerUid?: number | undefined
}

/** Options of {@link startBroker}. */
export interface BrokerOptions {
  /**
   * The base URLs, as in {@link ProviderEnvOptions.baseUrl}, whose host may have any address. Without it, a host name
   * must not resolve to an address that is not public. Default: none.
   */
  upstreams?: string[] | undefined
  /**
   * The absolute path of a PEM file of certificates that the broker trusts in addition to the system's, for all
   * upstreams. Default: none.
   */
  caFile?: string | undefined
  /** The proxy to the APIs, as `http://host[:port]`. Default: none. `HTTPS_PROXY` and similar variables are not read. */
  proxy?: string | undefined
  limits?: BrokerLimits | undefined
  /** The number of threads on which the broker works: 1 to 64. Default: 1. */
  threads?: number | undefined
  /**
   * The absolute path of the directory in which the launches' Unix sockets are created. Other users must not be able to
   * rename what is in it: it belongs to root or is sticky. Keep it short, because the path of a socket has at most 107
   * bytes. Default: `/run` if this process is root; otherwise `/run/user/UID` if it exists, and `/tmp`.
   */
  socketDirectory?: string | undefined
  /**
   * The number of audit records that are kept until they are read: 1 to 1 000 000. Further records are lost and counted
   * in {@link BrokerCounts.lostRecords}. Default: 4 096.
   */
  auditRecords?: number | undefined
}

/** Whose credential {@link Broker.rotate} and {@link Broker.revoke} are about. */
export interface BrokerTarget {
  provider: ProviderId
  /** `workspace.id`, as {@link buildProviderEnv} received it. */
  workspaceId: string
}

/** What the broker counts. */
export interface BrokerCounts {
  /** Launches that have a token at the moment. */
  readonly tokens: number
  /** Connections of clients at the moment. */
  readonly connections: number
  /** Connections that were closed at once, because there were too many. */
  readonly refusedConnections: number
  /** Audit records that were lost, because too many waited to be read. */
  readonly lostRecords: number
}

const OPTIONS = validate.members({
  upstreams: true,
  caFile: true,
  proxy: true,
  limits: true,
  threads: true,
  socketDirectory: true,
  auditRecords: true
} satisfies Record<keyof BrokerOptions, true>)
const LIMITS = validate.members({
  requestsPerSecond: true,
  burst: true,
  concurrentRequests: true,
  headerBytes: true,
  bodyBytes: true,
  connections: true,
  connectionsPerUid: true
} satisfies Record<keyof BrokerLimits, true>)
const TARGET = validate.members({ provider: true, workspaceId: true } satisfies Record<keyof BrokerTarget, true>)

/** Only this file can construct one. */
const KEY = Symbol('Broker')

/**
 * Starts the broker of this process, which keeps credentials out of agents' processes: see `docs/broker.md`. A process
 * has one broker, which all copies of this package and all worker threads share. The first launch with delivery
 * `"broker"` starts it with the default options, so call this function only to choose options or to get the
 * {@link Broker}, which is returned if it already runs and no option is given.
 *
 * The broker works on its own threads and does not keep the process running. It ends with the process, or by
 * {@link Broker.stop}.
 *
 * @throws {ProviderError} `ERR_PROVIDER_BUSY` if an option is given and the broker already runs, or if the system
 * cannot create a thread; `ERR_PROVIDER_CA_FILE_UNUSABLE`; `ERR_PROVIDER_UNSUPPORTED` elsewhere than on Linux.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function startBroker(options?: BrokerOptions): Broker {
  const given = validate.options('options', options, OPTIONS)
  if (typeof binding.startBroker !== 'function')
    throw providerError({ code: 'ERR_PROVIDER_UNSUPPORTED', message: 'The broker needs Linux. Use another delivery.' })
  const settings = OPTIONS.some((name) => given[name] !== undefined) ? readOptions(given) : undefined
  tearDownAtExit()
  return new Broker(
    KEY,
    translate(() => binding.startBroker(settings))
  )
}

/** The broker of this process, as {@link startBroker} returns it. */
export class Broker {
  #native: NativeBroker
  #stopped: Promise<void> | undefined

  /** @internal */
  constructor(key: symbol, native: NativeBroker) {
    if (key !== KEY) throw new TypeError('Broker has no public constructor. Use startBroker().')
    this.#native = native
  }

  /** What the broker counts now. */
  get counts(): BrokerCounts {
    return own(this.#native.counts)
  }

  /**
   * Gives the running agents of a workspace another credential, if theirs came in a payload. Every request that begins
   * after the call has returned uses the new one; requests in progress end with the old one. Environments that already
   * exist keep the old credential, so build new ones for later launches. An agent whose credential comes from a
   * {@link CredentialStore} uses the store's newest credential without this call.
   * @param credential A `Uint8Array` is consumed: zero-filled before the call returns.
   * @param options `kind` says what the credential is. Default: `"api-key"`.
   * @returns How many credentials of running agents were replaced; 0 if no agent of the workspace runs.
   * @throws {ProviderError} `ERR_PROVIDER_KEY_MALFORMED`, `ERR_PROVIDER_KEY_WRONG_PROVIDER`,
   * `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_UNKNOWN`, `ERR_PROVIDER_CREDENTIAL_REVOKED`, in which case nothing has
   * changed; `ERR_PROVIDER_DISPOSED` if the broker was stopped.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  rotate(target: BrokerTarget, credential: SecretInput, options?: { kind?: 'api-key' | 'oauth-token' | undefined }): number {
    // Lent first, so that bytes are consumed even if a name is wrong.
    return lendInput(credential, 'credential', (lent) => {
      const { provider, workspaceId } = readTarget(target)
      const { kind } = validate.options('options', options, ['kind'])
      return this.#native.rotate(provider, workspaceId, validate.optionalString('options.kind', kind), lent)
    })
  }

  /**
   * Takes the credential away from the running agents of a workspace: the broker refuses their requests, and ends those
   * in progress. It does not stop the agents, and later launches are not affected. {@link revoke} also affects those.
   * @returns How many credentials were revoked; 0 if no agent of the workspace runs.
   * @throws {ProviderError} `ERR_PROVIDER_UNKNOWN`; `ERR_PROVIDER_DISPOSED` if the broker was stopped.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  revoke(target: BrokerTarget): number {
    const { provider, workspaceId } = readTarget(target)
    return translate(() => this.#native.revoke(provider, workspaceId))
  }

  /**
   * Reads the audit: one record for each request, also for a refused one, in the order in which they ended. Each record
   * is read once, so only one iteration or stream can read the audit of a process at a time, in whichever thread or copy
   * of this package. It begins with the records that nobody has read yet. The iteration ends when the broker has stopped
   * and all records were read; leaving the loop lets another reader begin.
   * @throws {ProviderError} `ERR_PROVIDER_BUSY` while there is another reader.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
   */
  audit(options?: AuditOptions): AsyncIterableIterator<AuditRecord> {
    return auditRecords(this.#native, options)
  }

  /**
   * Reads the audit as {@link Broker.audit} does, as a stream of JSON: one line for each record, with the same fields.
   * Destroying the stream lets another reader begin.
   * @throws As {@link Broker.audit}.
   */
  auditLines(options?: AuditOptions): Readable {
    return auditLines(this.#native, options)
  }

  /**
   * Stops the broker: it ends all requests, and agents that use it can no longer reach their API. A later launch or
   * {@link startBroker} starts another broker. Idempotent.
   * @returns Resolves when its threads have ended.
   */
  stop(): Promise<void> {
    this.#stopped ??= runJob(() => this.#native.stop())
    return this.#stopped
  }

  /** As {@link Broker.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptionsStylized) {
    return `Broker ${inspect({ running: this.#native.running, counts: this.counts }, options)}`
  }
}

function readTarget(value: unknown) {
  const { provider, workspaceId } = validate.options('target', validate.required('target', value), TARGET)
  return {
    provider: validate.required('target.provider', validate.optionalString('target.provider', provider)),
    workspaceId: validate.boundText('target.workspaceId', workspaceId)
  }
}

function readOptions(given: validate.Own<(typeof OPTIONS)[number]>): NativeOptions {
  const limits = validate.options('options.limits', given.limits, LIMITS)
  const values: Record<string, unknown> = { ...given, ...prefixed('limits.', limits) }
  return {
    upstreams: validate.strings('options.upstreams', given.upstreams),
    caFile: validate.optionalString('options.caFile', given.caFile),
    proxy: validate.optionalString('options.proxy', given.proxy),
    socketDirectory: validate.optionalString('options.socketDirectory', given.socketDirectory),
    numbers: binding.brokerNumbers().flatMap(({ name, min, max }) => {
      const value = validate.optionalNumber(`options.${name}`, values[name])
      if (value === undefined) return []
      if (Number.isInteger(value) && value >= min && value <= max) return [{ name, value }]
      throw validate.wrongValue(`options.${name}`, `must be a whole number from ${min} to ${max}.`)
    })
  }
}

function prefixed(prefix: string, values: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]))
}
