// Reads token counts, and the totals of a thread from the snapshot of an earlier run.

import type { ThreadCounts } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import * as validate from '../internal/validate.ts'

/**
 * Token counts with the same meaning for both providers, that of OpenTelemetry's conventions for generative AI. They
 * are whole numbers of at most 2^53 - 1.
 */
export interface TokenCounts {
  /**
   * All input tokens, including `cachedInputTokens` and `cacheWriteInputTokens`. (Claude Code itself reports the number
   * without them.)
   */
  inputTokens: number
  /** Input tokens that were read from the cache. */
  cachedInputTokens: number
  /** Input tokens that were written to the cache. */
  cacheWriteInputTokens: number
  /** All output tokens, including `reasoningTokens`. */
  outputTokens: number
  /** Output tokens that the model used for reasoning. */
  reasoningTokens: number
}

/** What one model has used. */
export interface ModelUsage extends TokenCounts {
  /** The cost in US dollars, as the CLI calculates it; `null` if it does not. */
  costUsd: number | null
}

/** What a thread of Codex has used in all its runs. This is plain data: store it with the thread's id. */
export interface ThreadTotals extends TokenCounts {
  id: string
}

export const TOKEN_COUNTS = Object.keys(binding.noTokens()) as (keyof TokenCounts)[]

export function readCount(name: string, value: unknown): number {
  return validate.required(name, validate.optionalCount(name, value))
}

export function readTokens(name: string, given: validate.Own<keyof TokenCounts>): TokenCounts {
  return Object.fromEntries(TOKEN_COUNTS.map((count) => [count, readCount(`${name}.${count}`, given[count])])) as unknown as TokenCounts
}

export function readThread(name: string, value: unknown): ThreadCounts | undefined {
  if (value === undefined || value === null) return undefined
  const thread = validate.fields(name, value, ['id', ...TOKEN_COUNTS])
  const id = validate.wellFormed(`${name}.id`, validate.required(`${name}.id`, validate.optionalString(`${name}.id`, thread.id)))
  return { id, tokens: readTokens(name, thread) }
}

/** As the caller sees them: next to the other members, not below one. */
export function flat<T extends { tokens: TokenCounts }>({ tokens, ...rest }: T): TokenCounts & Omit<T, 'tokens'> {
  return { ...tokens, ...rest }
}
