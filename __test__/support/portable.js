// A start by child_process, as spawnProvider() makes where there is no native one.
'use strict'

const { readLaunch, startPortable } = require('./internals.js')

/**
 * @param {any} env
 * @param {any} [options]
 * @param {import('../../binding').PlainVariable[]} [extra] Variables of an SDK.
 */
function spawnPortable(env, options, extra) {
  return startPortable(readLaunch(env, options, extra)).child
}

module.exports = { spawnPortable }
