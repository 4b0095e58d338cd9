// The only finding that is possible without the addon: that it does not load.

import { isNativeError } from 'node:util/types'
import type { NotLoaded } from '../internal/doctor-file.ts'
import { manifest } from '../internal/manifest.ts'
import type { Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import type { Diagnosis } from './index.ts'
import { whyNotLoaded } from './not-loaded.ts'
import { harmless } from './words.ts'

type Needed = { 'platform.unloadable': NotLoaded & { platform: string } }

export const rows: Table<Needed> = [
  {
    id: 'platform.unloadable',
    severity: 'error',
    sentence: ({ reason, platform }) => `The addon does not load on ${platform}: ${reason}.`,
    remedy: ({ advice }) => advice,
    commands: ({ commands }) => commands
  }
]

const finding = findingsOf<Needed>(() => rows)

/**
 * The report of a diagnosis that could not begin.
 * @param error What loading the addon threw; its cause is what the generated loader met.
 */
export function unloadable(error: unknown): Diagnosis {
  const platform = `${process.platform}-${process.arch}`
  const { reason, advice, commands } = whyNotLoaded(isNativeError(error) ? (error.cause ?? error) : error)
  return {
    schemaVersion: 1,
    version: manifest().version,
    ok: false,
    worst: 'error',
    target: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: [] },
    providers: [],
    durationMs: 0,
    findings: [finding('platform.unloadable', { reason: harmless(reason), platform, advice, commands }, { details: { platform } })]
  }
}
