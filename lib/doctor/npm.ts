// Removes what npm adds to the environment of a command that it starts, because a worker does not have it.

/** npm, and the package managers that pass for it, set one of them for every command that they start. */
const MARKS = ['npm_execpath', 'npm_lifecycle_event', 'npm_command']
/** What it puts first on PATH: the programs of this project and of every directory above it, and its own node-gyp. */
const ADDED = /\/(?:node_modules\/\.bin|node-gyp-bin)$/

export type LeftOut = { directories: string[]; names: string[] }

/**
 * Takes it out of an environment.
 * @param env Is changed.
 * @returns What that was; null where npm did not start this process.
 */
export function leaveOutNpm(env: NodeJS.ProcessEnv): LeftOut | null {
  if (!MARKS.some((name) => env[name])) return null
  const entries = (env.PATH ?? '').split(':')
  const end = entries.findIndex((entry) => !ADDED.test(entry))
  const directories = entries.splice(0, end === -1 ? entries.length : end)
  const names = Object.keys(env).filter((name) => /^npm_/i.test(name))
  for (const name of names) delete env[name]
  env.PATH = entries.join(':')
  return { directories, names }
}
