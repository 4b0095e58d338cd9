// Tears down when the process exits: process.exit() and an uncaught throw run no finalizer and no cleanup hook.
'use strict'

const binding = require('./binding.js')

let hooked = false

/** Has secrets wiped at exit, and providers killed with everything they started: they would be killed anyway, alone. */
function tearDownAtExit() {
  if (hooked) return
  hooked = true
  process.on('exit', () => binding.tearDown())
}

module.exports = { tearDownAtExit }
