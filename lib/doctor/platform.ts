// Checks the machine: the addon, the kind of start, and the memory of secrets.

import fs from 'node:fs'
import { manifest } from '../internal/manifest.ts'
import { binding, memoryProtection, variable } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import { list, page } from './words.ts'

interface Seen {
  version: string
  node: string
  platform: string
  /** Why there is no native start. */
  missing: string
  dumpable: boolean
  refused: string
  unlocked: boolean
  canRaise: boolean
}

type Needed = Needs<
  Seen,
  {
    'platform.addon': 'version' | 'node'
    'platform.unverified': 'platform'
    'platform.native-start': never
    'platform.portable-start': 'missing' | 'dumpable'
    'memory.protected': never
    'memory.unprotected': 'refused' | 'unlocked' | 'canRaise'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'platform.addon',
    severity: 'ok',
    sentence: ({ version, node }) => `The addon, version ${version}, is loaded under Node ${node}.`
  },
  {
    id: 'platform.unverified',
    severity: 'info',
    sentence: ({ platform }) => `This is ${platform}. Only Linux x64 with glibc has been tested.`
  },
  {
    id: 'platform.native-start',
    severity: 'ok',
    sentence: () => 'CLIs are started by the native start, with all its protections.'
  },
  {
    id: 'platform.portable-start',
    severity: 'warning',
    sentence: ({ missing }) => `CLIs are started by child_process, without these protections: ${missing}.`,
    remedy: ({ dumpable }) =>
      dumpable
        ? 'Restore the default of fs.suid_dumpable, and restart the worker:'
        : `Run the worker under Node on Linux 5.9 or newer, in a sandbox that allows the call. ${page('hardening.md')} explains what is missing.`,
    commands: ({ dumpable }) => (dumpable ? ['sysctl -w fs.suid_dumpable=0'] : [])
  },
  {
    id: 'memory.protected',
    severity: 'ok',
    sentence: () => 'The memory of secrets is locked, guarded, and excluded from core dumps and forks.'
  },
  {
    id: 'memory.unprotected',
    severity: 'warning',
    sentence: ({ refused }) => `The system refuses to protect the memory of secrets: ${refused}.`,
    remedy: ({ unlocked }) =>
      unlocked
        ? 'Allow this process to lock memory: with the command below in its shell, LimitMEMLOCK=infinity in its systemd unit, or --ulimit memlock=-1 for its container.'
        : 'Configure the sandbox to allow these calls (madvise, mprotect, mlock).',
    // Up to the hard limit anybody may raise it, beyond that root.
    commands: ({ unlocked, canRaise }) => (unlocked ? [canRaise ? 'ulimit -S -l "$(ulimit -H -l)"' : 'ulimit -l unlimited'] : [])
  }
]

const finding = findingsOf<Needed>(() => rows)

export function look(): Finding[] {
  // The loader requires one file of many. The module cache knows which, if there is one: a loader of node:vm may have none.
  const cache = require.cache ?? {}
  const file =
    Object.keys(cache).find((name) => name.endsWith('.node') && cache[name]?.exports === binding) ??
    variable('NAPI_RS_NATIVE_LIBRARY_PATH') ??
    null
  return [addon(file), ...platform(file), start(), memory()]
}

function addon(file: string | null) {
  const { version } = manifest()
  return finding(
    'platform.addon',
    { version, node: process.versions.node },
    { path: file ?? undefined, details: { version, file, node: process.versions.node } }
  )
}

function platform(file: string | null) {
  const name = `${process.platform}-${process.arch}`
  const musl = file?.includes('-musl') ?? false
  if (name === 'linux-x64' && !musl) return []
  return [finding('platform.unverified', { platform: musl ? `${name} with musl` : name }, { details: { platform: name, musl } })]
}

function start() {
  const bun = process.versions.bun !== undefined
  const missing = bun ? 'this is Bun' : process.platform === 'linux' ? binding.missingForNativeStart() : `this is ${process.platform}`
  if (missing === null) return finding('platform.native-start', {})
  return finding(
    'platform.portable-start',
    { missing: bun || process.platform !== 'linux' ? missing : `there is no ${missing}`, dumpable: missing.startsWith('fs.suid_dumpable') },
    { details: { missing } }
  )
}

function memory() {
  const protection = memoryProtection()
  const { refusals, locked, lockLimitBytes } = protection
  const details = {
    locked,
    guardPages: protection.guardPages,
    excludedFromCoreDumps: protection.excludedFromCoreDumps,
    wipedOnFork: protection.wipedOnFork,
    lockLimitBytes
  }
  if (refusals.length === 0) return finding('memory.protected', {}, { details })
  const refused = list(refusals.map((refusal) => `${refusal.protection} (${refusal.syscall}: ${refusal.code})`))
  return finding(
    'memory.unprotected',
    { refused, unlocked: !locked, canRaise: hardLimitIsHigher() },
    { details: { ...details, refusals: [...refusals] } }
  )
}

/** Of locked memory. */
function hardLimitIsHigher() {
  const limits = fs.existsSync('/proc/self/limits') ? fs.readFileSync('/proc/self/limits', 'utf8') : ''
  const [, soft, hard] = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(limits) ?? []
  return soft !== hard
}
