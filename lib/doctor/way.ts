// Follows a path link by link, to find what a command of root would really change and whether the tenant can influence
// that.

import type { Way } from '../../binding.js'
import { looked } from './ask.ts'
import type { Context } from './context.ts'
import { binding } from './facade.ts'
import type { Row } from './finding.ts'
import { OWN } from './words.ts'

/** @param from Absolute. */
export async function wayTo({ ids }: Context, from: string): Promise<Way> {
  return await looked((abort) => binding.surveyWay(from, ids, abort))
}

/**
 * What users other than root could change about a path, or about what is created there; null if nothing.
 * @param from Absolute.
 */
export async function openAt(context: Context, from: string): Promise<string | null> {
  const { steered, movable, targets, inside, real } = await wayTo(context, from)
  return steered ?? movable ?? (targets || inside ? real : null)
}

/** Who can influence where a path leads. */
export type Steering = Pick<Way, 'real' | 'steered' | 'movable' | 'targets'>

/**
 * Returns the row without its commands if the tenant has a say in what they would change.
 * @param byRoot Whether root runs some of them: a link that the tenant puts there at the last moment would lead root elsewhere.
 */
export function unlessSteered<Seen extends { way: Steering }, Id extends string>(
  row: Row<Seen, Id>,
  byRoot: (seen: Seen) => boolean = () => false
): Row<Seen, Id> {
  const { remedy, commands } = row
  if (remedy === undefined || commands === undefined) return row
  const why = (seen: Seen) => {
    const { steered, movable, real } = seen.way
    if (steered !== null) return `whoever can change ${steered} decides that it leads to ${real}`
    if (movable !== null && byRoot(seen)) return `the tenant can replace ${movable} with a link at any time`
    return null
  }
  return {
    ...row,
    remedy: (seen) => {
      const reason = why(seen)
      return reason === null
        ? remedy(seen)
        : `Inspect it yourself: ${reason}. A command that runs with higher privileges would change what the link leads to, so the doctor shows none.`
    },
    commands: (seen) => (why(seen) === null ? commands(seen) : [])
  }
}

/** What is before a command that the target itself is to run: as another, without the terminal of whoever runs it. */
export function asTarget({ target, own, ids }: Context) {
  if (own.uid === target.uid) return []
  const groups = ids.groups?.length ? ['--groups', ids.groups.join(',')] : []
  return [...OWN, 'run-as', '--uid', String(target.uid), '--gid', String(target.gid), ...groups, '--']
}
