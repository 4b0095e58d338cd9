// spawnProvider(): checks the options, chooses the kind of start, and connects the AbortSignal to the process.

import type { Readable, Writable } from 'node:stream'
import type { PlainVariable } from '../../binding.js'
import type { CredentialStore } from '../credential/credential-store.ts'
import type { ProviderEnv } from '../environment/provider-env.ts'
import { storeOf } from '../environment/provider-env.ts'
import { onAbort, reasonOf } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { keepFresh } from './keep-fresh.ts'
import type { SpawnOptions } from './launch.ts'
import { readLaunch } from './launch.ts'
import { startNative } from './native-start.ts'
import { startPortable } from './portable-start.ts'
import type { Driver, ProviderProcess } from './provider-process.ts'

/** A process whose three streams are pipes. */
export type PipedProviderProcess = ProviderProcess & {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** `new net.Socket({ fd })` never emits under Bun, and the addon can start processes only on Linux. */
export const portable = process.versions.bun !== undefined || process.platform !== 'linux' || binding.missingForNativeStart() !== null

const start = portable ? startPortable : startNative

/**
 * Finds the CLI, proves that the target user can run it, and starts it unprivileged with exactly `env` as its
 * environment. When the call returns, the options have been checked and the streams exist; the start itself happens on
 * a native thread.
 *
 * Every listener of the process and its streams runs in the asynchronous context (`AsyncLocalStorage`) of this call. If
 * a listener throws, that is an uncaught exception, and the run continues.
 *
 * Failures that are not thrown are `error` events, with both kinds of start: `ERR_PROVIDER_PROGRAM_NOT_FOUND`,
 * `ERR_PROVIDER_PROGRAM_OUTDATED`, `ERR_PROVIDER_PROGRAM_UNREACHABLE`, `ERR_PROVIDER_STATE_DIR_UNUSABLE`,
 * `ERR_PROVIDER_CA_FILE_UNUSABLE`, `ERR_PROVIDER_PRIVILEGE_FAILED`, `ERR_PROVIDER_SPAWN_FAILED`,
 * `ERR_PROVIDER_ENV_TOO_LARGE`, the three codes of the credential if it changed in the meantime,
 * `ERR_PROVIDER_ABORTED`, `ERR_PROVIDER_TIMEOUT`.
 *
 * @throws {ProviderError} `ERR_PROVIDER_DISPOSED`, `ERR_PROVIDER_PRIVILEGE_REFUSED`, `ERR_PROVIDER_UNSUPPORTED`,
 * `ERR_PROVIDER_CREDENTIAL_SUPERSEDED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_CREDENTIAL_REVOKED`.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions & { stdio?: 'pipe' | undefined }): PipedProviderProcess
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess
export function spawnProvider(env: ProviderEnv, options?: SpawnOptions): ProviderProcess {
  return spawnWith(env, options)
}

/** @param extra Variables of an SDK. */
export function spawnWith(env: ProviderEnv, options: SpawnOptions | undefined, extra?: PlainVariable[]) {
  const launch = readLaunch(env, options, extra)
  const driver = start(launch)
  const { signal } = launch
  serve(driver.child, storeOf(env))
  if (signal) tieOrEnd(driver, signal)
  return driver.child
}

/** An agent that the broker serves uses the newest token of its store, so there has to be a valid one. */
function serve(child: ProviderProcess, store: CredentialStore | undefined) {
  if (!store) return
  child.once('spawn', () => {
    if (child.delivery === 'broker') keepFresh(store, child)
  })
}

/** Ends a process that could not be aborted and for which the caller gets no handle. */
function tieOrEnd(driver: Driver, signal: AbortSignal) {
  try {
    tie(driver, signal)
  } catch (error) {
    driver.child.once('error', () => {}).kill('SIGKILL')
    throw error
  }
}

function tie(driver: Driver, signal: AbortSignal) {
  const abort = () => driver.abort(reasonOf(signal))
  if (signal.aborted) {
    // Not before the caller can listen.
    process.nextTick(abort)
    return
  }
  const untie = onAbort(signal, abort)
  // A start that fails has no `exit`.
  driver.child.once('exit', untie).once('close', untie)
}
