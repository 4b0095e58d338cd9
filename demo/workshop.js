// What the demo sets up and takes away again: homes, reachable programs, the mock API.
'use strict'

const { resolveProgram } = require('..')
const { makeHomes } = require('../__test__/support/homes.js')
const { findPrograms, installForAnyone } = require('../__test__/support/programs.js')

/** As root, the children become this uid and gid, which no one needs to know of. */
const TARGET = Object.freeze({ uid: 12345, gid: 12345 })

class Workshop {
  /** @type {(() => unknown)[]} */
  #undo = []
  /** What to say about the place that the programs were started from; none when node_modules would do. */
  moved = ''

  isRoot = process.geteuid?.() === 0
  /** @type {{ uid?: number, gid?: number }} */
  ids = this.isRoot ? TARGET : {}

  /** @param {() => unknown} undo */
  onClose(undo) {
    this.#undo.push(undo)
  }

  homes() {
    const homes = makeHomes(this.ids)
    this.onClose(homes.remove)
    return homes
  }

  /**
   * The two CLIs in this clone's node_modules; copies of them where the children cannot get there.
   * @param {string[]} wanted
   * @returns {Record<string, { path: string, version: string | null }>}
   */
  programs(wanted) {
    const found = findPrograms()
    const providers = /** @type {const} */ (['claude', 'codex']).filter((provider) => wanted.includes(provider))
    try {
      return prove(found, providers, this.ids)
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ERR_PROVIDER_PROGRAM_UNREACHABLE') throw error
      this.moved = /** @type {Error} */ (error).message
      const placed = installForAnyone()
      this.onClose(placed.remove)
      // Away from its package, a program's version is not to be told any more.
      const installed = prove(found, providers, { allowRoot: true })
      const proved = prove(placed, providers, this.ids)
      return Object.fromEntries(providers.map((provider) => [provider, { path: proved[provider].path, version: installed[provider].version }]))
    }
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
