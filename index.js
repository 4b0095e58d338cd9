// The CommonJS door: named exports only. All of it is loaded now: a worker that drops its privileges later may not be able to
// read its own node_modules any more.
'use strict'

const { shared: _, ...names } = require('./dist/provider-env.cjs')

module.exports = names
