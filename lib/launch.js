// Reads the options of spawnProvider() into what the addon takes.
'use strict'

const { abortSignal } = require('./abort-signal.js')
const { ProviderError } = require('./errors.js')
const { packageRoots } = require('./package-roots.js')
const { credentialOf, nativeOf } = require('./provider-env.js')
const { signalNumber } = require('./provider-process.js')
const { readRedactOutput } = require('./redact-output.js')
const { readStdio } = require('./stdio.js')
const { readWatch } = require('./usage-tap.js')
const validate = require('./validate.js')

/**
 * @typedef {object} Launch
 * @property {import('../binding').NativeProviderEnv} env
 * @property {import('../binding').NativeStart} options
 * @property {import('../binding').NativeIdentity} ids
 * @property {import('./provider-process.js').Facts} facts
 * @property {AbortSignal | undefined} signal
 * @property {import('./redact-output.js').RedactOutput} redactOutput
 * @property {import('../index').ProviderEnv} handle
 * @property {import('./usage-tap.js').Watch} watch
 */

const DEFAULT_GRACE_MS = 5000
/** The kernel's: setpriority(2), proc_pid_oom_score_adj(5). */
const MAX_NICE = 19
const MAX_OOM_SCORE_ADJ = 1000
const IDS = /** @type {const} */ (['uid', 'gid', 'groups', 'allowRoot'])
const OPTIONS = /** @type {const} */ ([
  ...IDS,
  'args',
  'command',
  'cwd',
  'delivery',
  'killGraceMs',
  'killGroupOnExit',
  'killSignal',
  'limits',
  'onCredentialMismatch',
  'oomScoreAdj',
  'priority',
  'redactOutput',
  'signal',
  'stdio',
  'thread',
  'timeoutMs',
  'umask',
  'usage',
  'workspaceTrust'
])
const LIMITS = /** @type {const} */ (['coreBytes', 'openFiles', 'processes', 'memoryBytes', 'cpuSeconds'])
/**
 * @param {import('../index').ProviderEnv} env
 * @param {any} value
 * @param {string[]} extra Variables of an SDK, names and values by turns.
 * @returns {Launch}
 */
function readLaunch(env, value, extra) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'what buildProviderEnv() returns', env)
  const options = validate.options('options', value, OPTIONS)
  const killSignal = signalNumber(options.killSignal ?? 'SIGTERM')
  const stdio = readStdio(options.stdio)
  const watch = readWatch(options, stdio)
  const killGroupOnExit = validate.optionalBoolean('options.killGroupOnExit', options.killGroupOnExit) ?? true
  return {
    env: native,
    handle: env,
    watch,
    redactOutput: readRedactOutput(options.redactOutput, stdio),
    ids: readIds(options),
    signal: abortSignal(options.signal),
    facts: { provider: native.provider, credential: credentialOf(env), killSignal, killGroupOnExit },
    options: {
      args: validate.strings('options.args', options.args),
      command: validate.optionalString('options.command', options.command),
      // Where a program is named, none is looked for in packages.
      packageRoots: options.command === undefined ? packageRoots() : [],
      cwd: validate.optionalString('options.cwd', options.cwd),
      priority: validate.optionalCount('options.priority', options.priority, MAX_NICE),
      oomScoreAdj: validate.optionalCount('options.oomScoreAdj', options.oomScoreAdj, MAX_OOM_SCORE_ADJ),
      umask: validate.optionalCount('options.umask', options.umask, 0o777),
      limits: readLimits(options.limits),
      delivery: validate.optionalString('options.delivery', options.delivery),
      trusted: isTrusted(options.workspaceTrust),
      extra,
      killSignal,
      killGraceMs: validate.optionalMilliseconds('options.killGraceMs', options.killGraceMs) ?? DEFAULT_GRACE_MS,
      // 0 means none, as in child_process.
      timeoutMs: validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) || undefined,
      aborted: abortSignal(options.signal)?.aborted === true,
      killGroupOnExit,
      watch: watch.watch,
      mustClaim: watch.stops,
      stdio
    }
  }
}

/** @param {any} options @returns {import('../binding').NativeIdentity} */
function readIds(options) {
  const { groups } = options
  return {
    uid: validate.optionalNumber('options.uid', options.uid),
    gid: validate.optionalNumber('options.gid', options.gid),
    groups: groups === undefined ? undefined : validate.array('options.groups', 'an array of numbers', groups, validate.optionalNumber),
    allowRoot: validate.optionalBoolean('options.allowRoot', options.allowRoot)
  }
}

/** @param {any} value @returns {import('../binding').NativeLimits | undefined} */
function readLimits(value) {
  if (value === undefined) return undefined
  const limits = validate.options('options.limits', value, LIMITS)
  return Object.fromEntries(LIMITS.map((name) => [name, validate.optionalCount(`options.limits.${name}`, limits[name])]))
}

/** @param {unknown} value */
function isTrusted(value) {
  return validate.optionalWord('options.workspaceTrust', value, ['untrusted', 'trusted']) === 'trusted'
}

/**
 * @param {string} message
 * @param {string} [name]
 */
function unsupported(message, name) {
  return new ProviderError({ code: 'ERR_PROVIDER_UNSUPPORTED', message, names: name ? [name] : undefined })
}

module.exports = { IDS, OPTIONS, isTrusted, readIds, readLaunch, unsupported }
