// ProviderProcess and SpawnOptions beside those of node:child_process, name by name; checked by tsc, never run.
import type { ChildProcess, SpawnOptions as NodeSpawnOptions } from 'node:child_process'
import type { ProviderProcess, SpawnOptions } from '../../index.js'

/** Exactly the same type, both ways. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

// What docs/migration.md says that there is not ("Messages", "Options with other names").
same<Exclude<keyof ChildProcess, keyof ProviderProcess>, 'channel' | 'send' | 'disconnect'>(true)
same<
  Exclude<keyof NodeSpawnOptions, keyof SpawnOptions>,
  'env' | 'shell' | 'detached' | 'timeout' | 'argv0' | 'serialization' | 'windowsHide' | 'windowsVerbatimArguments'
>(true)

/** What most code asks of a process. */
export type Expected = Pick<
  ChildProcess,
  'connected' | 'exitCode' | 'killed' | 'signalCode' | 'spawnargs' | 'pid' | 'ref' | 'unref' | 'stdin' | 'stdout' | 'stderr'
>

export function use(child: ProviderProcess): Expected {
  using again = child
  return again
}
