// What the second file, the doctor's, uses of the first one.

import { buildProviderEnv } from './environment/build-provider-env.ts'
import { binding } from './internal/binding.ts'
import { variable } from './internal/environment-variable.ts'
import { own, providerError, translate } from './internal/errors.ts'
import { runUnlessAborted } from './internal/jobs.ts'
import * as validate from './internal/validate.ts'
import { readIds } from './process/launch.ts'
import { calledAs, packageRoots } from './process/package-roots.ts'
import { runCommand } from './process/run-command.ts'
import { spawnProvider } from './process/spawn-provider.ts'
import { memoryProtection } from './secret/memory-protection.ts'

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
