// Creates fresh directories for a dry start, which belong to the target user inside one of ours and are removed at the
// end.

import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { ACCESS, inquire } from './ask.ts'
import type { Context } from './context.ts'
import { binding } from './facade.ts'
import { removeScratch } from './scratch-removal.ts'

const NAMES = ['home', 'workspace', 'tmp', 'state'] as const
/** Whether other users can replace what is in the directory. In a sticky one, such as /tmp, they cannot. */
const isOpen = (mode: number) => (mode & 0o022) !== 0 && (mode & 0o1000) === 0

export type Scratch = Record<(typeof NAMES)[number], string> & { root: string; remove: () => Promise<boolean> }

/** @returns Null if there is no temporary directory that the target can enter. */
export async function makeScratch(context: Context): Promise<Scratch | null> {
  for (const given of new Set([os.tmpdir(), '/tmp', '/var/tmp'])) {
    const base = binding.realPath(given)
    if (base === null || !(await isSafe(context, base))) continue
    const root = await fs.mkdtemp(path.join(base, 'provider-env-doctor-')).catch(() => undefined)
    if (root === undefined) continue
    const directories = NAMES.map((name) => path.join(root, name))
    const remove = () => removeScratch(context, root, directories)
    try {
      await makeDirectories(context, root, directories)
      const answers = await inquire(
        context.ids,
        directories.map((directory) => ({ path: directory, access: ACCESS.use })),
        false
      )
      if (answers.every(({ obstacle }) => obstacle === null)) {
        return { ...Object.fromEntries(NAMES.map((name, index) => [name, directories[index]])), root, remove } as Scratch
      }
    } catch (error) {
      await remove()
      throw error
    }
    await remove()
  }
  return null
}

/** The root stays ours: in its own directory, the target could put a link in a child's place before it is given away. */
async function makeDirectories({ target, own }: Context, root: string, directories: string[]) {
  const another = target.uid !== own.uid || target.gid !== own.gid
  if (another) await fs.chmod(root, 0o711)
  for (const directory of directories) {
    await fs.mkdir(directory, { mode: 0o700 })
    if (another) await fs.lchown(directory, target.uid, target.gid)
  }
}

/**
 * Whether only this process and root can rename what this process creates there.
 * @param base Its real path.
 */
async function isSafe({ ids, own }: Context, base: string) {
  const [{ components }] = await inquire(ids, [{ path: base, access: ACCESS.exists }], true)
  return components.every(({ uid, mode }) => (uid === 0 || uid === own.uid) && !isOpen(mode))
}
