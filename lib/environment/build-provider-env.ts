// buildProviderEnv(): reads the payload and the options into a wire buffer, and consumes the bytes that the caller
// passed.

import { isAnyArrayBuffer as utilIsAnyArrayBuffer, isMap as utilIsMap } from 'node:util/types'
import type {
  NativeRecipient,
  NativeSecret,
  NativeServerCredentials,
  WireTag as NativeWireTag,
  ProviderId,
  StateDirectories
} from '../../binding.js'
import type { CredentialStore } from '../credential/credential-store.ts'
import { nativeStore } from '../credential/credential-store.ts'
import { ServerCredentials } from '../credential/server-credentials.ts'
import { binding } from '../internal/binding.ts'
import { variable } from '../internal/environment-variable.ts'
import { providerError, translate } from '../internal/errors.ts'
import { nativeOf, optionalNative } from '../internal/handle.ts'
import * as validate from '../internal/validate.ts'
import { readRequireLocked } from '../secret/memory-protection.ts'
import { Recipient } from '../secret/recipient.ts'
import type { CredentialOwner } from '../secret/seal-binding.ts'
import { readCredentialOwner } from '../secret/seal-binding.ts'
import type { SecretInput } from '../secret/secret.ts'
import { Secret } from '../secret/secret.ts'
import { isUint8Array, refuseUnusable, take, wipe } from '../secret/secret-input.ts'
import type { ProviderEnv } from './provider-env.ts'
import { fromNative } from './provider-env.ts'
import type { WireBuffer } from './wire-buffer.ts'
import { withWireBuffer } from './wire-buffer.ts'

/**
 * The fields of the worker's payload that this package reads. Other fields are ignored, except `credentialOwner` and
 * `requireCredential`, which are refused: only the caller may set them, and a tenant may have written the payload. A
 * payload that has only unknown fields is refused too (`ERR_PROVIDER_PAYLOAD_INVALID`), because it may be a message
 * around the payload and would run with a fallback credential for the default provider. To use the credential that the
 * options provide, name the provider, `{ provider: 'codex' }`, or pass `{}` for the default provider.
 */
export interface ProviderPayload {
  /** Default `"claude"`. */
  provider?: ProviderId | undefined
  /**
   * The workspace's own API key. `""`, `null` and a missing field mean "none". It takes precedence over
   * `oauthAccessToken`.
   */
  apiKey?: SecretInput | null | undefined
  /** A Claude subscription token (`sk-ant-oat…`). Refused for `codex`. */
  oauthAccessToken?: SecretInput | null | undefined
  /** Sets `ALIVE_SESSION_COOKIE`. Without it the variable is `""`, and never has the value of an earlier request. */
  sessionCookie?: SecretInput | null | undefined
  /**
   * Each entry sets `USER_<NAME>`. A NAME that does not match `/^[A-Z][A-Z0-9_]*$/` is left out and reported in
   * {@link ProviderEnv.rejectedUserEnvKeys}.
   */
  userEnvKeys?: Record<string, SecretInput> | null | undefined
}

/** The tenant's ids and directories. Paths must be absolute. */
export interface Workspace extends StateDirectories {
  /** `ALIVE_WORKSPACE_KEY`: the name by which people know the workspace. */
  key?: string | undefined
  /** `ALIVE_WORKSPACE_ID`. */
  id?: string | undefined
  /** `ALIVE_USER_ID`. */
  userId?: string | undefined
  /** `ALIVE_WORKSPACE_PATH`, and the directory whose files must not configure the CLI. */
  dir?: string | undefined
  /** `HOME`. Default: that of this process. */
  home?: string | undefined
  /** `TMPDIR`, `TMP` and `TEMP`. Default: the `TMPDIR` of this process; without one, the variables are not set. */
  tmpDir?: string | undefined
}

/**
 * Options of {@link buildProviderEnv}.
 *
 * Here, and in every object that you pass to this package, only own properties count, and each is read once. A property
 * with a known name that is inherited from a class or another object is refused (`ERR_INVALID_ARG_VALUE`) and not
 * ignored: write `{ uid: config.uid }`. `Object.prototype` is never read.
 */
export interface ProviderEnvOptions {
  workspace?: Workspace | undefined
  /**
   * The source of the credential if the payload has none. It takes precedence over `serverCredentials`. Await its
   * `fresh()` first.
   */
  credentialStore?: CredentialStore | undefined
  /**
   * The owner of the credential in the payload or in `credentialStore`. Default: `"workspace"`. Pass `"server"` if the
   * payload carries the server's key, which is then treated like one from `serverCredentials`. It is an option, and is
   * refused in the payload, so that no tenant can set it. A {@link SealedSecret} opens only for the owner for which it
   * was sealed.
   */
  credentialOwner?: CredentialOwner | undefined
  /**
   * Whether the payload must contain the credential. With `true` there is no fallback to `credentialStore`,
   * `serverCredentials` or a login in `claudeConfigDir`. Default: false.
   */
  requireCredential?: boolean | undefined
  /** The return value of {@link takeServerCredentials}. Without it there is no fallback to the server's keys. */
  serverCredentials?: ServerCredentials | undefined
  /**
   * An OpenAI- or Anthropic-compatible endpoint: `http(s)://host[:port][/path]` without a user name, query or fragment.
   * Codex expects the URL with `/v1` (`https://gateway.example/v1`), Claude Code without it
   * (`https://gateway.example`). With this option, Claude Code also gets `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1`,
   * because it would otherwise send the credential to api.anthropic.com as well; another value of that variable in
   * `set` or `inherit` is refused.
   */
  baseUrl?: string | undefined
  /**
   * The absolute path of a PEM file of certificates that the CLI trusts in addition to the system's, for an endpoint or
   * a proxy with a private CA. It sets `NODE_EXTRA_CA_CERTS` for Claude Code and `CODEX_CA_CERTIFICATE` for Codex,
   * which `set` and `inherit` refuse. Each start proves that the target user can read the file, and that only root or
   * the worker can change it or a directory above it; otherwise it fails with `ERR_PROVIDER_CA_FILE_UNUSABLE`.
   * {@link HttpOptions.ca} is the same for requests of this package.
   */
  caFile?: string | undefined
  /**
   * Names of variables to copy from `process.env`. A name that can carry a credential, load code or redirect traffic is
   * refused.
   */
  inherit?: string[] | undefined
  /**
   * Additional variables that are not secret: settings of the CLI (`MAX_THINKING_TOKENS`) and your own variables. The
   * same names are refused as in `inherit`. It must be an object, not a `Map`.
   */
  set?: Record<string, string> | undefined
  /**
   * Opens each {@link SealedSecret} in the payload that was sealed for this recipient, this `workspace.id`, this
   * `requestId` and the field that contains it. Each opens only once. Without this option, a sealed secret is refused
   * (`ERR_PROVIDER_PAYLOAD_INVALID`).
   */
  recipient?: Recipient | undefined
  /** The id of this request, as the parent knows it. Required if the payload has a {@link SealedSecret}. */
  requestId?: string | undefined
  /** See {@link SecretOptions.requireLocked}. If the call throws, the environment is wiped. */
  requireLocked?: boolean | undefined
  /**
   * The place of the payload within a message that is passed as bytes: the names of the members that lead to it, at
   * most 16, such as `['payload']` for `{"id":"1","payload":{…}}`. The whole message must be JSON, and each of these
   * members must occur once. The rest of the message is ignored. All of its bytes are filled with zeros, like the bytes
   * of a payload.
   */
  payloadPath?: readonly string[] | undefined
}

const { WireTag } = binding
// As in secret-input.ts.
const isAnyArrayBuffer = utilIsAnyArrayBuffer
const isMap = utilIsMap
const BASE_NAMES = binding.baseNames()

/** Payload fields that hold one secret each. */
const SECRET_FIELDS = [
  ['apiKey', WireTag.ApiKey],
  ['oauthAccessToken', WireTag.OauthAccessToken],
  ['sessionCookie', WireTag.SessionCookie]
] as const

/** The fields of a payload, and options that would be a tenant's word in one. */
const { read: FIELDS, refused: NO_FIELDS } = binding.payloadFields()
const KNOWN = [...FIELDS, ...NO_FIELDS]

/** Of the variables that one option or field has, and of the members that lead to a payload. */
const { names: MOST_NAMES, path: MOST_MEMBERS } = binding.inputLimits()

/** Workspace options that have their own tag. */
const WORKSPACE_FIELDS = [
  ['key', WireTag.WorkspaceKey],
  ['id', WireTag.WorkspaceId],
  ['userId', WireTag.WorkspaceUserId],
  ['dir', WireTag.WorkspaceDir],
  ['home', WireTag.WorkspaceHome],
  ['tmpDir', WireTag.WorkspaceTmpDir]
] as const

/** Workspace options that set a provider's state directory. */
const STATE_DIRS = binding.providerFacts().map(({ id, stateOption }) => ({ provider: id, option: stateOption }))

const OPTIONS = validate.members({
  workspace: true,
  credentialStore: true,
  credentialOwner: true,
  requireCredential: true,
  serverCredentials: true,
  baseUrl: true,
  caFile: true,
  inherit: true,
  set: true,
  recipient: true,
  requestId: true,
  requireLocked: true,
  payloadPath: true
} satisfies Record<keyof ProviderEnvOptions, true>)
const WORKSPACE_OPTIONS = [...WORKSPACE_FIELDS.map(([name]) => name), ...STATE_DIRS.map(({ option }) => option)]

/**
 * Builds the environment of one launch. It reads only the base names and those in `inherit` from `process.env`, and it
 * changes nothing global.
 *
 * @param payload An object, or UTF-8 JSON of up to 10 MB (10 × 1024 × 1024 bytes), which is consumed: the call fills it
 * with zeros before it returns. With {@link ProviderEnvOptions.payloadPath}, a message that contains the payload.
 * @throws {ProviderError} `ERR_PROVIDER_PAYLOAD_INVALID`, `ERR_PROVIDER_PAYLOAD_TOO_LARGE`, `ERR_PROVIDER_UNKNOWN`,
 * `ERR_PROVIDER_CREDENTIAL_MISSING`, `ERR_PROVIDER_CREDENTIAL_REVOKED`, `ERR_PROVIDER_KEY_MALFORMED`,
 * `ERR_PROVIDER_KEY_WRONG_PROVIDER`, `ERR_PROVIDER_ENV_FORBIDDEN`, `ERR_PROVIDER_ENV_TOO_LARGE`,
 * `ERR_PROVIDER_STATE_DIR_UNUSABLE`, `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_UNSEAL_FAILED`,
 * `ERR_PROVIDER_MEMORY_UNPROTECTED`, `ERR_PROVIDER_CREDENTIAL_EXPIRED`, `ERR_PROVIDER_DISPOSED`. A sealed secret counts
 * as used only if the call succeeds.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`.
 */
export function buildProviderEnv(payload: ProviderPayload | Uint8Array, options?: ProviderEnvOptions): ProviderEnv {
  const consumed = [] as Uint8Array[]
  try {
    return withWireBuffer((wire) => build(wire, payload, options, consumed))
  } finally {
    wipe(consumed)
  }
}

/** @param consumed Everything that must be zero afterwards. */
function build(wire: WireBuffer, payload: unknown, options: unknown, consumed: Uint8Array[]) {
  const json = isUint8Array(payload) ? takeJson(payload, consumed) : undefined
  if (!json) addPayload(wire, payload, consumed)
  const { server, recipient, store, credentialStore } = addOptions(wire, options, json !== undefined)
  const { handles } = wire
  // Its properties are as much work for the addon as a field of the payload each.
  const held = server || recipient || store || handles.length > 0 ? { handles, server, recipient, store } : undefined
  return fromNative(
    translate(() => binding.buildProviderEnv(wire.bytes(), json, held)),
    credentialStore
  )
}

function takeJson(payload: Uint8Array, consumed: Uint8Array[]) {
  consumed.push(payload)
  const json = take(payload, 'payload')
  consumed.push(json)
  return json
}

/** What is added of `userEnvKeys`: names, and each one's value at the same index. */
type UserEnvKeys = { names: string[]; values: unknown[] }

/** The values of `userEnvKeys`. All are read, whatever one of them throws: the bytes among them are consumed. */
function readUserEnvKeys(value: unknown, note: (value: unknown) => void): UserEnvKeys {
  note(value)
  if (value === undefined || value === null) return { names: [], values: [] }
  // Refused below, with its bytes consumed as those of any other.
  if (isMap(value)) Map.prototype.forEach.call(value, note)
  // They have no names, and a long one would have as many indexes.
  if (typeof value !== 'object' || ArrayBuffer.isView(value)) throw validate.wrongType('payload.userEnvKeys', 'an object', value)
  const given = value as Record<string, unknown>
  const names = Object.keys(given)
  const failures: unknown[] = []
  const values = names.map((name) => {
    try {
      const each = given[name]
      note(each)
      return each
    } catch (error) {
      failures.push(error)
      return undefined
    }
  })
  if (failures.length > 0) throw failures[0]
  validate.object('payload.userEnvKeys', value)
  // One more than are allowed, which the addon refuses.
  names.length = Math.min(names.length, MOST_NAMES + 1)
  for (const name of names) fieldText(name, 'userEnvKeys')
  return { names, values }
}

function addPayload(wire: WireBuffer, payload: unknown, consumed: Uint8Array[]) {
  // Bytes of another kind have no fields: taken for an empty payload, they would run on the server's key.
  if (typeof payload !== 'object' || ArrayBuffer.isView(payload) || isAnyArrayBuffer(payload)) {
    throw validate.wrongType('payload', 'an object, or a Uint8Array of JSON', payload)
  }
  const note = (value: unknown) => {
    if (isUint8Array(value)) consumed.push(value)
  }
  if (isMap(payload)) Map.prototype.forEach.call(payload, note)
  let userEnvKeys: UserEnvKeys = { names: [], values: [] }
  // Consumed first: also when a field before is refused.
  const fields = validate.fields('payload', payload, KNOWN, (value, field) => {
    if (field === 'userEnvKeys') userEnvKeys = readUserEnvKeys(value, note)
    else note(value)
  })
  for (const name of NO_FIELDS) {
    if (fields[name] !== undefined && fields[name] !== null) wire.add(WireTag.NoField, name, '')
  }

  // An empty one says that there is nothing; in any other, what there is, is in the wrong place.
  if (!FIELDS.some((name) => name in fields) && Object.keys(payload as object).length > 0) translate(binding.refusePayload)
  const provider = validate.optionalString('payload.provider', fields.provider ?? undefined)
  if (provider !== undefined) wire.add(WireTag.Provider, '', provider)
  for (const [name, tag] of SECRET_FIELDS) addSecret(wire, tag, '', fields[name], name)
  const { names, values } = userEnvKeys
  names.forEach((name, index) => addSecret(wire, WireTag.UserEnvKey, name, values[index], 'userEnvKeys'))
}

function addSecret(wire: WireBuffer, tag: NativeWireTag, key: string, value: unknown, field: string) {
  if (typeof value === 'string') return wire.add(tag, key, fieldText(value, field))
  if (value === undefined || value === null) return
  const handle = nativeOf<NativeSecret>(Secret, value)
  if (handle) return wire.addHandle(tag, key, handle)
  const name = `payload.${field}`
  if (!isUint8Array(value)) throw validate.wrongType(name, 'a string, a Uint8Array or a Secret', value)
  wire.add(tag, key, value)
  // In this order: see `secret-input.ts`.
  wipe([value])
  refuseUnusable(value, name)
}

/** What is wrong in a payload is an error of ours, not a `TypeError`. */
function fieldText(text: string, field: string) {
  return validate.wellFormed(`payload.${field}`, text, (name, must) =>
    providerError({ code: 'ERR_PROVIDER_PAYLOAD_INVALID', message: `${name} ${must} Encode the string again.`, names: [field] })
  )
}

/** @param isJson Whether the payload came as bytes. */
function addOptions(wire: WireBuffer, value: unknown, isJson: boolean) {
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
    throw validate.wrongValue(
      'options.payloadPath',
      'is only for a message in bytes. Pass the payload itself, such as message.payload, and omit this option.'
    )
  }
  for (const name of validate.strings('options.payloadPath', options.payloadPath, MOST_MEMBERS)) wire.add(WireTag.PayloadPath, '', name)
  return {
    server: optionalNative<NativeServerCredentials>(
      ServerCredentials,
      'options.serverCredentials',
      'the return value of takeServerCredentials()',
      options.serverCredentials
    ),
    recipient: optionalNative<NativeRecipient>(Recipient, 'options.recipient', 'the return value of createRecipient()', options.recipient),
    store: nativeStore(options.credentialStore),
    credentialStore: options.credentialStore as CredentialStore | undefined
  }
}

/** Node replaces bytes that are no UTF-8, and the original is lost: the child would get another value. */
function unchanged(name: string, text: string) {
  if (!text.includes('\ufffd')) return text
  throw validate.wrongValue(
    'options.inherit',
    `names ${validate.shown(name)}, whose value in process.env is not UTF-8 and would be changed. Pass the value in options.set.`
  )
}

function addSet(wire: WireBuffer, set: Record<string, unknown>) {
  const names = Object.keys(set)
  if (names.length > MOST_NAMES) throw validate.wrongValue('options.set', `must have at most ${MOST_NAMES} names, but has ${names.length}.`)
  for (const name of names) {
    const option = `options.set.${validate.shown(name)}`
    addVariable(wire, WireTag.Set, validate.wellFormed(option, name), validate.optionalString(option, set[name]))
  }
}

function addWorkspace(wire: WireBuffer, workspace: validate.Own<string>) {
  for (const [field, tag] of WORKSPACE_FIELDS) {
    const read = field === 'id' ? optionalBound : validate.optionalString
    addVariable(wire, tag, '', read(`options.workspace.${field}`, workspace[field]))
  }
  for (const { provider, option } of STATE_DIRS) {
    const dir = validate.optionalString(`options.workspace.${option}`, workspace[option])
    addVariable(wire, WireTag.StateDir, provider, dir)
  }
}

/** What a sealed secret is bound to. */
function optionalBound(name: string, value: unknown) {
  return value === undefined ? undefined : validate.boundText(name, value)
}

function addVariable(wire: WireBuffer, tag: NativeWireTag, name: string, value: string | undefined) {
  if (value !== undefined) wire.add(tag, name, value)
}
