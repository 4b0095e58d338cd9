// What the second file, the doctor's, uses of the first one.

import { buildProviderEnv } from '../environment/build-provider-env.ts'
import { readIds } from '../process/launch.ts'
import { calledAs, packageRoots } from '../process/package-roots.ts'
import { runCommand } from '../process/run-command.ts'
import { spawnProvider } from '../process/spawn-provider.ts'
import { memoryProtection } from '../secret/memory-protection.ts'
import { binding } from './binding.ts'
import { variable } from './environment-variable.ts'
import { own, providerError, translate } from './errors.ts'
import { runUnlessAborted } from './jobs.ts'
import * as validate from './validate.ts'

export const shared = {
  binding,
  buildProviderEnv,
  calledAs,
  memoryProtection,
  own,
  packageRoots,
  providerError,
  readIds,
  runCommand,
  runUnlessAborted,
  spawnProvider,
  translate,
  validate,
  variable
}
export type Shared = typeof shared
