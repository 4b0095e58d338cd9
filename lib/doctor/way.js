// Follows a path link by link, to find what a command of root would really change and whether the tenant can influence
// that.
'use strict'

const binding = require('../binding.js')
const { looked } = require('./ask.js')
const { OWN } = require('./words.js')

/** @typedef {import('../../binding').Way} Way */

/**
 * @param {import('./context.js').Context} context
 * @param {string} from Absolute.
 * @returns {Promise<Way>}
 */
async function wayTo({ ids }, from) {
  return await looked((abort) => binding.surveyWay(from, ids, abort))
}

/**
 * What users other than root could change about a path, or about what is created there; null if nothing.
 * @param {import('./context.js').Context} context
 * @param {string} from Absolute.
 * @returns {Promise<string | null>}
 */
async function openAt(context, from) {
  const { steered, movable, targets, inside, real } = await wayTo(context, from)
  return steered ?? movable ?? (targets || inside ? real : null)
}

/**
 * A row whose commands are withheld where the tenant has a say in what they would change.
 * @param {import('./finding.js').Row} row
 * @param {boolean} [byRoot] Whether root runs them, whom a link leads that is put there in the last moment, too.
 * @returns {import('./finding.js').Row}
 */
function unlessSteered(row, byRoot = false) {
  const { remedy, commands } = row
  if (remedy === undefined || commands === undefined) return row
  const why = (/** @type {Way} */ { steered, movable, real }) => {
    if (steered !== null) return `whoever can change ${steered} decides that it leads to ${real}`
    if (byRoot && movable !== null) return `the tenant can replace ${movable} with a link at any time`
    return null
  }
  return {
    ...row,
    remedy: (seen) => {
      const reason = why(seen.way)
      return reason === null ? remedy(seen) : `Inspect it yourself: ${reason}. A command that runs with higher privileges would change what the link leads to, so the doctor shows none.`
    },
    commands: (seen) => (why(seen.way) === null ? commands(seen) : [])
  }
}

/**
 * What is before a command that the target itself is to run: as another, without the terminal of whoever runs it.
 * @param {import('./context.js').Context} context
 */
function asTarget({ target, own, ids }) {
  if (own.uid === target.uid) return []
  const groups = ids.groups?.length ? ['--groups', ids.groups.join(',')] : []
  return [...OWN, 'run-as', '--uid', String(target.uid), '--gid', String(target.gid), ...groups, '--']
}

module.exports = { asTarget, openAt, unlessSteered, wayTo }
