// Tears down when the process exits: process.exit() and an uncaught throw run no finalizer and no cleanup hook.
'use strict'

const { isMainThread } = require('node:worker_threads')
const binding = require('./binding.js')

let hooked = false

/**
 * Has secrets wiped at exit, and providers killed with everything they started: they would be killed anyway, alone. A worker thread
 * that ends leaves refreshes to the process.
 */
function tearDownAtExit() {
  if (hooked) return
  hooked = true
  process.on('exit', () => {
    binding.tearDown()
    if (isMainThread) binding.settleLogins()
  })
}

module.exports = { tearDownAtExit }
