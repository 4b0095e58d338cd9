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
      return prove(placed, providers, this.ids)
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
 * @param {{ uid?: number, gid?: number }} ids
 */
function prove(paths, providers, ids) {
  return Object.fromEntries(providers.map((provider) => [provider, named(resolveProgram(provider, { command: paths[provider], ...ids }), provider)]))
}

/**
 * A moved program has lost its package, and with it its version: that of the installed one still holds.
 * @param {import('..').Program} program
 * @param {'codex' | 'claude'} provider
 */
function named(program, provider) {
  return { path: program.path, version: program.version ?? installedVersion(provider) }
}

/** @param {'codex' | 'claude'} provider */
function installedVersion(provider) {
  if (provider === 'codex') return require('@openai/codex/package.json').version
  return require('@anthropic-ai/claude-agent-sdk/package.json').claudeCodeVersion
}

module.exports = { Workshop }
