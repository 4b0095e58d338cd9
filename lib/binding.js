// Loads the addon, with its generated types. No other file loads it.
'use strict'

const { isNativeError } = require('node:util').types

/** @type {typeof import('../binding')} */
const binding = load()

function load() {
  try {
    return require('../binding.cjs')
  } catch (thrown) {
    const { whyNotLoaded } = require('./not-loaded.js')
    const { reason, advice, commands } = whyNotLoaded(thrown)
    const cause = (isNativeError(thrown) && thrown.cause) || thrown
    const { name } = require('../package.json')
    throw new Error(`The addon of ${name} does not load on ${process.platform}-${process.arch}: ${reason}. ${[advice, ...commands].join(' ')}`, { cause })
  }
}

module.exports = binding
