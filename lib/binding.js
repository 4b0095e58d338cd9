// The addon, with its generated types: the one place that loads it.
'use strict'

/** @type {typeof import('../binding')} */
const binding = require('../binding.cjs')

module.exports = binding
