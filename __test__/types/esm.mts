// The ES module door has the same names and types as the CommonJS one.

import type * as cjs from '../../index.js'
import * as esm from '../../index.mjs'

type Names = Exclude<keyof typeof cjs, 'default' | 'module.exports'>

export const there: Pick<typeof cjs, Names> = esm
export const back: Pick<typeof esm, Names> = there
export type { ProviderPayload, SpawnOptions, Workspace } from '../../index.mjs'
