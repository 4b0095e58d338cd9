// Keeps the event loop alive while a provider runs that was not unref()ed.
'use strict'

const binding = require('./binding.js')

/** The longest that a timer can be set to (Node's TIMEOUT_MAX): 24.8 days, then again. */
const FOREVER = 2 ** 31 - 1

/** @type {NodeJS.Timeout | undefined} */
let timer
let holders = 0

function hold() {
  holders += 1
  if (timer === undefined) binding.callWithoutContext(start)
  timer?.ref()
}

/** Outside of the first holder's AsyncLocalStorage, which a timer would keep for as long as it lives. */
function start() {
  timer = setInterval(() => {}, FOREVER)
}

function release() {
  holders -= 1
  if (holders === 0) timer?.unref()
}

module.exports = { hold, release }
