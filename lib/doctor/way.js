// The way to a path, link by link: what a command of root's would really change, and whether the tenant can choose that.
'use strict'

const fs = require('node:fs/promises')
const path = require('node:path')

/** As the kernel's. */
const MOST_LINKS = 40

/**
 * @typedef {object} Way
 * @property {string} real Where it leads; what is missing at its end is part of it.
 * @property {string | null} steered The first link on it that is, or could be, the tenant's; or what the tenant can rename.
 * @property {boolean} targets Whether the target can make and rename things in the last directory that there is, above the path.
 * @property {boolean} inside Whether it can in the path itself.
 */

/**
 * @param {import('./context.js').Context} context
 * @param {string} from Absolute.
 * @returns {Promise<Way>}
 */
async function wayTo({ target, own }, from) {
  const isTenants = (/** @type {{ uid: number }} */ { uid }) => uid !== 0 && (uid === target.uid || uid !== own.uid)
  const opens = (/** @type {{ uid: number, mode: number }} */ found) => isTenants(found) || (found.mode & 0o002) !== 0
  let rest = from.split('/').filter(Boolean)
  let at = '/'
  let above = await fs.lstat('/')
  let links = 0
  /** @type {string | null} */
  let steered = null
  while (rest.length > 0) {
    const next = path.join(at, rest[0])
    const found = await fs.lstat(next).catch(() => undefined)
    if (found === undefined) break
    rest = rest.slice(1)
    if (found.isSymbolicLink()) {
      if (isTenants(found) || opens(above)) steered ??= next
      const to = path.resolve(at, await fs.readlink(next).catch(() => '.'))
      if (++links > MOST_LINKS) return { real: next, steered: steered ?? next, targets: false, inside: false }
      rest = [...to.split('/').filter(Boolean), ...rest]
      at = '/'
      above = await fs.lstat('/')
      continue
    }
    if (rest.length === 0) return { real: next, steered, targets: opens(above), inside: opens(found) }
    // In a directory of the tenant's, one that it cannot write to can still be renamed, and a link put in its place.
    if (isTenants(above) && !opens(found)) steered ??= next
    at = next
    above = found
  }
  return { real: path.join(at, ...rest), steered, targets: opens(above), inside: false }
}

/**
 * A row whose commands are withheld where the tenant has a say in what they would change.
 * @param {import('./finding.js').Row} row
 * @returns {import('./finding.js').Row}
 */
function unlessSteered(row) {
  const { remedy, commands } = row
  if (remedy === undefined || commands === undefined) return row
  return {
    ...row,
    remedy: (seen) =>
      seen.way.steered === null
        ? remedy(seen)
        : `Look at it yourself: who can change ${seen.way.steered} chooses that it leads to ${seen.way.real}. A command run with more rights than theirs would change that instead, so none is given.`,
    commands: (seen) => (seen.way.steered === null ? commands(seen) : [])
  }
}

/**
 * What stands before a command that the target itself is to run.
 * @param {import('./context.js').Context} context
 */
function asTarget({ target, own }) {
  return own.uid === target.uid ? [] : ['setpriv', `--reuid=${target.uid}`, `--regid=${target.gid}`, '--clear-groups', '--no-new-privs']
}

module.exports = { asTarget, unlessSteered, wayTo }
