// What users may have written down: the names that the package exports, its types and the codes of its errors. One that goes or
// changes breaks them; a new one is added here.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const PROJECT = path.join(__dirname, '..')
const TYPES_FILE = fs.readFileSync(path.join(PROJECT, 'index.d.ts'), 'utf8')

const VALUES = [
  'Broker',
  'CredentialStore',
  'Lockbox',
  'ProviderEnv',
  'ProviderError',
  'ProviderProcess',
  'Recipient',
  'Redactor',
  'Secret',
  'ServerCredentials',
  'UsageLedger',
  'UsageMeter',
  'buildProviderEnv',
  'checkKey',
  'claudeAgentOptions',
  'codexOptions',
  'createRecipient',
  'describeProvider',
  'diagnose',
  'hardenWorker',
  'memoryProtection',
  'resolveProgram',
  'restore',
  'revoke',
  'runningProcesses',
  'spawnProvider',
  'startBroker',
  'takeServerCredentials',
  'validateKey'
]

const TYPES = [
  'AgentLaunch',
  'AuditOptions',
  'AuditOutcome',
  'AuditRecord',
  'BrokerCounts',
  'BrokerLimits',
  'BrokerOptions',
  'BrokerTarget',
  'CheckKeyOptions',
  'ClaudeAgentOptions',
  'CodexLaunch',
  'CodexOptions',
  'CredentialInfo',
  'CredentialMismatch',
  'CredentialOwner',
  'Delivery',
  'DiagnoseOptions',
  'Diagnosis',
  'Finding',
  'HttpOptions',
  'KeyCheck',
  'KeyCheckOutcome',
  'KeyCheckReason',
  'KeyClass',
  'KeyFindingCode',
  'KeyValidation',
  'LedgerCounts',
  'LedgerLabels',
  'LedgerSnapshot',
  'LockboxContext',
  'LockboxOptions',
  'LockboxRow',
  'LoginOptions',
  'MasterKeySource',
  'MemoryProtection',
  'MissingProtection',
  'ModelUsage',
  'PipedProviderProcess',
  'ProcessFilter',
  'Program',
  'ProtectionRefusal',
  'ProviderDescription',
  'ProviderEnvOptions',
  'ProviderErrorCode',
  'ProviderFailure',
  'ProviderFailureKind',
  'ProviderId',
  'ProviderPayload',
  'ProviderUsage',
  'RecipientOptions',
  'RedactorOptions',
  'RedactorSource',
  'RefreshResult',
  'RefusalReason',
  'ResolveOptions',
  'ResourceLimits',
  'RevocationTarget',
  'SealBinding',
  'SealedLockboxRow',
  'SealedSecret',
  'SecretInput',
  'SecretOptions',
  'ServerCredentialsOptions',
  'Severity',
  'SpawnOptions',
  'StdioItem',
  'ThreadTotals',
  'TokenCounts',
  'UsageGap',
  'UsageLedgerOptions',
  'UsageMeterOptions',
  'ValidateKeyOptions',
  'WithLock',
  'WorkerHardening',
  'Workspace'
]

const CODES = [
  'ERR_PROVIDER_ABORTED',
  'ERR_PROVIDER_BUSY',
  'ERR_PROVIDER_CA_FILE_UNUSABLE',
  'ERR_PROVIDER_CREDENTIAL_EXPIRED',
  'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE',
  'ERR_PROVIDER_CREDENTIAL_MISMATCH',
  'ERR_PROVIDER_CREDENTIAL_MISSING',
  'ERR_PROVIDER_CREDENTIAL_REVOKED',
  'ERR_PROVIDER_CREDENTIAL_SUPERSEDED',
  'ERR_PROVIDER_DISPOSED',
  'ERR_PROVIDER_ENV_FORBIDDEN',
  'ERR_PROVIDER_ENV_TOO_LARGE',
  'ERR_PROVIDER_INTERNAL',
  'ERR_PROVIDER_KEY_MALFORMED',
  'ERR_PROVIDER_KEY_WRONG_PROVIDER',
  'ERR_PROVIDER_LOCKBOX_KEY_INVALID',
  'ERR_PROVIDER_LOGIN_REQUIRED',
  'ERR_PROVIDER_MEMORY_UNPROTECTED',
  'ERR_PROVIDER_PAYLOAD_INVALID',
  'ERR_PROVIDER_PAYLOAD_TOO_LARGE',
  'ERR_PROVIDER_PRIVILEGE_FAILED',
  'ERR_PROVIDER_PRIVILEGE_REFUSED',
  'ERR_PROVIDER_PROGRAM_NOT_FOUND',
  'ERR_PROVIDER_PROGRAM_OUTDATED',
  'ERR_PROVIDER_PROGRAM_UNREACHABLE',
  'ERR_PROVIDER_REFRESH_FAILED',
  'ERR_PROVIDER_SPAWN_FAILED',
  'ERR_PROVIDER_STATE_DIR_UNUSABLE',
  'ERR_PROVIDER_TIMEOUT',
  'ERR_PROVIDER_UNKNOWN',
  'ERR_PROVIDER_UNSEAL_FAILED',
  'ERR_PROVIDER_UNSUPPORTED'
]

/** The names that a kind of declaration is exported with. @param {string} kind */
const declared = (kind) =>
  [...new Set([...TYPES_FILE.matchAll(new RegExp(`^export (?:declare )?(?:${kind}) ([\\w$]+)`, 'gm'))].map(([, name]) => name))].sort()

test('both doors export these names, and the types declare them', async () => {
  const commonjs = require('../index.js')
  const esm = await import('../index.mjs')
  assert.deepEqual(Object.keys(commonjs).sort(), VALUES)
  assert.deepEqual(Object.keys(esm).sort(), VALUES)
  assert.deepEqual(declared('class|function|const'), VALUES)
})

test('these types are exported, and no others', () =>
  assert.deepEqual(
    declared('interface|type').filter((name) => !VALUES.includes(name)),
    TYPES
  ))

// The bundler calls the second of two types of one name `Name$1`.
test('no name in the types was made up by the bundler', () =>
  assert.deepEqual(TYPES_FILE.replace(/\/\*[\s\S]*?\*\//g, '').match(/[A-Za-z_]\w*\$\w*/g) ?? [], []))

test('these are the codes of errors', () => {
  const union = /^type ErrorCode =((?:\s+\|[^\n]*)+)/m.exec(TYPES_FILE)?.[1] ?? ''
  assert.deepEqual([...union.matchAll(/'(ERR_PROVIDER_\w+)'/g)].map(([, code]) => code).sort(), CODES)
})
