// memoryProtection(), `requireLocked` and hardenWorker(): what the system really gave, and what it refused.

import { getSystemErrorName } from 'node:util'
import { binding } from '../internal/binding.ts'
import { builtin, isMainThread } from '../internal/builtins.ts'
import { bare, own, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { NativeRefusedProtection } from '../../binding.js'

/** A protection that the system refused. */
export interface ProtectionRefusal {
  readonly protection: string
  readonly syscall: string
  /** Negative, as in Node's system errors. */
  readonly errno: number
  /** `"ENOMEM"` and the like. */
  readonly code: string
}

/** What the memory that secrets live in really has: true only where all of it has. */
export interface MemoryProtection {
  /** A page before and after that nobody can touch. */
  readonly guardPages: boolean
  /** `mlock(2)`: never in swap. */
  readonly locked: boolean
  /** `MADV_DONTDUMP`: in no core dump. Linux. */
  readonly excludedFromCoreDumps: boolean
  /** `MADV_WIPEONFORK`: zero in a process that `fork` makes. Linux. */
  readonly wipedOnFork: boolean
  /**
   * How many pieces of it are in use now, in all threads: one for each key, one for all other secrets of an environment,
   * and what is needed for a moment, as an environment block or what a redactor looks for.
   */
  readonly allocations: number
  /** Their bytes. */
  readonly allocatedBytes: number
  /** The bytes of the mappings that they share, without guard pages. */
  readonly mappedBytes: number
  readonly lockedBytes: number
  /** The soft `RLIMIT_MEMLOCK` in bytes; `null` for none. A process with `CAP_IPC_LOCK` is not held to it. */
  readonly lockLimitBytes: number | null
  /** What was refused, each protection once, in the order above. */
  readonly refusals: ProtectionRefusal[]
}

/** What {@link hardenWorker} obtained, as the kernel tells it afterwards. */
export interface WorkerHardening {
  /**
   * The kernel lets no other process of the worker's uid read its memory, environment or descriptors, nor trace it, and
   * writes no core dump of it. Linux.
   */
  readonly nonDumpable: boolean
  /**
   * No debugger of Node's is open, and SIGUSR1, which any process of the worker's uid may send, opens none: a listener of
   * ours has taken its place. False in a worker thread, and where one is open already (`--inspect`).
   */
  readonly inspectorClosed: boolean
  /** `RLIMIT_CORE` is as good as 0 (1 byte: the kernel ignores 0 for a `core_pattern` that is a pipe). */
  readonly noCoreDumps: boolean
  readonly refusals: ProtectionRefusal[]
}

/** What the memory that secrets live in has at this moment; where there is none, what a new one gets. */
export function memoryProtection(): MemoryProtection {
  const { refusals, lockLimitBytes, ...rest } = bare(own(translate(() => binding.memoryProtection())))
  return Object.freeze({ ...rest, lockLimitBytes: lockLimitBytes ?? null, refusals: refusals.map(toRefusal) })
}

/**
 * Hardens the whole worker, for good: non-dumpable, no core dumps (soft and hard limit), and no debugger on SIGUSR1. It
 * changes what belongs to the process, so nothing calls it but you; call it once, early, on the main thread, after a
 * change of ids. Debuggers and profilers of the same uid cannot attach any more, and `/proc/self` belongs to root: a
 * worker that is not root can no longer open `/dev/stdout` or `/proc/self/environ`, which are links into it.
 * What could not be done is in `refusals`.
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

function toRefusal({ protection, syscall, errno }: NativeRefusedProtection) {
  return Object.freeze({ protection, syscall, errno: -errno, code: getSystemErrorName(-errno) })
}

/** `options.requireLocked`, which the addon then sees to. */
export function readRequireLocked(options: { requireLocked?: unknown }) {
  return validate.optionalBoolean('options.requireLocked', options.requireLocked) ?? false
}
