// Asks the addon what a target can do with paths; answers come in the order of the questions.
'use strict'

const binding = require('../binding.js')
const { fromThrown } = require('../errors.js')

/** The bits of access(2). */
const ACCESS = Object.freeze({ exists: 0, execute: 1, write: 2, use: 3, read: 4 })

/**
 * @typedef {{ path: string, kind: 'directory' | 'file' | 'other' | 'missing', uid: number, gid: number, mode: number }} Component
 * @typedef {{ path: string, components: Component[], obstacle: { path: string, errno: number } | null }} Answer
 * @typedef {{ uid?: number, gid?: number, groups?: number[], allowRoot?: boolean }} Ids
 */

/**
 * The result of a look, which crosses as JSON.
 * @param {() => Promise<string>} look
 * @returns {Promise<any>}
 */
async function looked(look) {
  try {
    return JSON.parse(await look())
  } catch (error) {
    throw fromThrown(error)
  }
}

/**
 * @param {Ids} ids
 * @param {{ path: string, access: number }[]} questions
 * @param {boolean} byModeBits
 * @returns {Promise<Answer[]>}
 */
function inquire(ids, questions, byModeBits) {
  return looked(() => binding.inquirePaths({ groups: undefined, allowRoot: undefined, ...ids }, questions, byModeBits))
}

/** The path's own component. @param {Answer} answer @returns {Component} */
function last({ components }) {
  return /** @type {Component} */ (components.at(-1))
}

/**
 * The real path of what was asked for: where links lead elsewhere, its components come first.
 * @param {Answer} answer
 */
function realPath({ path, components }) {
  const again = components.findIndex((component, index) => index > 0 && component.path === '/')
  return again === -1 ? path : components[again - 1].path
}

module.exports = { ACCESS, inquire, last, looked, realPath }
