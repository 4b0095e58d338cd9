// Reads the options of spawnProvider() into what the addon takes.
'use strict'

const { abortSignal } = require('./abort-signal.js')
const binding = require('./binding.js')
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
 * @property {import('../binding').ChildOptions} child
 * @property {import('../binding').CliOptions} cli
 * @property {import('./provider-process.js').Facts} facts
 * @property {AbortSignal | undefined} signal
 * @property {import('./redact-output.js').RedactOutput} redactOutput
 * @property {import('../index').ProviderEnv} handle
 * @property {import('./usage-tap.js').Watch} watch
 */

const IDS = validate.members(/** @type {Record<keyof import('../binding').IdentityRequest, true>} */ ({ uid: true, gid: true, groups: true, allowRoot: true }))
/** Attributes of the child, which go to it as they are. Only the native start honours them. */
const NUMBERS = binding.attributeNumbers()
const LIMITS = binding.limitNames()
const DELIVERIES = validate.wordsOf('DeliveryRequest')
const OPTIONS = [
  ...IDS,
  ...NUMBERS.map(({ name }) => name),
  'args',
  'command',
  'cwd',
  'delivery',
  'killGraceMs',
  'killGroupOnExit',
  'killSignal',
  'limits',
  'onCredentialMismatch',
  'redactOutput',
  'signal',
  'stdio',
  'thread',
  'timeoutMs',
  'usage',
  'workspaceTrust'
]

/**
 * @param {import('../index').ProviderEnv} env
 * @param {any} value
 * @param {import('../binding').PlainVariable[]} [extra] Variables of an SDK.
 * @returns {Launch}
 */
function readLaunch(env, value, extra = []) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  const options = validate.options('options', value, OPTIONS)
  const killSignal = signalNumber(options.killSignal ?? 'SIGTERM')
  const stdio = readStdio(options.stdio)
  const watch = readWatch(options, stdio)
  const killGroupOnExit = validate.optionalBoolean('options.killGroupOnExit', options.killGroupOnExit) ?? true
  const signal = abortSignal(options.signal)
  return {
    env: native,
    handle: env,
    watch,
    signal,
    redactOutput: readRedactOutput(options.redactOutput, stdio),
    facts: { provider: native.provider, credential: credentialOf(env), killSignal, killGroupOnExit },
    child: {
      command: validate.optionalString('options.command', options.command),
      args: validate.strings('options.args', options.args),
      cwd: validate.optionalString('options.cwd', options.cwd),
      ids: readIds(options),
      attributes: readAttributes(options),
      stop: {
        killSignal,
        killGraceMs: validate.optionalMilliseconds('options.killGraceMs', options.killGraceMs) ?? binding.DEFAULT_GRACE_MS,
        // 0 means none, as in child_process.
        timeoutMs: validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) || undefined,
        killGroupOnExit
      },
      stdio,
      aborted: signal?.aborted === true
    },
    cli: {
      // Where a program is named, none is looked for in packages.
      packageRoots: options.command === undefined ? packageRoots() : [],
      delivery: validate.optionalWord('options.delivery', options.delivery, DELIVERIES),
      trusted: isTrusted(options.workspaceTrust),
      extra,
      watch: watch.watch,
      mustClaim: watch.stops
    }
  }
}

/** @param {any} options @returns {import('../binding').Attributes} */
function readAttributes(options) {
  const attributes = /** @type {any} */ ({ __proto__: null })
  for (const { name, max } of NUMBERS) {
    if (options[name] !== undefined) attributes[name] = validate.optionalCount(`options.${name}`, options[name], max)
  }
  if (options.limits !== undefined) attributes.limits = readLimits(options.limits)
  return attributes
}

/**
 * Each field is read, or the types do not fit.
 * @param {any} options
 * @returns {{ [name in keyof Required<import('../binding').IdentityRequest>]: import('../binding').IdentityRequest[name] }}
 */
function readIds(options) {
  const { groups } = options
  return {
    uid: validate.optionalNumber('options.uid', options.uid),
    gid: validate.optionalNumber('options.gid', options.gid),
    groups: groups === undefined ? undefined : validate.array('options.groups', 'an array of numbers', groups, validate.optionalNumber),
    allowRoot: validate.optionalBoolean('options.allowRoot', options.allowRoot)
  }
}

/** @param {any} value @returns {import('../binding').Limits} */
function readLimits(value) {
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
