// Refreshes a stored login while processes run whose requests the broker sends with it.

import type { CredentialStore } from '../credential/credential-store.ts'
import { dueAt } from '../credential/credential-store.ts'
import { binding } from '../internal/binding.ts'
import { bare, ProviderError } from '../internal/errors.ts'
import type { ProviderProcess } from './provider-process.ts'

/** What runs with a store, and when it is looked at again. */
interface Kept {
  children: Set<ProviderProcess>
  timer: NodeJS.Timeout | undefined
  /** The code of the failure that was warned about; the same one again is not. */
  warned: string | undefined
}

/**
 * The time between two attempts, if the token is still due after the first: a quarter of the time for which it is still
 * valid, within these bounds. That happens after a failure, and with tokens that live for less than `refreshAheadMs`.
 */
const RETRY_MS = { least: 1000, most: 60_000 }
/** The clock may be set, or another process may refresh the login: after this time, the store is looked at again. */
const LOOK_MS = 60_000

const kept: WeakMap<CredentialStore, Kept> = new WeakMap()

/**
 * Has the tokens of a stored login refreshed before they expire, until the process ends. A store has one timer, however many
 * processes run with it, and the timer does not keep the event loop alive. A failure is a warning, and is tried again.
 */
export function keepFresh(store: CredentialStore, child: ProviderProcess) {
  if (!refreshes(store)) return
  const entry = kept.get(store) ?? { children: new Set(), timer: undefined, warned: undefined }
  kept.set(store, entry)
  entry.children.add(child)
  const leave = () => {
    entry.children.delete(child)
    if (entry.children.size > 0) return
    clearTimeout(entry.timer)
    if (kept.get(store) === entry) kept.delete(store)
  }
  // A start that fails has no `exit`.
  child.once('exit', leave).once('close', leave)
  if (entry.timer === undefined) schedule(store, entry, Math.max(idleFor(store), 0))
}

/** Whether the store has tokens whose expiry is known. */
function refreshes(store: CredentialStore) {
  return !store.disposed && dueAt(store) !== undefined
}

/** How long until the store must be looked at again. */
function idleFor(store: CredentialStore) {
  return Math.min((dueAt(store) ?? 0) - Date.now(), LOOK_MS)
}

function untilRetry(store: CredentialStore) {
  const left = (store.expiresAt?.getTime() ?? 0) - Date.now()
  return left <= 0 ? RETRY_MS.most : Math.min(Math.max(left / 4, RETRY_MS.least), RETRY_MS.most)
}

function schedule(store: CredentialStore, entry: Kept, delay: number) {
  // Outside of the AsyncLocalStorage of whoever started the first process.
  binding.callWithoutContext(() => {
    entry.timer = setTimeout(() => void look(store, entry), delay).unref()
  })
}

async function look(store: CredentialStore, entry: Kept) {
  entry.timer = undefined
  if (!refreshes(store)) return
  let failure: unknown
  // Whether the token was not due yet: a timer can be a moment early.
  let isEarly = false
  try {
    const refreshed = await store.fresh()
    failure = refreshed.failure
    isEarly = !failure && !refreshed.asked
  } catch (error) {
    failure = error
  }
  if (failure && !store.disposed) warn(store, entry, failure)
  if (!failure) entry.warned = undefined
  // The last process may have ended meanwhile, and another one may have begun.
  if (entry.children.size === 0 || entry.timer || !refreshes(store)) return
  const idle = idleFor(store)
  schedule(store, entry, idle > 0 ? idle : isEarly ? RETRY_MS.least : untilRetry(store))
}

function warn(store: CredentialStore, entry: Kept, failure: unknown) {
  const code = failure instanceof ProviderError ? failure.code : 'unknown'
  if (entry.warned === code) return
  entry.warned = code
  const warning = bare({
    type: 'Warning',
    code: 'PROVIDER_LOGIN_NOT_REFRESHED',
    detail: failure instanceof ProviderError ? `${code}: ${failure.message}` : undefined
  })
  process.emitWarning(`The login of ${store.provider} was not refreshed, and running agents need it. It is tried again.`, warning)
}
