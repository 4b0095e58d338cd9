// Checks whether starts use the broker, which keeps the key out of the CLI's process, and what its checks separate.

import fs from 'node:fs'
import type { FoundBroker } from '../../binding.js'
import { looked } from './ask.ts'
import type { Context, Facts } from './context.ts'
import { binding } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import { page, whom } from './words.ts'

interface Seen {
  facts: Facts
  target: Context['target']
  /** The program's version; null if it is unknown. */
  version: string | null
  since: string | null
  message: string
  isLinux: boolean
}

type Needed = Needs<
  Seen,
  {
    'broker.own-uid': 'target'
    'broker.usable': 'facts'
    'broker.not-automatic': 'facts' | 'version' | 'since'
    'broker.unsupported': 'facts' | 'message' | 'isLinux'
    'broker.unusable': 'facts' | 'message'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'broker.own-uid',
    severity: 'warning',
    sentence: ({ target }) =>
      `The agent would run as ${whom(target)}, which is already the user of this process, so the uid separates nothing: the agent can read this process's memory, with every key in it. Only the broker's check of the calling process is left.`,
    remedy: () =>
      `Call hardenWorker() first in the worker, or run the worker as root and pass the tenant's uid and gid. ${page('hardening.md')} compares both. Only diagnose() in the worker itself can see whether it is hardened.`
  },
  {
    id: 'broker.usable',
    severity: 'ok',
    sentence: ({ facts }) =>
      `${facts.name} is started by the broker: this process adds the key to its requests, and the CLI's own process does not have it.`
  },
  {
    id: 'broker.not-automatic',
    severity: 'info',
    sentence: ({ facts, version, since }) =>
      `${facts.name} receives the key itself unless you pass delivery: 'broker', because ${version === null ? 'the version of this program is unknown' : `this is version ${version}`}: the broker is the default from ${since} on.`
  },
  {
    id: 'broker.unsupported',
    severity: 'warning',
    sentence: ({ facts, message }) => `${facts.name} receives the key itself, because the broker cannot be used: ${message}`,
    remedy: ({ isLinux }) =>
      isLinux
        ? 'Let the sandbox of the worker allow sockets of the family AF_NETLINK with the protocol NETLINK_SOCK_DIAG.'
        : `Run the worker on Linux. ${page('hardening.md')} explains what the other deliveries expose.`
  },
  {
    id: 'broker.unusable',
    severity: 'error',
    sentence: ({ facts, message }) => `${facts.name} cannot be started by the broker: ${message}`,
    remedy: () =>
      "Pass a directory to startBroker({ socketDirectory }) in which the worker can create directories, and in which no other user can rename them, or pass delivery: 'fd' to give the key to the CLI itself."
  }
]

const finding = findingsOf<Needed>(() => rows)

/** How starts of a program of this version with delivery "auto" get the credential across. */
export async function survey({ ids, byModeBits }: Context, facts: Facts, version: string | null): Promise<FoundBroker> {
  // Who cannot become the target cannot give it a socket either; the rest is the same for every uid.
  const asked = { provider: facts.id, version: version ?? undefined, ids: byModeBits ? { allowRoot: true } : ids }
  return await looked((abort) => binding.surveyBroker(asked, abort))
}

/** Whether a start with delivery "auto" leaves the key out of the CLI's process. */
export function isBrokered({ isAutomatic, error }: FoundBroker) {
  return isAutomatic && error === null
}

export function look(facts: Facts, version: string | null, { isAutomatic, since, error }: FoundBroker): Finding[] {
  const about = { provider: facts.id, details: { automatic: isAutomatic, since, code: error?.code ?? null } }
  if (!isAutomatic) return [finding('broker.not-automatic', { facts, version, since }, about)]
  if (error === null) return [finding('broker.usable', { facts }, about)]
  const { message, code, path } = error
  if (code === 'ERR_PROVIDER_UNSUPPORTED') {
    return [finding('broker.unsupported', { facts, message, isLinux: process.platform === 'linux' }, about)]
  }
  return [finding('broker.unusable', { facts, message }, { ...about, path: path ?? undefined })]
}

/** What uids separate, which no provider changes. */
export function lookCommon({ own, target }: Context): Finding[] {
  // That the target is root is a finding already.
  if (own.uid !== target.uid || target.uid === 0 || isClosed(own.uid)) return []
  return [finding('broker.own-uid', { target })]
}

/** Whether the kernel keeps this process's memory from its own uid: its entries in /proc belong to root then (proc(5)). */
function isClosed(uid: number) {
  const { uid: owner } = fs.statSync('/proc/self/environ', { throwIfNoEntry: false }) ?? { uid }
  return owner !== uid
}
