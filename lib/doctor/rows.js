// All checks of the doctor: the rows of all topics, by the ids that scripts and documentation use.
'use strict'

/** @type {readonly import('./finding.js').Row[]} */
const rows = [
  ...require('./unloadable.js').rows,
  ...require('./platform.js').rows,
  ...require('./target.js').rows,
  ...require('./environment.js').rows,
  ...require('./program.js').rows,
  ...require('./state.js').rows,
  ...require('./login.js').rows,
  ...require('./files.js').rows,
  ...require('./start.js').rows
]

module.exports = { rows }
