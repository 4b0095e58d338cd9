// A finding: a row of the table of checks, filled in with what was seen.

import type { ProviderId } from '../../binding.js'

/** How bad a finding is. `info` asks for nothing. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'

/** One thing that was looked at. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions: for scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that it is about; `null` for the machine and the target. */
  readonly provider: ProviderId | null
  /** What is so, as one or two English sentences. No value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` where nothing is to be done. */
  readonly remedy: string | null
  /**
   * The commands that mend it, quoted for a POSIX shell, to be run one after the other in one shell: `export PATH=…`
   * among them changes that shell's own. Read them first: most need root. What the target has to do is run by
   * `provider-env run-as`. Empty where no command can mend it.
   */
  readonly commands: readonly string[]
  /** The file or directory that it is about. */
  readonly path: string | null
  /** Particulars, by finding: numbers, names and paths. JSON can hold them. May gain fields in any version. */
  readonly details: Readonly<Record<string, unknown>>
}

/** What a check hands to the words of its row, which alone knows what that is. */
// biome-ignore lint/suspicious/noExplicitAny: the rows of all checks are in one table.
export type Given = any

/** One kind of finding. */
export interface Row {
  /** Stable: scripts and documentation name it. */
  id: string
  severity: Severity
  /** Where it is an error instead. */
  isError?: (seen: Given) => boolean
  sentence: (seen: Given) => string
  remedy?: (seen: Given) => string
  /** What mends it, run one after the other in one shell. */
  commands?: (seen: Given) => string[]
}

export interface Seen {
  provider?: ProviderId | null
  path?: string
  /** Into the report as they are: no secret, and nothing that JSON cannot hold. */
  details?: Record<string, unknown>
}

/** Makes findings from rows. A row that is not there is a defect. */
export function findingsOf(rows: () => readonly Row[]) {
  let table: Map<string, Row> | undefined
  /** @param seen What the row's functions are given. */
  return function finding(id: string, seen: Given, about?: Seen): Finding {
    const { provider = null, path, details = {} } = { __proto__: null, ...about } as Seen
    table ??= new Map(rows().map((row) => [row.id, row]))
    const found = table.get(id)
    if (!found) throw new Error(`no row ${id}`)
    const row = { __proto__: null, ...found } as Row
    return Object.freeze({
      id,
      severity: row.isError?.(seen) ? 'error' : row.severity,
      provider,
      sentence: row.sentence(seen),
      remedy: row.remedy?.(seen) ?? null,
      commands: Object.freeze(row.commands?.(seen) ?? []),
      path: path ?? null,
      details: Object.freeze(details)
    })
  }
}
