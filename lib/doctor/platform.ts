// Checks of the machine: the addon, the kind of start, and the memory that secrets would live in.

import fs from 'node:fs'
import { manifest } from '../internal/manifest.ts'
import { binding, memoryProtection } from './facade.ts'
import { findingsOf } from './finding.ts'
import { list, page } from './words.ts'
import type { Finding, Row } from './finding.ts'

export const rows: Row[] = [
  {
    id: 'platform.addon',
    severity: 'ok',
    sentence: ({ version, node }) => `The addon of version ${version} is loaded, under Node ${node}.`
  },
  {
    id: 'platform.unverified',
    severity: 'info',
    sentence: ({ platform }) => `This is ${platform}. Only Linux x64 with glibc has been tested.`
  },
  {
    id: 'platform.native-start',
    severity: 'ok',
    sentence: () => 'CLIs are started natively, with every protection of the start.'
  },
  {
    id: 'platform.portable-start',
    severity: 'warning',
    sentence: ({ missing }) => `CLIs are started by child_process, with some protections missing: ${missing}.`,
    remedy: ({ dumpable }) =>
      dumpable
        ? 'Give fs.suid_dumpable back its default, and start the worker anew.'
        : `Run the worker under Node on Linux 5.9 or newer, in a sandbox that allows the call. What is missing says ${page('hardening.md')}.`,
    commands: ({ dumpable }) => (dumpable ? ['sysctl -w fs.suid_dumpable=0'] : [])
  },
  {
    id: 'memory.protected',
    severity: 'ok',
    sentence: () => 'Memory for secrets is locked, guarded, and left out of core dumps and forks.'
  },
  {
    id: 'memory.unprotected',
    severity: 'warning',
    sentence: ({ refused }) => `The system refuses to protect the memory that secrets live in: ${refused}.`,
    remedy: ({ unlocked }) =>
      unlocked
        ? 'Let this process lock memory: in its shell as here, by LimitMEMLOCK=infinity in its systemd unit, or by --ulimit memlock=-1 for its container.'
        : 'Let the sandbox allow these calls (madvise, mprotect, mlock).',
    // Up to the hard limit anybody may raise it, beyond that root.
    commands: ({ unlocked, canRaise }) => (unlocked ? [canRaise ? 'ulimit -S -l "$(ulimit -H -l)"' : 'ulimit -l unlimited'] : [])
  }
]

const finding = findingsOf(() => rows)

export function look(): Finding[] {
  // The loader requires one file of many. The module cache knows which, where there is one: a loader of node:vm may have none.
  const cache = require.cache ?? {}
  const file = Object.keys(cache).find((name) => name.endsWith('.node') && cache[name]?.exports === binding) ?? null
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
