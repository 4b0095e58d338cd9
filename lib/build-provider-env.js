// buildProviderEnv(): reads the payload and the options into a frame, and consumes the bytes that it was given.
'use strict'

const binding = require('./binding.js')
const { nodeTypeError, translate } = require('./errors.js')
const { Frame, TAG } = require('./frame.js')
const { fromNative } = require('./provider-env.js')
const { nativeCredentials } = require('./server-credentials.js')
const validate = require('./validate.js')

const BASE_NAMES = binding.baseNames()

/** Payload fields that hold one secret each. */
const SECRET_FIELDS = /** @type {const} */ ([
  ['apiKey', TAG.apiKey],
  ['oauthAccessToken', TAG.oauthAccessToken],
  ['sessionCookie', TAG.sessionCookie]
])

/** Workspace options with a tag of their own. */
const WORKSPACE_FIELDS = /** @type {const} */ ([
  ['key', TAG.workspaceKey],
  ['id', TAG.workspaceId],
  ['userId', TAG.workspaceUserId],
  ['dir', TAG.workspaceDir],
  ['home', TAG.workspaceHome],
  ['tmpDir', TAG.workspaceTmpDir]
])

/** Workspace options that set a provider's state directory: `[provider, option]`. */
const STATE_DIRS = pairs(binding.stateDirOptions())

/**
 * @param {import('../index').ProviderPayload | Uint8Array} payload
 * @param {import('../index').ProviderEnvOptions} [options]
 * @returns {import('../index').ProviderEnv}
 */
function buildProviderEnv(payload, options) {
  const frame = new Frame()
  /** Everything that must be zero when this returns. */
  const consumed = /** @type {Uint8Array[]} */ ([])
  try {
    const json = payload instanceof Uint8Array ? consume(payload, 'payload', consumed) : undefined
    if (!json) addPayload(frame, payload, consumed)
    const server = addOptions(frame, options)
    return fromNative(translate(() => binding.buildProviderEnv(frame.bytes(), json, server)))
  } finally {
    frame.wipe()
    for (const bytes of consumed) bytes.fill(0)
  }
}

/**
 * @param {Frame} frame
 * @param {any} payload
 * @param {Uint8Array[]} consumed
 */
function addPayload(frame, payload, consumed) {
  if (payload === undefined) throw validate.wrongType('payload', 'an object or a Uint8Array', payload)
  const fields = validate.object('payload', payload)
  const userEnvKeys = fields.userEnvKeys ?? {}
  // All bytes are consumed, also when a field after them is refused.
  const secrets = SECRET_FIELDS.map(([name, tag]) => ({ name, tag, key: '', value: fields[name] }))
  for (const [key, value] of Object.entries(validate.object('payload.userEnvKeys', userEnvKeys))) {
    secrets.push({ name: /** @type {any} */ ('userEnvKeys'), tag: /** @type {any} */ (TAG.userEnvKey), key, value })
  }
  for (const { value } of secrets) if (value instanceof Uint8Array && !isShared(value)) consumed.push(value)

  const provider = validate.optionalString('payload.provider', fields.provider ?? undefined)
  if (provider !== undefined) frame.add(TAG.provider, '', provider)
  for (const { name, tag, key, value } of secrets) {
    if (value === undefined || value === null) continue
    frame.add(tag, key, secretInput(`payload.${name}`, value))
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function secretInput(name, value) {
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array)) throw validate.wrongType(name, 'a string or a Uint8Array', value)
  if (isShared(value)) throw shared(name)
  return value
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {Uint8Array[]} consumed
 */
function consume(bytes, name, consumed) {
  if (isShared(bytes)) throw shared(name)
  consumed.push(bytes)
  return bytes
}

/** Another thread could write to it while it is read. @param {Uint8Array} bytes */
function isShared(bytes) {
  return typeof SharedArrayBuffer !== 'undefined' && bytes.buffer instanceof SharedArrayBuffer
}

/** @param {string} name */
function shared(name) {
  return nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must not be a view of a SharedArrayBuffer. Copy it first.`)
}

/**
 * @param {Frame} frame
 * @param {any} value
 */
function addOptions(frame, value) {
  const options = validate.object('options', value)
  for (const name of BASE_NAMES) addVariable(frame, TAG.base, name, process.env[name])
  for (const name of validate.strings('options.inherit', options.inherit)) {
    const inherited = process.env[name]
    if (inherited === undefined) frame.add(TAG.inheritAbsent, name, '')
    else frame.add(TAG.inherit, name, inherited)
  }
  for (const [name, text] of Object.entries(validate.object('options.set', options.set))) {
    if (text === undefined) continue
    addVariable(frame, TAG.set, name, validate.optionalString(`options.set.${name}`, text))
  }
  addVariable(frame, TAG.baseUrl, '', validate.optionalString('options.baseUrl', options.baseUrl))
  addWorkspace(frame, validate.object('options.workspace', options.workspace))
  return nativeCredentials(options.serverCredentials)
}

/**
 * @param {Frame} frame
 * @param {any} workspace
 */
function addWorkspace(frame, workspace) {
  for (const [field, tag] of WORKSPACE_FIELDS) {
    addVariable(frame, tag, '', validate.optionalString(`options.workspace.${field}`, workspace[field]))
  }
  for (const [provider, option] of STATE_DIRS) {
    const dir = validate.optionalString(`options.workspace.${option}`, workspace[option])
    addVariable(frame, TAG.stateDir, provider, dir)
  }
}

/**
 * @param {Frame} frame
 * @param {number} tag
 * @param {string} name
 * @param {string | undefined} value
 */
function addVariable(frame, tag, name, value) {
  if (value !== undefined) frame.add(tag, name, value)
}

/** @param {string[]} flat @returns {[string, string][]} */
function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]])
}

module.exports = { buildProviderEnv }
