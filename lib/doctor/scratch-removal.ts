// Removes the directories of a dry start. Only a child that is the target user enters what that user has created there:
// with root's rights, links that replace a directory in the meantime could lead it elsewhere.

import fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from './context.ts'
import { runCommand } from './facade.ts'

const DEADLINE_MS = 10_000
// Processes of a CLI that has just ended may still be writing.
const RETRY_MS = 100
const ATTEMPTS = 5

/**
 * @param root Ours.
 * @param directories The target's, in it.
 * @returns Whether all of it is gone.
 */
export async function removeScratch({ target, own }: Context, root: string, directories: string[]): Promise<boolean> {
  if (target.uid === own.uid)
    return await fs.rm(root, { recursive: true, force: true, maxRetries: ATTEMPTS, retryDelay: RETRY_MS }).then(
      () => true,
      () => false
    )
  const until = performance.now() + DEADLINE_MS
  for (let attempt = 0; attempt < ATTEMPTS && performance.now() < until; attempt++) {
    if (attempt > 0) await sleep(RETRY_MS)
    await emptyAs(target, directories, until - performance.now())
    // rmdir(2) follows no link and removes only an empty directory.
    for (const directory of directories) await fs.rmdir(directory).catch(() => {})
    if (
      await fs.rmdir(root).then(
        () => true,
        () => false
      )
    )
      return true
  }
  return false
}

/** Its status does not matter: the directories themselves are never the target's to remove. */
async function emptyAs(ids: { uid: number; gid: number }, directories: string[], timeoutMs: number) {
  await runCommand('rm', ['-rf', '--', ...directories], ids, { timeoutMs: Math.max(1, timeoutMs), graceMs: 0 }).ended.catch(() => {})
}
