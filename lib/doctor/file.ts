// The second file of this package: what diagnose() and the command line load.

import type { Shared } from '../shared.ts'
import type { DiagnoseOptions } from './context.ts'
import { use } from './facade.ts'
import { diagnose } from './index.ts'

export { main } from './command-line.ts'
export { whyNotLoaded } from './not-loaded.ts'

export function diagnoseWith(shared: Shared, options?: DiagnoseOptions) {
  use(shared)
  return diagnose(options)
}
