// Compares what the facade declares again, with documentation for callers, with what the addon declares: `tsc` fails if one of them
// changes alone. Nothing of this file is in the bundle.

import type * as native from '../binding.js'
import type { AuditRecord } from './broker/audit.ts'
import type { BrokerCounts } from './broker/broker.ts'
import type { KeyCheck } from './credential/check-key.ts'
import type { KeyClass, KeyFindingCode, KeyValidation, ValidateKeyOptions } from './credential/validate-key.ts'
import type { ProviderDescription } from './environment/describe-provider.ts'
import type { CredentialInfo } from './environment/provider-env.ts'
import type { Holds, Same } from './internal/same.ts'
import type { MissingProtection } from './process/backend.ts'
import type { Delivery, ResourceLimits, SpawnOptions } from './process/launch.ts'
import type { LedgerCounts, LedgerLabels } from './process/usage-ledger.ts'
import type { LockboxContext, LockboxRow, SealedLockboxRow } from './secret/lockbox.ts'
import type { MemoryProtection, ProtectionRefusal, WorkerHardening } from './secret/memory-protection.ts'
import type { SealBinding } from './secret/seal-binding.ts'
import type { CredentialMismatch, ProviderFailure, ProviderUsage, UsageGap } from './usage/metered.ts'
import type { ModelUsage, ThreadTotals, TokenCounts } from './usage/token-counts.ts'
import type { UsageMeterOptions } from './usage/usage-meter.ts'

/** The same, apart from the members `Apart`, which must exist in both. */
type SameApart<A, B, Apart extends keyof A & keyof B> = Same<Omit<A, Apart>, Omit<B, Apart>>

/** Token counts beside the other counts; the addon has them in `tokens`. */
type Flat<T extends { tokens: native.TokenCounts }> = Omit<T, 'tokens'> & T['tokens']

type KeyKind = Exclude<native.CredentialKind, 'config-dir'>

export type Checked = [
  Holds<Same<Delivery, native.DeliveryRequest>>,
  Holds<Same<KeyFindingCode, native.KeyFindingCode>>,
  Holds<Same<UsageGap, native.Gap>>,
  Holds<Same<MissingProtection, native.MissingProtection>>,
  Holds<Same<NonNullable<ValidateKeyOptions['kind']>, KeyKind>>,
  Holds<Same<NonNullable<KeyValidation['kind']>, KeyKind>>,
  Holds<Same<NonNullable<UsageMeterOptions['credential']>, native.CredentialKind>>,
  Holds<Same<keyof UsageMeterOptions, keyof native.ExpectedRun>>,
  Holds<Same<BrokerCounts, native.BrokerCounts>>,
  Holds<Same<KeyClass, native.KeyClass>>,
  // The addon's kinds include one that is never pasted.
  Holds<SameApart<AuditRecord, native.AuditRecord, 'provider' | 'reason'>>,
  Holds<SameApart<KeyValidation, native.KeyValidation, 'kind'>>,
  // If there is no fingerprint, the addon omits it.
  Holds<SameApart<ProviderDescription, native.ProviderDescription, 'provider' | 'billedTo' | 'fingerprint'>>,
  Holds<Same<CredentialInfo, native.CredentialInfo>>,
  Holds<Same<CredentialMismatch, native.CredentialMismatch>>,
  Holds<SameApart<Pick<KeyCheck, keyof native.Verdict>, native.Verdict, 'reason'>>,
  // The facade adds the name of the error number.
  Holds<SameApart<MemoryProtection, native.MemoryProtection, 'lockLimitBytes' | 'refusals'>>,
  Holds<Same<Omit<ProtectionRefusal, 'code'>, native.RefusedStep>>,
  Holds<SameApart<Omit<WorkerHardening, 'inspectorClosed'>, native.Hardening, 'refusals'>>,
  // Which attributes the addon takes is known when it is loaded.
  Holds<Same<keyof native.Attributes & keyof SpawnOptions, keyof native.Attributes>>,
  Holds<Same<Required<ResourceLimits>, Required<native.Limits>>>,
  Holds<Same<TokenCounts, native.TokenCounts>>,
  Holds<Same<LedgerCounts, Flat<native.LedgerCounts>>>,
  Holds<Same<ThreadTotals, Flat<native.ThreadCounts>>>,
  Holds<Same<ModelUsage, Omit<Flat<native.ModelCounts>, 'model'>>>,
  Holds<Same<keyof LedgerLabels, keyof native.LedgerKey>>,
  // `complete` follows from the gaps.
  Holds<SameApart<Omit<ProviderUsage, 'complete'>, Flat<native.RunUsage>, 'models' | 'thread'>>,
  // The facade knows the time of a clock.
  Holds<Same<ProviderFailure, Omit<native.RunFailure, 'resetsByClock'>>>,
  Holds<Same<keyof LockboxContext, keyof native.RowContext>>,
  Holds<Same<keyof LockboxRow, keyof native.RowColumns>>,
  Holds<Same<SealedLockboxRow, native.SealedColumns>>,
  Holds<Same<keyof SealBinding, Exclude<keyof native.SealRequest, 'publicKey'>>>
]
