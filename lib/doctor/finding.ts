// Creates a finding from a row of the table of checks and what was observed.

import type { ProviderId } from '../../binding.js'

/** The severity of a finding. `info` requires no action. */
export type Severity = 'ok' | 'info' | 'warning' | 'error'

/** The result of one check. docs/doctor.md lists every `id`. */
export interface Finding {
  /** Stable across versions, for use in scripts. */
  readonly id: string
  readonly severity: Severity
  /** The provider that the finding is about; `null` for the machine and the target user. */
  readonly provider: ProviderId | null
  /** What was found, in one or two English sentences. It contains no value of a secret. */
  readonly sentence: string
  /** What to do about it; `null` if no action is required. */
  readonly remedy: string | null
  /**
   * The commands that fix it, quoted for a POSIX shell. Run them in order in one shell: `export PATH=…` changes the
   * `PATH` of that shell. Read them first, because most require root. Commands that the target user has to run use
   * `provider-env run-as`. Empty if no command can fix it.
   */
  readonly commands: readonly string[]
  /** The file or directory that the finding is about. */
  readonly path: string | null
  /**
   * Details that depend on the finding: numbers, names and paths, all of which JSON can represent. Any version may add
   * fields.
   */
  readonly details: Readonly<Record<string, unknown>>
}

/** One kind of finding. `Seen` is what the checks of its file can have observed; a row reads what its own check hands over. */
export interface Row<Seen> {
  /** Stable: scripts and documentation name it. */
  id: string
  severity: Severity
  /** When it is an error, or only information, instead. */
  otherwise?: (seen: Seen) => 'error' | 'info' | undefined
  sentence: (seen: Seen) => string
  remedy?: (seen: Seen) => string
  /** The commands that fix it, to run in order in one shell. */
  commands?: (seen: Seen) => string[]
}

export interface About {
  provider?: ProviderId | null
  path?: string
  /** Into the report as they are: no secret, and nothing that JSON cannot hold. */
  details?: Record<string, unknown>
}

/** Makes findings from rows. A row that is not there is a defect. */
export function findingsOf<Seen extends object>(rows: () => readonly Row<Seen>[]) {
  let table: Map<string, Row<Seen>> | undefined
  /** @param given What the row's functions are given. */
  return function finding(id: string, given: Partial<Seen>, about?: About): Finding {
    const { provider = null, path, details = {} } = { __proto__: null, ...about } as About
    table ??= new Map(rows().map((row) => [row.id, row]))
    const found = table.get(id)
    if (!found) throw new Error(`no row ${id}`)
    const row = { __proto__: null, ...found } as Row<Seen>
    const seen = given as Seen
    return Object.freeze({
      id,
      severity: row.otherwise?.(seen) ?? row.severity,
      provider,
      sentence: row.sentence(seen),
      remedy: row.remedy?.(seen) ?? null,
      commands: Object.freeze(row.commands?.(seen) ?? []),
      path: path ?? null,
      details: Object.freeze(details)
    })
  }
}
