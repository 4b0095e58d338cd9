// Checks which user a CLI would become, and whether this process can change to that user.

import { readFile } from 'node:fs/promises'
import type { IdentityRequest } from '../../binding.js'
import type { ProviderError } from '../internal/errors.ts'
import { ACCESS, inquire, last } from './ask.ts'
import type { Context } from './context.ts'
import { DEFAULT_PREFIX, STRANGER } from './context.ts'
import { calledAs } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import { openAt } from './way.ts'
import { command, flag, ids, list, OWN, owner } from './words.ts'

interface Seen {
  target: Context['target']
  own: Context['own']
  /** Why the target cannot be become. */
  reason: string
  /** The words of the same command line. */
  again: string[]
  guess: Awaited<ReturnType<typeof guessTenant>>
  unseen: string[]
}

type Needed = Needs<
  Seen,
  {
    'target.same': 'target'
    'target.drop': 'target'
    'target.cannot-drop': 'target' | 'own' | 'reason' | 'again'
    'target.unnamed': 'guess' | 'again'
    'target.root': 'target' | 'guess' | 'again'
    'target.unseen': 'unseen'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'target.same',
    severity: 'ok',
    sentence: ({ target }) => `The CLI runs as ${ids(target)}, which is already the user of this process.`
  },
  {
    id: 'target.drop',
    severity: 'ok',
    sentence: ({ target }) => `This process can start the CLI as ${ids(target)}: a child process dropped to it and could not regain root.`
  },
  {
    id: 'target.cannot-drop',
    severity: 'error',
    sentence: ({ target, own, reason }) => `This process is ${ids(own)} and cannot start the CLI as ${ids(target)}: ${reason}.`,
    remedy: () =>
      'Start the worker as root (or with CAP_SETUID and CAP_SETGID), or as the target user. Then run the doctor again with the same environment and PATH, which sudo would replace:',
    // `-E` keeps the environment but for PATH, which `secure_path` of sudoers(5) decides.
    commands: ({ again }) => [`sudo -E env PATH="$PATH" ${command(...again)}`]
  },
  {
    id: 'target.unnamed',
    severity: 'warning',
    sentence: () => 'This process is root, and no target user was named. The doctor checked as root, who can access everything.',
    remedy: ({ guess }) =>
      guess
        ? `Pass the tenant's uid and gid. ${guess.path} belongs to ${owner(guess)}:`
        : "Pass a tenant's uid and gid as --uid and --gid.",
    commands: ({ guess, again }) => (guess ? [command(...again, '--uid', guess.uid, '--gid', guess.gid)] : [])
  },
  {
    id: 'target.root',
    severity: 'error',
    sentence: ({ target }) => `The target is ${ids(target)}, which is root: spawnProvider() refuses it unless you pass allowRoot: true.`,
    remedy: ({ guess }) =>
      guess
        ? `Pass the tenant's own uid and gid. ${guess.path} belongs to ${owner(guess)}:`
        : "Pass the tenant's own uid and gid as --uid and --gid.",
    commands: ({ guess, again }) => (guess ? [command(...again, '--uid', guess.uid, '--gid', guess.gid)] : [])
  },
  {
    id: 'target.unseen',
    severity: 'info',
    sentence: ({ unseen }) => `The doctor did not check: ${list(unseen)}.`
  }
]

const finding = findingsOf<Needed>(() => rows)

export async function look(context: Context): Promise<Finding[]> {
  const { target, own, named } = context
  const details = { target, own, ...(await privileges()) }
  context.asksStranger = own.uid === 0 && (await whyNot(STRANGER)) === null
  if (named ? target.uid === 0 || target.gid === 0 : own.uid === 0) {
    const seen = { target, guess: await guessTenant(context), again: again(context, await itself(context), false) }
    return [finding(named ? 'target.root' : 'target.unnamed', seen, { details })]
  }
  const reason = await whyNot(context.ids)
  if (reason !== null) {
    // The rest of the checks reads the modes instead of asking the kernel.
    context.byModeBits = true
    context.unseen.push('what the kernel would allow the target user (the doctor read the file modes instead)')
    return [
      finding(
        'target.cannot-drop',
        { target, own, reason: reason.message, again: again(context, await itself(context), true) },
        { details: { ...details, step: reason.step, errno: reason.errno } }
      )
    ]
  }
  if (target.uid === own.uid && target.gid === own.gid) return [finding('target.same', { target }, { details })]
  return [finding('target.drop', { target }, { details })]
}

/** What could not be looked at; to be called last. */
export function unseen(context: Context) {
  const all = [...context.unseen]
  if (context.directories.workspace === undefined) all.push('a workspace (name one with --workspace)')
  if (context.directories.home === undefined) all.push('a home directory (name one with --home)')
  for (const facts of context.providers)
    if (context.states[facts.id] === undefined) all.push(`${facts.stateVariable} (name one with --${flag(facts.stateOption)})`)
  return all.length === 0 ? [] : [finding('target.unseen', { unseen: all }, { details: { unseen: all } })]
}

/** Why the target cannot be become; null when a child could. Every step of the drop is made and proved. */
async function whyNot(ids: IdentityRequest) {
  try {
    await inquire(ids, [{ path: '/', access: ACCESS.exists }], false)
    return null
  } catch (thrown) {
    const error = thrown as Partial<ProviderError>
    if (error.code !== 'ERR_PROVIDER_PRIVILEGE_FAILED') throw thrown
    const call = error.syscall ?? error.step
    return {
      message: error.errno === -1 ? `${call} is not permitted` : `${call} failed`,
      step: error.step ?? null,
      errno: error.errno ?? null
    }
  }
}

/** What the kernel says this process may do. */
async function privileges() {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1]
  const capabilities = field('CapEff')
  const bit = (number: number) => (capabilities === undefined ? null : ((BigInt(`0x${capabilities}`) >> BigInt(number)) & 1n) === 1n)
  // capability.h; 7 is CAP_SETUID, 6 CAP_SETGID.
  return { canSetUid: bit(7), canSetGid: bit(6), noNewPrivileges: status === '' ? null : field('NoNewPrivs') === '1' }
}

/** Whose a tenant's directory is: a guess that is better than none. */
async function guessTenant({ ids, directories, states }: Context) {
  const given = [directories.workspace, ...Object.values(states).map((state) => (state?.given ? state.path : undefined)), directories.home]
  const questions = given.flatMap((path) => (path === undefined ? [] : [{ path, access: ACCESS.exists }]))
  for (const answer of await inquire(ids, questions, true)) {
    // What is missing counts as root's.
    const { uid, gid } = last(answer)
    if (uid !== 0 && gid !== 0) return { path: answer.path, uid, gid }
  }
  return undefined
}

/** This command: as it was called, which decides where it looks for packages; by its real path if that could be replaced. */
async function itself(context: Context) {
  const called = calledAs()
  return called === undefined || (await openAt(context, called)) !== null ? OWN : [process.execPath, called]
}

/** The command line that asks the same again. */
function again(
  { target, ids, directories, states, providers, prefix, command: program, start }: Context,
  self: readonly string[],
  withIds: boolean
): string[] {
  const words = [...self, 'doctor']
  if (providers.length === 1) words.push('--provider', providers[0].id)
  if (withIds) words.push('--uid', String(target.uid), '--gid', String(target.gid))
  if (withIds && ids.groups?.length) words.push('--groups', ids.groups.join(','))
  for (const [name, value] of [
    ['workspace', directories.workspace],
    ['home', directories.home],
    ['command', program]
  ] as const) {
    if (value !== undefined) words.push(`--${name}`, value)
  }
  for (const facts of providers) {
    const state = states[facts.id]
    if (state?.given) words.push(`--${flag(facts.stateOption)}`, state.path)
  }
  if (directories.tmpDir !== '/tmp') words.push('--tmp-dir', directories.tmpDir)
  if (prefix !== DEFAULT_PREFIX) words.push('--prefix', prefix)
  if (!start) words.push('--no-start')
  return words
}
