// What carries a process out, and what its start knows of it.

import type { CredentialInfo } from '../environment/provider-env.ts'
import type { Streams } from './child-streams.ts'

/**
 * A default protection that the start could not provide; see `docs/hardening.md`. `stderr-redaction`: stderr is not a
 * pipe, so it does not pass through this process. `session-keyring` with the native start: a sandbox refuses keyctl(2).
 * `broker`: delivery `"auto"` passes the credential itself, because the system has no broker (see `docs/broker.md`) or
 * the program's version is not known to reach it.
 */
export type MissingProtection =
  | 'no-new-privileges'
  | 'parent-death-signal'
  | 'verified-drop'
  | 'close-range'
  | 'core-limit'
  | 'wiped-environment'
  | 'state-directory-check'
  | 'descendant-kill'
  | 'working-directory-check'
  | 'session-keyring'
  | 'scheduling-reset'
  | 'stderr-redaction'
  | 'broker'

/** How a program got its credential. */
export type ObtainedDelivery = 'fd' | 'env' | 'broker'

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

/** What is known of a process before its start. */
export type StartFacts = {
  provider: string
  credential: CredentialInfo
  killSignal: number
  killGroupOnExit: boolean
  /** Whether the caller leaves the delivery to this package. */
  isAuto: boolean
}
