// A start that fails before there is a process: it has the streams that the caller expects, and emits the error as an
// event.
'use strict'

const { Readable, Writable } = require('node:stream')
const { bare } = require('./errors.js')
const { makeProcess } = require('./provider-process.js')
const { PIPE } = require('./stdio.js')

/** @typedef {import('./launch.js').Launch} Launch */
/** @typedef {import('./provider-process.js').Driver} Driver */

/** @type {NonNullable<import('node:stream').WritableOptions['write']>} */
const drop = (_chunk, _encoding, done) => done()

/**
 * What stands for the streams that could not be made: what is written is dropped, and there is nothing to read. It takes no
 * descriptor, as there may be none left.
 * @param {Launch} launch
 * @param {readonly any[]} made The streams that there are.
 */
function completed({ child }, made) {
  /** @type {(() => void)[]} */
  const ends = []
  const streams = child.stdio.map((item, index) => {
    if (made[index] || item !== PIPE) return made[index] ?? null
    if (index === 0) return new Writable(bare({ write: drop }))
    const stream = new Readable(bare({ read: () => {} }))
    ends.push(() => stream.push(null))
    return stream
  })
  return { streams, end: () => ends.forEach((end) => end()) }
}

/**
 * @param {Launch} launch
 * @param {Pick<import('./provider-process.js').Backend, 'startPath' | 'missingProtections'>} facts
 * @param {any} error
 * @returns {Driver}
 */
function failStart(launch, facts, error) {
  const { streams, end } = completed(launch, [])
  const idle = { signal: () => false, stop: () => {}, ref: () => {}, unref: () => {} }
  const driver = makeProcess({ ...facts, stdio: /** @type {any} */ (streams), ...idle }, launch.facts)
  // Not before the caller can listen.
  process.nextTick(() => {
    end()
    driver.onFailed(error)
  })
  return driver
}

module.exports = { completed, failStart }
