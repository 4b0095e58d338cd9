// Asks the addon what a target user can do with paths. The answers are in the order of the questions.

import { constants } from 'node:fs'
import type { Answer, Component, IdentityRequest, NativeAbort } from '../../binding.js'
import { binding, providerError, runUnlessAborted } from './facade.ts'

/** What can be asked of a path: bits of access(2). A directory is used by who can make files in it. */
export const ACCESS = Object.freeze({
  exists: constants.F_OK,
  execute: constants.X_OK,
  write: constants.W_OK,
  use: constants.W_OK | constants.X_OK,
  read: constants.R_OK
})

/** A look takes milliseconds. A look that takes longer than this has met a file system that does not answer. */
const DEADLINE_MS = 5_000

/**
 * The result of a look, which has its own thread: a tenant chooses the paths, and a hang there must not delay anything else.
 * @param look Begins it.
 */
export async function looked<T>(look: (abort: NativeAbort) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  try {
    return await runUnlessAborted(look, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    const message = `A check of this machine did not end within ${DEADLINE_MS / 1000} s: a file system does not answer. Check the tenant's mounts (FUSE, NFS).`
    throw providerError({ code: 'ERR_PROVIDER_TIMEOUT', message }, { cause: error })
  }
}

export function inquire(ids: IdentityRequest, questions: { path: string; access: number }[], byModeBits: boolean): Promise<Answer[]> {
  const inquiry = { ids: { groups: undefined, allowRoot: undefined, ...ids }, byModeBits, questions }
  return looked((abort) => binding.inquirePaths(inquiry, abort))
}

/** The path's own component. */
export function last({ components }: Answer): Component {
  return components.at(-1) as Component
}

/** The real path of the question's path. If links lead elsewhere, its components come first. */
export function realPath({ path, components }: Answer) {
  const again = components.findIndex((component, index) => index > 0 && component.path === '/')
  return again === -1 ? path : components[again - 1].path
}
