// The counts of tokens, and of a thread that a snapshot of an earlier run has: how they are read.

import { binding } from '../internal/binding.ts'
import * as validate from '../internal/validate.ts'
import type { NativeThreadTotals, NativeTokens } from '../../binding.js'

/**
 * Tokens, in one meaning for both providers: that of OpenTelemetry's conventions for generative AI. Whole numbers, at
 * most 2^53 - 1.
 */
export interface TokenCounts {
  /** All that went in, `cachedInputTokens` and `cacheWriteInputTokens` included. (Claude Code itself tells it without them.) */
  inputTokens: number
  /** Input that was read from the cache. */
  cachedInputTokens: number
  /** Input that was written to the cache. */
  cacheWriteInputTokens: number
  /** All that came out, `reasoningTokens` included. */
  outputTokens: number
  /** Output that the model thought with. */
  reasoningTokens: number
}

/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** US dollars, as the CLI reckons them; `null` where it does not. */
  costUsd: number | null
}

/** What a thread of Codex has used in all its runs. Plain data: keep it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

export const TOKEN_COUNTS = Object.keys(binding.noTokens()) as (keyof NativeTokens)[]

export function readCount(name: string, value: unknown): number {
  return validate.required(name, validate.optionalCount(name, value))
}

export function readTokens(name: string, given: validate.Own<keyof NativeTokens>): NativeTokens {
  return Object.fromEntries(TOKEN_COUNTS.map((count) => [count, readCount(`${name}.${count}`, given[count])])) as unknown as NativeTokens
}

export function readThread(name: string, value: unknown): NativeThreadTotals | undefined {
  if (value === undefined || value === null) return undefined
  const thread = validate.fields(name, value, ['id', ...TOKEN_COUNTS])
  const id = validate.wellFormed(`${name}.id`, validate.required(`${name}.id`, validate.optionalString(`${name}.id`, thread.id)))
  return { id, tokens: readTokens(name, thread) }
}

/** As the caller sees them: beside what else is told, not below it. */
export function flat<T extends { tokens: NativeTokens }>({ tokens, ...rest }: T): NativeTokens & Omit<T, 'tokens'> {
  return { ...tokens, ...rest }
}
