// The processes of this thread whose start was requested and that have not ended, and what keeps the event loop and this copy
// of the package alive for them.

import { binding } from '../internal/binding.ts'

/** The longest that a timer can be set to (Node's TIMEOUT_MAX): 24.8 days, then again. */
const FOREVER = 2 ** 31 - 1

/** What a process is looked up by. */
interface Entry {
  readonly provider: string
  readonly credential: { readonly fingerprint: string | null }
}

/** The processes of this thread, oldest first. */
export class RunningProcesses<Process extends Entry> {
  #all: Set<Process> = new Set()

  add(child: Process) {
    this.#all.add(child)
  }

  remove(child: Process) {
    this.#all.delete(child)
  }

  has(child: Process) {
    return this.#all.has(child)
  }

  /** Those that match all that is given, oldest first. */
  list({ fingerprints, provider }: { fingerprints?: string[]; provider?: string }): Process[] {
    return [...this.#all].filter(
      ({ credential, provider: of }) => (fingerprints?.includes(credential.fingerprint ?? '') ?? true) && (provider ?? of) === of
    )
  }
}

/** Callbacks that have not been called yet. The timer keeps them, even if nothing else holds this copy of the package any more. */
export const awaited: Set<(...values: never[]) => void> = new Set()
let timer: NodeJS.Timeout | undefined
let holders = 0

/** Keeps the event loop alive until as many have called `release`. */
export function hold() {
  holders += 1
  if (timer === undefined) binding.callWithoutContext(start)
  timer?.ref()
}

/** Outside of the first holder's AsyncLocalStorage, which a timer would keep for as long as it lives. */
function start() {
  // It keeps its argument. A function of ours would keep the scope that it was made in, which is all of this copy.
  timer = setInterval(Function.prototype as (kept: unknown) => void, FOREVER, awaited)
}

export function release() {
  holders -= 1
  if (holders === 0) timer?.unref()
}
