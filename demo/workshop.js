// Sets up and removes what the demo needs: home directories, reachable programs, and the mock API.
'use strict'

const { resolveProgram } = require('..')
const { makeHomes } = require('../__test__/support/homes.js')
const { findPrograms, installForAnyone } = require('../__test__/support/programs.js')

/** As root, each tenant gets its own uid and gid from here on: they need no entry in /etc/passwd. */
const FIRST_ID = 12345

class Workshop {
  /** @type {(() => unknown)[]} */
  #undo = []
  /** What to say about the place that the programs were started from; none when node_modules would do. */
  moved = ''

  isRoot = process.geteuid?.() === 0
  /** Of each tenant that was given any. @type {Record<string, { uid: number, gid: number }>} */
  tenants = {}

  /** One uid for each: tenants who share one read each other. @param {string} tenant @returns {{ uid?: number, gid?: number }} */
  idsOf(tenant) {
    if (!this.isRoot) return {}
    const id = FIRST_ID + Object.keys(this.tenants).length
    return (this.tenants[tenant] ??= { uid: id, gid: id })
  }

  /** @param {() => unknown} undo */
  onClose(undo) {
    this.#undo.push(undo)
  }

  /** @param {string} tenant */
  homes(tenant) {
    const homes = makeHomes(this.idsOf(tenant))
    this.onClose(homes.remove)
    return homes
  }

  /**
   * The two CLIs in this clone's node_modules; copies of them where the children cannot get there, or others can write there.
   * @param {string[]} wanted
   * @param {string} tenant The one to prove them for: to the kernel, the others are strangers just like it.
   * @returns {Record<string, { path: string, version: string | null }>}
   */
  programs(wanted, tenant) {
    const ids = this.idsOf(tenant)
    const found = findPrograms()
    const providers = /** @type {const} */ (['claude', 'codex']).filter((provider) => wanted.includes(provider))
    try {
      const proved = prove(found, providers, ids)
      const [unknown] = Object.values(proved).filter(({ version }) => version === null)
      if (unknown === undefined) return proved
      // Under sudo, in a user's own clone: a file that another user can write to does not state the version, and the server's key is for a known one.
      this.moved = `${unknown.path} can be changed by users other than root and this process.`
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ERR_PROVIDER_PROGRAM_UNREACHABLE') throw error
      this.moved = /** @type {Error} */ (error).message
    }
    const placed = installForAnyone()
    this.onClose(placed.remove)
    return prove(placed, providers, ids)
  }

  async close() {
    for (const undo of this.#undo.reverse()) await undo()
    this.#undo = []
  }
}

/**
 * @param {{ codex: string, claude: string }} paths
 * @param {('codex' | 'claude')[]} providers
 * @param {import('..').ResolveOptions} ids
 * @returns {Record<string, import('..').Program>}
 */
function prove(paths, providers, ids) {
  return Object.fromEntries(providers.map((provider) => [provider, resolveProgram(provider, { command: paths[provider], ...ids })]))
}

module.exports = { Workshop }
