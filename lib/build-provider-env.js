// buildProviderEnv(): reads the payload and the options into a wire buffer, and consumes the bytes that the caller
// passed.
'use strict'

const { isAnyArrayBuffer, isMap } = require('node:util').types
const binding = require('./binding.js')
const { nativeStore } = require('./credential-store.js')
const { variable } = require('./environment-variable.js')
const { ProviderError, translate } = require('./errors.js')
const { nativeOf, optionalNative } = require('./handle.js')
const { readRequireLocked } = require('./memory-protection.js')
const { fromNative } = require('./provider-env.js')
const { Recipient } = require('./recipient.js')
const { readCredentialOwner } = require('./seal-binding.js')
const { Secret } = require('./secret.js')
const { isUint8Array, refuseUnusable, take, wipe } = require('./secret-input.js')
const { ServerCredentials } = require('./server-credentials.js')
const validate = require('./validate.js')
const { withWireBuffer } = require('./wire-buffer.js')

const { WireTag } = binding
const BASE_NAMES = binding.baseNames()

/** @typedef {import('./wire-buffer.js').WireBuffer} WireBuffer */

/** Payload fields that hold one secret each. */
const SECRET_FIELDS = /** @type {const} */ ([
  ['apiKey', WireTag.ApiKey],
  ['oauthAccessToken', WireTag.OauthAccessToken],
  ['sessionCookie', WireTag.SessionCookie]
])

/** The fields of a payload, and options that would be a tenant's word in one. */
const { read: FIELDS, refused: NO_FIELDS } = binding.payloadFields()
const KNOWN = [...FIELDS, ...NO_FIELDS]

/** Of the variables that one option or field has, and of the members that lead to a payload. */
const { names: MOST_NAMES, path: MOST_MEMBERS } = binding.inputLimits()

/** Workspace options with a tag of their own. */
const WORKSPACE_FIELDS = /** @type {const} */ ([
  ['key', WireTag.WorkspaceKey],
  ['id', WireTag.WorkspaceId],
  ['userId', WireTag.WorkspaceUserId],
  ['dir', WireTag.WorkspaceDir],
  ['home', WireTag.WorkspaceHome],
  ['tmpDir', WireTag.WorkspaceTmpDir]
])

/** Workspace options that set a provider's state directory. */
const STATE_DIRS = binding.stateDirOptions()

const OPTIONS = /** @type {const} */ ([
  'workspace',
  'credentialStore',
  'credentialOwner',
  'requireCredential',
  'serverCredentials',
  'baseUrl',
  'caFile',
  'inherit',
  'set',
  'recipient',
  'requestId',
  'requireLocked',
  'payloadPath'
])
const WORKSPACE_OPTIONS = [...WORKSPACE_FIELDS.map(([name]) => name), ...STATE_DIRS.map(({ option }) => option)]

/**
 * @param {import('../index').ProviderPayload | Uint8Array} payload
 * @param {import('../index').ProviderEnvOptions} [options]
 * @returns {import('../index').ProviderEnv}
 */
function buildProviderEnv(payload, options) {
  const consumed = /** @type {Uint8Array[]} */ ([])
  try {
    return withWireBuffer((wire) => build(wire, payload, options, consumed))
  } finally {
    wipe(consumed)
  }
}

/**
 * @param {WireBuffer} wire
 * @param {any} payload
 * @param {any} options
 * @param {Uint8Array[]} consumed Everything that must be zero afterwards.
 */
function build(wire, payload, options, consumed) {
  const json = isUint8Array(payload) ? takeJson(payload, consumed) : undefined
  if (!json) addPayload(wire, payload, consumed)
  const { server, recipient, store } = addOptions(wire, options, json !== undefined)
  const { handles } = wire
  // Its properties are as much work for the addon as a field of the payload each.
  const held = server || recipient || store || handles.length > 0 ? { handles, server, recipient, store } : undefined
  return fromNative(translate(() => binding.buildProviderEnv(wire.bytes(), json, held)))
}

/**
 * @param {Uint8Array} payload
 * @param {Uint8Array[]} consumed
 */
function takeJson(payload, consumed) {
  consumed.push(payload)
  const json = take(payload, 'payload')
  consumed.push(json)
  return json
}

/** What is added of `userEnvKeys`: names, and each one's value at the same index. @typedef {{ names: string[], values: unknown[] }} UserEnvKeys */

/**
 * The values of `userEnvKeys`. All are read, whatever one of them throws: the bytes among them are consumed.
 * @param {any} value
 * @param {(value: unknown) => void} note
 * @returns {UserEnvKeys}
 */
function readUserEnvKeys(value, note) {
  note(value)
  if (value === undefined || value === null) return { names: [], values: [] }
  // Refused below, with its bytes consumed as those of any other.
  if (isMap(value)) Map.prototype.forEach.call(value, note)
  // They have no names, and a long one would have as many indexes.
  if (typeof value !== 'object' || ArrayBuffer.isView(value)) throw validate.wrongType('payload.userEnvKeys', 'an object', value)
  const names = Object.keys(value)
  /** @type {unknown[]} */
  const failures = []
  const values = names.map((name) => {
    try {
      const given = value[name]
      note(given)
      return given
    } catch (error) {
      failures.push(error)
    }
  })
  if (failures.length > 0) throw failures[0]
  validate.object('payload.userEnvKeys', value)
  // One more than are allowed, which the addon refuses.
  names.length = Math.min(names.length, MOST_NAMES + 1)
  for (const name of names) wellFormed(name, 'userEnvKeys')
  return { names, values }
}

/**
 * @param {WireBuffer} wire
 * @param {any} payload
 * @param {Uint8Array[]} consumed
 */
function addPayload(wire, payload, consumed) {
  // Bytes of another kind have no fields: taken for an empty payload, they would run on the server's key.
  if (typeof payload !== 'object' || ArrayBuffer.isView(payload) || isAnyArrayBuffer(payload)) {
    throw validate.wrongType('payload', 'an object, or a Uint8Array of JSON', payload)
  }
  const note = (/** @type {unknown} */ value) => {
    if (isUint8Array(value)) consumed.push(value)
  }
  if (isMap(payload)) Map.prototype.forEach.call(payload, note)
  /** @type {UserEnvKeys} */
  let userEnvKeys = { names: [], values: [] }
  // Consumed first: also when a field before is refused.
  const fields = validate.fields('payload', payload, KNOWN, (value, field) => {
    if (field === 'userEnvKeys') userEnvKeys = readUserEnvKeys(value, note)
    else note(value)
  })
  for (const name of NO_FIELDS) {
    if (fields[name] !== undefined && fields[name] !== null) wire.add(WireTag.NoField, name, '')
  }

  // An empty one says that there is nothing; in any other, what there is is in the wrong place.
  if (!FIELDS.some((name) => name in fields) && Object.keys(payload).length > 0) translate(binding.refusePayload)
  const provider = validate.optionalString('payload.provider', fields.provider ?? undefined)
  if (provider !== undefined) wire.add(WireTag.Provider, '', provider)
  for (const [name, tag] of SECRET_FIELDS) addSecret(wire, tag, '', fields[name], name)
  const { names, values } = userEnvKeys
  names.forEach((name, index) => addSecret(wire, WireTag.UserEnvKey, name, values[index], 'userEnvKeys'))
}

/**
 * @param {WireBuffer} wire
 * @param {import('../binding').WireTag} tag
 * @param {string} key
 * @param {unknown} value
 * @param {string} field
 */
function addSecret(wire, tag, key, value, field) {
  if (typeof value === 'string') return wire.add(tag, key, wellFormed(value, field))
  if (value === undefined || value === null) return
  const handle = nativeOf(Secret, value)
  if (handle) return wire.addHandle(tag, key, handle)
  const name = `payload.${field}`
  if (!isUint8Array(value)) throw validate.wrongType(name, 'a string, a Uint8Array or a Secret', value)
  wire.add(tag, key, value)
  // In this order: see `secret-input.js`.
  wipe([value])
  refuseUnusable(value, name)
}

/**
 * Half of a surrogate pair is no character: written as UTF-8 it would become another one.
 * @param {string} text
 * @param {string} field
 */
function wellFormed(text, field) {
  if (/** @type {any} */ (text).isWellFormed()) return text
  throw new ProviderError({
    code: 'ERR_PROVIDER_PAYLOAD_INVALID',
    message: `payload.${field} must be well-formed text, but has an unpaired surrogate. Encode the string again.`,
    names: [field]
  })
}

/**
 * @param {WireBuffer} wire
 * @param {any} value
 * @param {boolean} isJson Whether the payload came as bytes.
 */
function addOptions(wire, value, isJson) {
  const options = validate.options('options', value, OPTIONS)
  for (const name of BASE_NAMES) addVariable(wire, WireTag.Base, name, variable(name))
  for (const name of validate.strings('options.inherit', options.inherit, MOST_NAMES)) {
    const inherited = variable(name)
    if (inherited === undefined) wire.add(WireTag.InheritAbsent, name, '')
    else wire.add(WireTag.Inherit, name, unchanged(name, inherited))
  }
  addSet(wire, validate.object('options.set', options.set))
  addVariable(wire, WireTag.BaseUrl, '', validate.optionalString('options.baseUrl', options.baseUrl))
  addVariable(wire, WireTag.CaFile, '', validate.optionalString('options.caFile', options.caFile))
  addVariable(wire, WireTag.CredentialOwner, '', readCredentialOwner('options.credentialOwner', options.credentialOwner))
  if (validate.optionalBoolean('options.requireCredential', options.requireCredential)) wire.add(WireTag.RequireCredential, '', '')
  if (readRequireLocked(options)) wire.add(WireTag.RequireProtection, '', '')
  addVariable(wire, WireTag.RequestId, '', optionalBound('options.requestId', options.requestId))
  addWorkspace(wire, validate.options('options.workspace', options.workspace, WORKSPACE_OPTIONS))
  if (options.payloadPath !== undefined && !isJson) {
    throw validate.wrongValue('options.payloadPath', 'is only for a message in bytes. Pass the payload itself, such as message.payload, and omit this option.')
  }
  for (const name of validate.strings('options.payloadPath', options.payloadPath, MOST_MEMBERS)) wire.add(WireTag.PayloadPath, '', name)
  return {
    server: optionalNative(ServerCredentials, 'options.serverCredentials', 'the return value of takeServerCredentials()', options.serverCredentials),
    recipient: optionalNative(Recipient, 'options.recipient', 'the return value of createRecipient()', options.recipient),
    store: nativeStore(options.credentialStore)
  }
}

/**
 * What Node puts in the place of bytes that are no UTF-8 stands for nothing: the child would get another value.
 * @param {string} name
 * @param {string} text
 */
function unchanged(name, text) {
  if (!text.includes('\ufffd')) return text
  throw validate.wrongValue('options.inherit', `names ${validate.shown(name)}, whose value in process.env is not UTF-8 and would be changed. Pass the value in options.set.`)
}

/**
 * @param {WireBuffer} wire
 * @param {any} set
 */
function addSet(wire, set) {
  const names = Object.keys(set)
  if (names.length > MOST_NAMES) throw validate.wrongValue('options.set', `must have at most ${MOST_NAMES} names, but has ${names.length}.`)
  for (const name of names) {
    const option = `options.set.${validate.shown(name)}`
    addVariable(wire, WireTag.Set, validate.wellFormed(option, name), validate.optionalString(option, set[name]))
  }
}

/**
 * @param {WireBuffer} wire
 * @param {any} workspace
 */
function addWorkspace(wire, workspace) {
  for (const [field, tag] of WORKSPACE_FIELDS) {
    const read = field === 'id' ? optionalBound : validate.optionalString
    addVariable(wire, tag, '', read(`options.workspace.${field}`, workspace[field]))
  }
  for (const { provider, option } of STATE_DIRS) {
    const dir = validate.optionalString(`options.workspace.${option}`, workspace[option])
    addVariable(wire, WireTag.StateDir, provider, dir)
  }
}

/**
 * What a sealed secret is bound to.
 * @param {string} name
 * @param {unknown} value
 */
function optionalBound(name, value) {
  return value === undefined ? undefined : validate.boundText(name, value)
}

/**
 * @param {WireBuffer} wire
 * @param {import('../binding').WireTag} tag
 * @param {string} name
 * @param {string | undefined} value
 */
function addVariable(wire, tag, name, value) {
  if (value !== undefined) wire.add(tag, name, value)
}

module.exports = { buildProviderEnv }
