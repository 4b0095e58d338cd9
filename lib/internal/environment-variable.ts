// The environment variables of this process: reads one, and removes a secret permanently, from libc's list and from the
// block that the kernel shows.

import { binding } from './binding.ts'
import { isMainThread } from './builtins.ts'
import { providerError, translate } from './errors.ts'

/** A variable of this process; `undefined` if it is not set. `process.env` has a prototype, whose properties are not variables. */
export function variable(name: string): string | undefined {
  // Asked of the environment once, unless the prototype has the name too: each question is a call of getenv(3).
  if (name in Object.prototype && !Object.hasOwn(process.env, name)) return undefined
  return process.env[name]
}

export function requireMainThread(what: string) {
  if (isMainThread()) return
  throw providerError({
    code: 'ERR_PROVIDER_UNSUPPORTED',
    message: `${what} works on the main thread only: a worker thread has its own copy of process.env, which cannot be wiped. Call it before you start worker threads.`
  })
}

/** Removes variables whose values have been wiped already. */
export function remove(names: string[]) {
  for (const name of names) delete process.env[name]
  translate(() => binding.wipeInitialEnvironment(names))
}
