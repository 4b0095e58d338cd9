// Asks the addon what a target user can do with paths. The answers are in the order of the questions.
'use strict'

const { constants } = require('node:fs')
const binding = require('../binding.js')
const { ProviderError } = require('../errors.js')
const { runUnlessAborted } = require('../jobs.js')

/** What can be asked of a path: bits of access(2). A directory is used by who can make files in it. */
const ACCESS = Object.freeze({ exists: constants.F_OK, execute: constants.X_OK, write: constants.W_OK, use: constants.W_OK | constants.X_OK, read: constants.R_OK })

/**
 * @typedef {import('../../binding').Component} Component
 * @typedef {import('../../binding').Answer} Answer
 * @typedef {{ uid?: number, gid?: number, groups?: number[], allowRoot?: boolean }} Ids
 */

/** A look takes milliseconds. One that takes longer than this has met a file system that does not answer. */
const DEADLINE_MS = 5_000

/**
 * The result of a look, which has its own thread: a tenant chooses the paths, and what hangs there must hold up nobody.
 * @template T
 * @param {(abort: import('../../binding').NativeAbort) => Promise<T>} look Begins it.
 * @returns {Promise<T>}
 */
async function looked(look) {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  try {
    return await runUnlessAborted(look, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    const message = `A check of this machine did not end within ${DEADLINE_MS / 1000} s: a file system does not answer. Check the tenant's mounts (FUSE, NFS).`
    throw new ProviderError({ code: 'ERR_PROVIDER_TIMEOUT', message }, { cause: error })
  }
}

/**
 * @param {Ids} ids
 * @param {{ path: string, access: number }[]} questions
 * @param {boolean} byModeBits
 * @returns {Promise<Answer[]>}
 */
function inquire(ids, questions, byModeBits) {
  const inquiry = { ids: { groups: undefined, allowRoot: undefined, ...ids }, byModeBits, questions }
  return looked((abort) => binding.inquirePaths(inquiry, abort))
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
