// The facade as it is bundled for users, with what unit tests look into beside: `npm run build` makes target/internals.cjs of
// it, for internals.js.

import { use } from '../../lib/doctor/facade.ts'
import { rows as allRows } from '../../lib/doctor/rows.ts'
import { shared } from '../../lib/shared.ts'

use(shared)

export const rows = allRows()

export * from '../../lib/bundle.ts'
export { helpOf, readArguments } from '../../lib/doctor/arguments.ts'
export { readContext } from '../../lib/doctor/context.ts'
export { whyNotLoaded } from '../../lib/doctor/not-loaded.ts'
export { leaveOutNpm } from '../../lib/doctor/npm.ts'
export { print } from '../../lib/doctor/print.ts'
export { homeAbove } from '../../lib/doctor/program.ts'
export { nativeOf as nativeEnvOf } from '../../lib/environment/provider-env.ts'
export { onAbort } from '../../lib/internal/abort-signal.ts'
export { binding } from '../../lib/internal/binding.ts'
export { translate } from '../../lib/internal/errors.ts'
export { keepFresh } from '../../lib/process/keep-fresh.ts'
export { readLaunch } from '../../lib/process/launch.ts'
export { startCommand } from '../../lib/process/native-start.ts'
export { startPortable } from '../../lib/process/portable-start.ts'
export { runCommand } from '../../lib/process/run-command.ts'
export { IGNORE, PIPE } from '../../lib/process/stdio.ts'
export { warnOfUntested } from '../../lib/process/untested-version.ts'
export { Metered } from '../../lib/usage/metered.ts'
export { TOKEN_COUNTS } from '../../lib/usage/token-counts.ts'
