// Usage, failures and billing as a worker in TypeScript reads them; checked against index.d.ts by tsc, never run.

import type { ThreadEvent } from '@openai/codex-sdk'
import {
  type CredentialMismatch,
  claudeAgentOptions,
  describeProvider,
  type LedgerSnapshot,
  type ProviderDescription,
  type ProviderEnv,
  type ProviderFailure,
  type ProviderFailureKind,
  type ProviderProcess,
  type ProviderUsage,
  spawnProvider,
  type ThreadTotals,
  type UsageGap,
  UsageLedger,
  UsageMeter
} from '../../index.js'

declare const env: ProviderEnv

export function run(ledger: UsageLedger): ProviderProcess {
  const child = spawnProvider(env, { args: ['exec', '--json'], usage: true, thread: null, onCredentialMismatch: 'stop' })
  ledger.track(child, { workspace: 'w' })
  ledger.track(child, { workspace: 'w', generation: 7 })
  child.on(
    'usage',
    (usage) => usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteInputTokens + usage.outputTokens + usage.reasoningTokens
  )
  child.on('failure', ({ kind, retryable, retryAfterMs, resetsAt, passing, status, message, remedy }) => [
    kind,
    retryable,
    passing,
    status,
    message,
    remedy,
    (retryAfterMs ?? 0) + (resetsAt ?? 0)
  ])
  child.once('credentialMismatch', (mismatch: CredentialMismatch) => mismatch.expected.includes(mismatch.claimed))
  const usage: ProviderUsage | null = child.usage
  const failure: ProviderFailure | null = child.failure
  const cost: number | null | undefined = usage?.models.m?.costUsd ?? usage?.costUsd
  const kind: ProviderFailureKind | undefined = failure?.kind
  const gap: UsageGap | undefined = usage?.incompleteBecause[0]
  console.log(cost, kind, usage?.complete, gap === 'subagents' || gap === 'subagents-unknown', kind === 'no-session' || kind === 'endpoint')
  // @ts-expect-error: a snapshot needs all of its labels
  if (usage) ledger.record(usage, { workspace: 'w' })
  // @ts-expect-error: no such reaction
  spawnProvider(env, { onCredentialMismatch: 'ignore' })
  claudeAgentOptions(env, { onCredentialMismatch: 'stop', onSpawn: (spawned) => ledger.track(spawned, { workspace: 'w' }) })
  return child
}

export function fromTheSdk(events: ThreadEvent[], thread: ThreadTotals | null): ProviderUsage {
  const meter = new UsageMeter('codex', { resumed: true, thread, model: 'gpt-5', subagents: false })
  for (const event of events) meter.event(event)
  meter.write('{}\n').write(new Uint8Array(1)).end().end(0)
  const next: ThreadTotals | null = meter.usage.thread
  return new UsageMeter('codex', { thread: next }).usage
}

export function show(ledger: UsageLedger): [ProviderDescription, LedgerSnapshot, string] {
  const description = describeProvider(env)
  const payer: 'workspace' | 'server' | 'subscription' = description.billedTo
  const source: 'payload' | 'store' | 'server' | 'config-dir' = description.credentialSource
  // @ts-expect-error: a store is already a source
  const withoutStore: 'payload' | 'server' | 'config-dir' = description.credentialSource
  console.log(payer, source, withoutStore, ledger.size, new UsageLedger({ maxEntries: 5 }))
  return [description, ledger.toJSON(), ledger.toPrometheus()]
}
