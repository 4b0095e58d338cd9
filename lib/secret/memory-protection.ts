// memoryProtection(), `requireLocked` and hardenWorker(): the protections that the system gave, and those that it
// refused.

import { getSystemErrorName } from 'node:util'
import type { RefusedStep } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { builtin, isMainThread } from '../internal/builtins.ts'
import { bare, own, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'

/** A protection that the system refused. */
export interface ProtectionRefusal {
  readonly protection: string
  readonly syscall: string
  /** Negative, as in Node's system errors. */
  readonly errno: number
  /** The name of the error, such as `"ENOMEM"`. */
  readonly code: string
}

/** The protections that the memory of secrets actually has: each is true only if all of that memory has it. */
export interface MemoryProtection {
  /** There is an inaccessible page before and after each secret. */
  readonly guardPages: boolean
  /** `mlock(2)`: the memory is never swapped out. */
  readonly locked: boolean
  /** `MADV_DONTDUMP`: the memory is not part of core dumps. Linux only. */
  readonly excludedFromCoreDumps: boolean
  /** `MADV_WIPEONFORK`: the memory is zero in a process that `fork` creates. Linux only. */
  readonly wipedOnFork: boolean
  /**
   * The number of allocations in use, in all threads: one for each key, one for all other secrets of an environment,
   * and temporary ones, such as an environment block or the secrets that a redactor searches for.
   */
  readonly allocations: number
  /** The size of these allocations in bytes. */
  readonly allocatedBytes: number
  /** The size of the mappings that contain them, in bytes, without guard pages. */
  readonly mappedBytes: number
  readonly lockedBytes: number
  /**
   * The soft `RLIMIT_MEMLOCK` in bytes; `null` if there is no limit. It does not apply to a process with
   * `CAP_IPC_LOCK`.
   */
  readonly lockLimitBytes: number | null
  /** The protections that were refused, each one once, in the order above. */
  readonly refusals: ProtectionRefusal[]
}

/** What {@link hardenWorker} achieved, as the kernel reports it afterwards. */
export interface WorkerHardening {
  /**
   * The kernel does not let other processes of the worker's uid trace the worker or read its memory, environment or
   * descriptors, and writes no core dump of it. Linux only.
   */
  readonly nonDumpable: boolean
  /**
   * Node's debugger is closed, and SIGUSR1, which any process of the worker's uid may send, does not open it, because
   * this package has its own listener for that signal. False in a worker thread, and if the debugger is open already
   * (`--inspect`).
   */
  readonly inspectorClosed: boolean
  /**
   * `RLIMIT_CORE` is effectively 0 (it is 1 byte, because the kernel ignores 0 for a `core_pattern` that is a pipe).
   */
  readonly noCoreDumps: boolean
  readonly refusals: ProtectionRefusal[]
}

/** Returns the current protections of the memory of secrets; if there are no secrets, those that a new secret gets. */
export function memoryProtection(): MemoryProtection {
  const { refusals, lockLimitBytes, ...rest } = bare(own(translate(() => binding.memoryProtection())))
  return Object.freeze({ ...rest, lockLimitBytes: lockLimitBytes ?? null, refusals: refusals.map(toRefusal) })
}

/**
 * Hardens the whole worker permanently: it becomes non-dumpable, has no core dumps (soft and hard limit), and does not
 * open a debugger on SIGUSR1. This changes process-wide state, so the package never calls it itself. Call it once,
 * early, on the main thread, after any change of uid or gid. Debuggers and profilers of the same uid can no longer
 * attach, and `/proc/self` belongs to root: a worker that is not root can no longer open `/dev/stdout` or
 * `/proc/self/environ`, because both lead into it. `refusals` lists what could not be done.
 */
export function hardenWorker(): WorkerHardening {
  const { refusals, ...rest } = own(translate(() => binding.hardenWorker()))
  return Object.freeze({ ...rest, inspectorClosed: closeInspector(), refusals: refusals.map(toRefusal) })
}

/**
 * SIGUSR1 makes Node open a debugger, and any process of the worker's uid may send it, dumpable or not. A listener of
 * ours takes the signal's place; one that is open already is not for us to close.
 */
function closeInspector() {
  if (isMainThread() && process.listenerCount('SIGUSR1') === 0) {
    // Not in the caller's AsyncLocalStorage: the handle of the signal stays for good. And no function of ours, which would keep
    // this copy of the package.
    binding.callWithoutContext(() => process.on('SIGUSR1', Function.prototype as () => void))
  }
  return isMainThread() && builtin('inspector').url() === undefined
}

function toRefusal({ protection, syscall, errno }: RefusedStep) {
  return Object.freeze({ protection, syscall, errno: -errno, code: getSystemErrorName(-errno) })
}

/** `options.requireLocked`, which the addon then sees to. */
export function readRequireLocked(options: { requireLocked?: unknown }) {
  return validate.optionalBoolean('options.requireLocked', options.requireLocked) ?? false
}
