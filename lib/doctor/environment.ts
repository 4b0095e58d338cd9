// Checks the names, never the values, in this process's own environment, which a child could inherit.

import type { FoundVariable } from '../../binding.js'
import type { Context } from './context.ts'
import { binding, own } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import type { LeftOut } from './npm.ts'
import { command, list } from './words.ts'

/** Every login shell sets them, and no CLI of ours gets them: no news. */
const USUAL = ['SHELL', 'EDITOR', 'VISUAL', 'PAGER', 'BROWSER', 'DEBUG', 'IFS', 'PS4']
const names = (found: FoundVariable[]) => list(found.map(({ name }) => name))
const unset = (found: FoundVariable[]) => [command('unset', ...found.map(({ name }) => name))]

interface Seen {
  found: FoundVariable[]
  npm: LeftOut
}

type Needed = Needs<
  Seen,
  {
    'environment.clean': never
    'environment.npm': 'npm'
    'environment.server-credential': 'found'
    'environment.credential': 'found'
    'environment.other-credential': 'found'
    'environment.influence': 'found'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'environment.clean',
    severity: 'ok',
    sentence: () => "This process's environment contains no credential of a CLI."
  },
  {
    id: 'environment.npm',
    severity: 'info',
    sentence: ({ npm }) =>
      `npm started the doctor. The doctor ignores what npm added, because a worker does not have it: ${npm.directories.length} ${npm.directories.length === 1 ? 'directory' : 'directories'} at the front of PATH, and the variables npm_….`
  },
  {
    id: 'environment.server-credential',
    severity: 'warning',
    sentence: ({ found }) =>
      `${names(found)} ${found.length === 1 ? 'is' : 'are'} in this process's environment, which every child process inherits unless this package starts it.`,
    remedy: () =>
      'In the worker, call takeServerCredentials() before anything else, which moves the credentials into Rust. In this shell, run:',
    commands: ({ found }) => unset(found)
  },
  {
    id: 'environment.credential',
    severity: 'warning',
    sentence: ({ found }) =>
      `${names(found)} ${found.length === 1 ? 'is' : 'are'} in this process's environment. A CLI reads a credential from there, and takeServerCredentials() does not remove it.`,
    remedy: () => 'Start the worker without these variables:',
    commands: ({ found }) => unset(found)
  },
  {
    id: 'environment.other-credential',
    severity: 'info',
    sentence: ({ found }) =>
      `This process's environment has other variables that look like credentials: ${names(found)}. A CLI that this package starts does not get them.`
  },
  {
    id: 'environment.influence',
    severity: 'info',
    sentence: ({ found }) =>
      `This process's environment has variables that can load code or redirect traffic: ${names(found)}. A CLI that this package starts does not get them.`
  }
]

const finding = findingsOf<Needed>(() => rows)

export function look({ providers }: Context, npm: LeftOut | null): Finding[] {
  const all = own(binding.surveyVariables(Object.keys(process.env).sort()))
  const ours = all.filter(({ provider }) => provider === null || providers.some(({ id }) => id === provider))
  const groups = [
    ['environment.server-credential', ({ taken }) => taken],
    ['environment.credential', ({ taken, provider }) => !taken && provider !== null],
    ['environment.other-credential', ({ provider, reason }) => provider === null && reason === 'credential'],
    ['environment.influence', ({ name, reason }) => reason !== 'credential' && !USUAL.includes(name)]
  ] as [Exclude<keyof Needed, 'environment.clean' | 'environment.npm'>, (variable: FoundVariable) => boolean][]
  const findings = groups.flatMap(([id, belongs]) => {
    const found = ours.filter(belongs)
    return found.length === 0 ? [] : [finding(id, { found }, { details: { names: found.map(({ name }) => name) } })]
  })
  const started = npm === null ? [] : [finding('environment.npm', { npm }, { details: { ...npm } })]
  const clean = findings.some(({ severity }) => severity === 'warning') ? [] : [finding('environment.clean', {})]
  return [...started, ...clean, ...findings]
}
