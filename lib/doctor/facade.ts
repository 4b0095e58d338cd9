// What the doctor uses of the facade. The copy of the facade that requests a diagnosis hands it over: with a `require` of its
// own the doctor could meet another copy, whose classes are others.

import type { Shared } from '../shared.ts'

export let binding: Shared['binding']
export let buildProviderEnv: Shared['buildProviderEnv']
export let calledAs: Shared['calledAs']
export let memoryProtection: Shared['memoryProtection']
export let own: Shared['own']
export let packageRoots: Shared['packageRoots']
export let providerError: Shared['providerError']
export let readIds: Shared['readIds']
export let runCommand: Shared['runCommand']
export let runUnlessAborted: Shared['runUnlessAborted']
export let spawnProvider: Shared['spawnProvider']
export let translate: Shared['translate']
export let validate: Shared['validate']
export let variable: Shared['variable']

/** Before anything else of the doctor that needs the addon. */
export function use(shared: Shared) {
  ;({
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
  } = shared)
}
