// The public names of the package, and their types.

import type { DiagnoseOptions } from './doctor/context.ts'
import type { Diagnosis } from './doctor/index.ts'
import { doctorFile } from './internal/doctor-file.ts'
import { shared } from './shared.ts'

export type { AuditOutcome, ProviderId, RefusalReason } from '../binding.js'
export type { AuditOptions, AuditRecord } from './broker/audit.ts'
export type { BrokerCounts, BrokerLimits, BrokerOptions, BrokerTarget } from './broker/broker.ts'
export { Broker, startBroker } from './broker/broker.ts'
export type { CheckKeyOptions, KeyCheck, KeyCheckOutcome, KeyCheckReason } from './credential/check-key.ts'
export { checkKey } from './credential/check-key.ts'
export type { LoginOptions, RefreshResult, WithLock } from './credential/credential-store.ts'
export { CredentialStore } from './credential/credential-store.ts'
export type { ServerCredentialsOptions } from './credential/server-credentials.ts'
export { ServerCredentials, takeServerCredentials } from './credential/server-credentials.ts'
export type { KeyClass, KeyFindingCode, KeyValidation, ValidateKeyOptions } from './credential/validate-key.ts'
export { validateKey } from './credential/validate-key.ts'
export type { DiagnoseOptions } from './doctor/context.ts'
export type { Finding, Severity } from './doctor/finding.ts'
export type { Diagnosis } from './doctor/index.ts'
export type { ProviderEnvOptions, ProviderPayload, Workspace } from './environment/build-provider-env.ts'
export { buildProviderEnv } from './environment/build-provider-env.ts'
export type { ProviderDescription } from './environment/describe-provider.ts'
export { describeProvider } from './environment/describe-provider.ts'
export type { CredentialInfo } from './environment/provider-env.ts'
export { ProviderEnv } from './environment/provider-env.ts'
export type { RedactorOptions, RedactorSource } from './environment/redactor.ts'
export { Redactor } from './environment/redactor.ts'
export type { ProviderErrorCode } from './internal/errors.ts'
export { ProviderError } from './internal/errors.ts'
export type { HttpOptions } from './internal/jobs.ts'
export type { MissingProtection } from './process/backend.ts'
export type { Delivery, ResourceLimits, SpawnOptions } from './process/launch.ts'
export { ProviderProcess } from './process/provider-process.ts'
export type { Program, ResolveOptions } from './process/resolve-program.ts'
export { resolveProgram } from './process/resolve-program.ts'
export type { ProcessFilter, RevocationTarget } from './process/revocation.ts'
export { restore, revoke, runningProcesses } from './process/revocation.ts'
export type { PipedProviderProcess } from './process/spawn-provider.ts'
export { spawnProvider } from './process/spawn-provider.ts'
export type { StdioItem } from './process/stdio.ts'
export type { LedgerCounts, LedgerLabels, LedgerSnapshot, UsageLedgerOptions } from './process/usage-ledger.ts'
export { UsageLedger } from './process/usage-ledger.ts'
export type { AgentLaunch, ClaudeAgentOptions } from './sdk/claude-agent-options.ts'
export { claudeAgentOptions } from './sdk/claude-agent-options.ts'
export type { CodexLaunch, CodexOptions } from './sdk/codex-options.ts'
export { codexOptions } from './sdk/codex-options.ts'
export type { LockboxContext, LockboxOptions, LockboxRow, MasterKeySource, SealedLockboxRow } from './secret/lockbox.ts'
export { Lockbox } from './secret/lockbox.ts'
export type { MemoryProtection, ProtectionRefusal, WorkerHardening } from './secret/memory-protection.ts'
export { hardenWorker, memoryProtection } from './secret/memory-protection.ts'
export type { RecipientOptions } from './secret/recipient.ts'
export { createRecipient, Recipient } from './secret/recipient.ts'
export type { CredentialOwner, SealBinding, SealedSecret } from './secret/seal-binding.ts'
export type { SecretInput, SecretOptions } from './secret/secret.ts'
export { Secret } from './secret/secret.ts'
export type { CredentialMismatch, ProviderFailure, ProviderFailureKind, ProviderUsage, UsageGap } from './usage/metered.ts'
export type { ModelUsage, ThreadTotals, TokenCounts } from './usage/token-counts.ts'
export type { UsageMeterOptions } from './usage/usage-meter.ts'
export { UsageMeter } from './usage/usage-meter.ts'

/**
 * Checks everything that a start needs, and what could leak or redirect a key, like `provider-env doctor`. It changes
 * nothing. The dry start of each CLI (see `start`) uses fresh directories below the temporary directory, a made-up key,
 * and a mock of the API on 127.0.0.1, and removes its files.
 *
 * Use it in a health check or by hand, not for every request, because it starts processes. The first call loads its
 * code, so make that call before the worker drops its privileges.
 *
 * Rejects with a `TypeError` for an invalid option, and with `ERR_PROVIDER_PRIVILEGE_REFUSED` if only one of `uid` and
 * `gid` is given or an id is out of range. Every other problem is a finding.
 */
export async function diagnose(options?: DiagnoseOptions): Promise<Diagnosis> {
  return await doctorFile<typeof import('./doctor/file.ts')>().diagnoseWith(shared, options)
}
