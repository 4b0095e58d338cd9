// The way to a path, link by link: what a command of root's would really change, and whether the tenant can choose that.

import { binding } from './facade.ts'
import { looked } from './ask.ts'
import { OWN } from './words.ts'
import type { Way } from '../../binding.js'
import type { Context } from './context.ts'
import type { Row } from './finding.ts'

/** @param from Absolute. */
export async function wayTo({ ids }: Context, from: string): Promise<Way> {
  return await looked((abort) => binding.surveyWay(from, ids, abort))
}

/**
 * What somebody else than root could change about a path, or about what is made there; null where nothing.
 * @param from Absolute.
 */
export async function openAt(context: Context, from: string): Promise<string | null> {
  const { steered, movable, targets, inside, real } = await wayTo(context, from)
  return steered ?? movable ?? (targets || inside ? real : null)
}

/**
 * A row whose commands are withheld where the tenant has a say in what they would change.
 * @param byRoot Whether root runs them, whom a link leads that is put there in the last moment, too.
 */
export function unlessSteered(row: Row, byRoot: boolean = false): Row {
  const { remedy, commands } = row
  if (remedy === undefined || commands === undefined) return row
  const why = ({ steered, movable, real }: Way) => {
    if (steered !== null) return `who can change ${steered} chooses that it leads to ${real}`
    if (byRoot && movable !== null) return `the tenant can put a link in the place of ${movable} at any time`
    return null
  }
  return {
    ...row,
    remedy: (seen) => {
      const reason = why(seen.way)
      return reason === null
        ? remedy(seen)
        : `Look at it yourself: ${reason}. A command run with more rights than theirs would change what the link leads to, so none is given.`
    },
    commands: (seen) => (why(seen.way) === null ? commands(seen) : [])
  }
}

/** What stands before a command that the target itself is to run: as another, without the terminal of whoever runs it. */
export function asTarget({ target, own, ids }: Context) {
  if (own.uid === target.uid) return []
  const groups = ids.groups?.length ? ['--groups', ids.groups.join(',')] : []
  return [...OWN, 'run-as', '--uid', String(target.uid), '--gid', String(target.gid), ...groups, '--']
}
