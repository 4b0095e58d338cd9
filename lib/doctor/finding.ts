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

/** One kind of finding. `Seen` is what the check observed, as far as the row needs it. */
export interface Row<Seen, Id extends string = string> {
  /** Stable: scripts and documentation name it. */
  id: Id
  severity: Severity
  /** The severity in this case, if it is another one. */
  otherwise?: (seen: Seen) => 'error' | 'info' | undefined
  sentence: (seen: Seen) => string
  remedy?: (seen: Seen) => string
  /** The commands that fix it, to run in order in one shell. */
  commands?: (seen: Seen) => string[]
}

/** What the row of each id needs: some members of `Seen`, by their names. */
export type Needs<Seen, Names extends Record<string, keyof Seen>> = { [Id in keyof Names]: Pick<Seen, Names[Id]> }

/** The rows of a topic. `Needed` is what the row of each id needs. */
export type Table<Needed> = readonly { [Id in keyof Needed & string]: Row<Needed[Id], Id> }[keyof Needed & string][]

/** What every one of these rows needs. */
type Given<Needed, Id extends keyof Needed> = (Id extends unknown ? (given: Needed[Id]) => void : never) extends (given: infer All) => void
  ? All
  : never

export interface About {
  provider?: ProviderId | null
  path?: string
  /** The report contains them unchanged: no secret, and only what JSON can represent. */
  details?: Record<string, unknown>
}

/** Returns a function that creates findings from the rows of a topic. An id without a row is a defect. */
export function findingsOf<Needed>(rows: () => Table<Needed>) {
  let table: Map<string, Row<unknown>> | undefined
  /** @param seen What the row needs, and no more. */
  return function finding<Id extends keyof Needed & string>(id: Id, seen: Given<Needed, Id>, about?: About): Finding {
    const { provider = null, path, details = {} } = { __proto__: null, ...about } as About
    table ??= new Map((rows() as readonly Row<unknown>[]).map((row) => [row.id, row]))
    const found = table.get(id)
    if (!found) throw new Error(`no row ${id}`)
    const row = { __proto__: null, ...found } as Row<unknown>
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
