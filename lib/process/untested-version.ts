// Warns about a CLI that is newer than all tested versions, or whose version is unknown: once for each message, as Node
// does for deprecations.

import { bare } from '../internal/errors.ts'

/** Messages that are not repeated. A tenant that chooses the program chooses its version, so only so many are remembered. */
const MAX_SAID = 100
/** The newest last. */
const said: Set<string> = new Set()

/** @param message The core's; none for a version that was tested. */
export function warnOfUntested(message: string | null | undefined) {
  if (message == null || said.has(message)) return
  said.add(message)
  if (said.size > MAX_SAID) said.delete(said.values().next().value as string)
  const warning = bare({
    type: 'SecurityWarning',
    code: 'PROVIDER_CLI_UNTESTED',
    detail:
      'Its protections may differ. Install a version from the table in docs/providers.md, or update @webalive/provider-env. node --disable-warning=PROVIDER_CLI_UNTESTED silences this warning.'
  })
  process.emitWarning(message, warning)
}
