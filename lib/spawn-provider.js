// spawnProvider(): checks the options, chooses the kind of start, and connects the AbortSignal to the process.
'use strict'

const binding = require('./binding.js')
const { onAbort } = require('./abort-signal.js')
const { readLaunch } = require('./launch.js')

/** `new net.Socket({ fd })` never emits under Bun, and elsewhere than on Linux the addon has no start of its own. */
const portable =
  process.versions.bun !== undefined || process.platform !== 'linux' || binding.missingForNativeStart() !== null

// Loaded now, not with the first start: a worker that has dropped meanwhile may not be able to read its own node_modules.
const start = portable ? require('./portable-start.js').startPortable : require('./native-start.js').startNative

/**
 * @param {import('../index').ProviderEnv} env
 * @param {import('../index').SpawnOptions} [options]
 * @returns {any}
 */
function spawnProvider(env, options) {
  return spawnWith(env, options)
}

/**
 * @param {import('../index').ProviderEnv} env
 * @param {import('../index').SpawnOptions | undefined} options
 * @param {import('../binding').PlainVariable[]} [extra] Variables of an SDK.
 */
function spawnWith(env, options, extra) {
  const launch = readLaunch(env, options, extra)
  const driver = start(launch)
  const { signal } = launch
  if (signal) tieOrEnd(driver, signal)
  return driver.child
}

/**
 * A process that nobody could abort, and that the caller gets no handle of, ends.
 * @param {import('./provider-process.js').Driver} driver
 * @param {AbortSignal} signal
 */
function tieOrEnd(driver, signal) {
  try {
    tie(driver, signal)
  } catch (error) {
    driver.child.once('error', () => {}).kill('SIGKILL')
    throw error
  }
}

/**
 * @param {import('./provider-process.js').Driver} driver
 * @param {AbortSignal} signal
 */
function tie(driver, signal) {
  const abort = () => driver.abort(signal.reason)
  if (signal.aborted) {
    // Not before the caller can listen.
    process.nextTick(abort)
    return
  }
  const untie = onAbort(signal, abort)
  // A start that fails has no `exit`.
  driver.child.once('exit', untie).once('close', untie)
}

module.exports = { portable, spawnProvider, spawnWith }
