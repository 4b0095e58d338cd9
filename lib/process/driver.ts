// What a start and its process know of each other.

import type { CredentialInfo } from '../environment/provider-env.ts'
import type { ProviderError } from '../internal/errors.ts'
import type { Metered } from '../usage/metered.ts'
import type { Streams } from './child-streams.ts'
import type { MissingProtection, ProviderProcess } from './provider-process.ts'

/** What carries the process out: the native start or the portable one. */
export interface Backend {
  startPath: 'native' | 'portable'
  missingProtections: MissingProtection[]
  stdio: Streams
  /** Sends; false when there is nothing to signal. */
  signal: (signal: number) => boolean
  /** Asks to end, then makes it. */
  stop: () => void
  ref: () => void
  unref: () => void
}

/** Why there is no process: one of ours, or a `TypeError` for what only the start finds wrong. */
export type StartError = Error & { code?: string; errno?: number }

/** What a backend reports to the process object. */
export interface Driver {
  child: ProviderProcess
  /** Calls in the asynchronous context of whoever asked for the start. */
  inContext: (call: () => void) => void
  abort: (reason: unknown) => void
  onFailed: (error: StartError) => void
  onSpawned: (pid: number, argv: string[]) => void
  onTimedOut: () => void
  onExited: (code: number | null, signal: NodeJS.Signals | null) => void
  observe: (metered: Metered) => void
  refuse: (error: ProviderError) => void
}

export type Facts = { provider: string; credential: CredentialInfo; killSignal: number; killGroupOnExit: boolean }
