// Checks the directories that a CLI writes to: they must exist, belong to the target user, be writable by it and closed
// to others.

import type { Answer, Component, Way } from '../../binding.js'
import { ACCESS, inquire, last } from './ask.ts'
import type { Context, Facts } from './context.ts'
import { STRANGER } from './context.ts'
import type { Finding, Row, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import { asTarget, unlessSteered, wayTo } from './way.ts'
import { command, octal, owner, whom } from './words.ts'

/** Directories that everybody shares. */
const SHARED = ['/tmp', '/var/tmp', '/dev/shm']

interface Seen {
  context: Context
  directory: Directory
  real: string
  way: Way
  target: Context['target']
  component: Component
  /** Whether everybody shares the directory. */
  shared: boolean
  /** What belongs to a user who is neither root, the target nor this process's. */
  anothers: Component | undefined
  isOwn: boolean
}

type Id = `state.${string}`

const its = ({ component }: Seen) => `it belongs to ${owner(component)} and has mode ${octal(component.mode)}`
/** If the target could put a link there first, the target runs the command instead of root. */
const own = ({ context, target, directory, way }: Seen) =>
  way.targets
    ? command(...asTarget(context), 'mkdir', '-p', '-m', '0700', '--', directory.path)
    : command('install', '-d', '-o', target.uid, '-g', target.gid, '-m', '0700', directory.path)
/** By the target if it can rename what is there. In a sticky directory it can rename only its own, and root moves the rest. */
const moveAway = ({ context, directory, way }: Seen) =>
  command(...(way.replaceable ? asTarget(context) : []), 'mv', '-nT', '--', directory.path, `${directory.path}.disabled`)
/**
 * If the tenant can replace it, or another user can write in it, root does not change its owner: it is moved aside,
 * and a fresh one made.
 */
const anew = (seen: Seen) => [moveAway(seen), own(seen)]
const ANEW = 'Rename it, and create a directory that the target user owns; its owner can copy the files that the tenant needs:'
/** Run by its owner: a link cannot lead the owner to what belongs to others. */
const mode = ({ context, real }: Seen, bits: string) => command(...asTarget(context), 'chmod', bits, real)
/** A tenant can replace it with a link: whoever runs the commands as root needs to see what they change. */
const where = ({ directory, real }: Seen) => (real === directory.path ? directory.path : `${directory.path}, a link to ${real}`)

const all: Row<Seen, Id>[] = [
  {
    id: 'state.usable',
    severity: 'ok',
    sentence: ({ directory, target }) => `${directory.name} (${directory.path}) is writable by ${whom(target)}.`
  },
  {
    id: 'state.made-by-cli',
    severity: 'ok',
    sentence: ({ directory }) => `${directory.name} (${directory.path}) does not exist yet; the CLI creates it.`
  },
  {
    id: 'state.missing',
    severity: 'error',
    sentence: (seen) =>
      `${seen.directory.name} is ${where(seen)}, which does not exist${seen.directory.needed ? '; no CLI is started without it' : ''}.`,
    remedy: () => 'Create it, and make the target user its owner:',
    commands: (seen) => [own(seen)]
  },
  {
    id: 'state.unreachable',
    severity: 'error',
    sentence: (seen) =>
      `${seen.directory.name} is ${where(seen)}, which ${whom(seen.target)} cannot reach: ${seen.component.path} belongs to ${owner(seen.component)} and has mode ${octal(seen.component.mode)}.`,
    remedy: () => 'Let the target user through, or choose another directory:',
    commands: ({ component }) => [command('chmod', 'a+x', component.path)]
  },
  {
    id: 'state.no-directory',
    severity: 'error',
    sentence: (seen) => `${seen.directory.name} is ${where(seen)}, which is not a directory.`,
    remedy: () => 'Rename it, and create a directory:',
    commands: (seen) => [moveAway(seen), own(seen)]
  },
  {
    id: 'state.wrong-owner',
    severity: 'error',
    sentence: (seen) => `${seen.directory.name} is ${where(seen)}, which ${whom(seen.target)} cannot write to: ${its(seen)}.`,
    remedy: ({ way }) => (way.replaceable || way.inside ? ANEW : 'Make the target user the owner of the directory and its contents:'),
    commands: (seen) =>
      seen.way.replaceable || seen.way.inside
        ? anew(seen)
        : [command('chown', '-hR', `${seen.target.uid}:${seen.target.gid}`, seen.real), mode(seen, 'u+rwx')]
  },
  {
    id: 'state.unwritable',
    severity: 'error',
    sentence: (seen) => `${seen.directory.name} is ${where(seen)}, which ${whom(seen.target)} cannot write to: ${its(seen)}.`,
    remedy: ({ shared }) =>
      shared ? 'Restore the usual mode of the shared directory, or use a separate directory for the tenant:' : 'Let its owner write:',
    commands: (seen) => [seen.shared ? command('chmod', '1777', seen.real) : mode(seen, 'u+rwx')]
  },
  {
    id: 'state.read-only',
    severity: 'warning',
    sentence: (seen) =>
      `${seen.directory.name} is ${where(seen)}, which ${whom(seen.target)} cannot write to: ${its(seen)}. The CLI runs, but cannot save anything there.`,
    remedy: ({ way, isOwn }) =>
      isOwn
        ? 'If the tenant needs to save files there, let the owner write:'
        : way.replaceable
          ? ANEW
          : 'If the tenant needs to save files there, make the target user the owner:',
    commands: (seen) =>
      seen.isOwn
        ? [mode(seen, 'u+rwx')]
        : seen.way.replaceable
          ? anew(seen)
          : [command('chown', '-h', `${seen.target.uid}:${seen.target.gid}`, seen.real), mode(seen, 'u+rwx')]
  },
  {
    id: 'state.foreign',
    severity: 'warning',
    sentence: (seen) =>
      `${seen.directory.name} is ${where(seen)}, which belongs to another user: ${its(seen)}. That user can read and change what the CLI stores there.`,
    remedy: () => ANEW,
    commands: anew
  },
  {
    id: 'state.open',
    severity: 'warning',
    sentence: (seen) =>
      `${seen.directory.name} (${where(seen)}) is open to other users: ${its(seen)}. The CLI and its agent store their files there.`,
    remedy: () => 'Remove access for other users:',
    commands: (seen) => [mode(seen, '0700')]
  }
]

/** Those whose commands change what is there, or put something else in its place; and whether root runs one of them. */
const CHANGING = new Map<Id, (seen: Seen) => boolean>([
  ['state.unreachable', () => true],
  ['state.wrong-owner', () => true],
  ['state.read-only', () => true],
  ['state.foreign', () => true],
  ['state.missing', ({ way }) => !way.targets],
  ['state.no-directory', ({ way }) => !way.replaceable || !way.targets]
])
export const rows: Table<Record<Id, Seen>> = all.map((row) => {
  const byRoot = CHANGING.get(row.id)
  return byRoot === undefined ? unlessSteered(row) : unlessSteered(unlessAnothers(row), byRoot)
})
const finding = findingsOf<Record<Id, Seen>>(() => rows)

/** A row without commands if they would open, give away or move what belongs to another user, who can be another tenant. */
function unlessAnothers({ remedy, commands, ...row }: Row<Seen, Id>): Row<Seen, Id> {
  return {
    ...row,
    remedy: (seen) =>
      seen.anothers
        ? `Choose another directory: ${seen.anothers.path} belongs to another user, uid ${seen.anothers.uid}.`
        : (remedy?.(seen) ?? ''),
    commands: (seen) => (seen.anothers ? [] : (commands?.(seen) ?? []))
  }
}

export interface Directory {
  name: string
  path: string
  /** Whether no CLI is started without it. */
  needed: boolean
  /** Whether the CLI creates it. */
  made: boolean
  /** Whether only the target needs access to it. */
  private: boolean
}

export async function look(context: Context, facts: Facts): Promise<Finding[]> {
  const { ids, byModeBits, target } = context
  const state = context.states[facts.id]
  const needs = (name: string) => facts.neededDirectories.includes(name)
  const directories: Directory[] = []
  if (state) {
    const name = facts.stateVariable
    const needed = needs(name) || (state.given && facts.namedDirectories.includes(name))
    directories.push({ name, path: state.path, needed, made: !state.given || !needs(name), private: true })
  }
  if (needs('TMPDIR')) directories.push({ name: 'TMPDIR', path: context.directories.tmpDir, needed: true, made: false, private: false })
  const answers = await inquire(
    ids,
    directories.map((each) => ({ path: each.path, access: ACCESS.use })),
    byModeBits
  )
  const found = directories.map((directory, index) => judge(directory, answers[index], target, context, facts))
  return await Promise.all(found)
}

/** The directories that belong to no provider: the home and the workspace. */
export async function lookCommon(context: Context) {
  const { ids, byModeBits, target } = context
  const { home, workspace } = context.directories
  const directories: Directory[] = []
  if (home !== undefined) directories.push({ name: 'HOME', path: home, needed: false, made: false, private: true })
  if (workspace !== undefined) directories.push({ name: 'The workspace', path: workspace, needed: false, made: false, private: false })
  const answers = await inquire(
    ids,
    directories.map((each) => ({ path: each.path, access: ACCESS.use })),
    byModeBits
  )
  return await Promise.all(directories.map((directory, index) => judge(directory, answers[index], target, context, null)))
}

async function judge(directory: Directory, answer: Answer, target: { uid: number; gid: number }, context: Context, facts: Facts | null) {
  const component = last(answer)
  const way = await wayTo(context, directory.path)
  const { real } = way
  const details = { name: directory.name, uid: component.uid, gid: component.gid, mode: octal(component.mode) }
  const about = {
    provider: facts?.id ?? null,
    path: directory.path,
    details: component.kind === 'missing' ? { name: directory.name } : details
  }
  const anothers = (...components: Component[]) => components.find(({ uid }) => ![0, target.uid, context.own.uid].includes(uid))
  const isOwn = component.uid === target.uid
  const seen: Seen = {
    context,
    directory,
    real,
    way,
    target,
    component,
    shared: SHARED.includes(real),
    anothers: anothers(...answer.components.slice(-2).reverse()),
    isOwn
  }
  const blocked = answer.components.find((each) => each.path === answer.obstacle?.path)
  const onTheWay = blocked !== undefined && blocked.path !== component.path && blocked.path !== directory.path && blocked.path !== real
  if (onTheWay && blocked.kind === 'directory') {
    // What is below the closed directory is not what the command changes.
    const { movable } = await wayTo(context, blocked.path)
    return finding('state.unreachable', { ...seen, component: blocked, way: { ...way, movable }, anothers: anothers(blocked) }, about)
  }
  if (component.kind === 'missing')
    return finding(directory.made && (way.targets || !directory.needed) ? 'state.made-by-cli' : 'state.missing', seen, about)
  if (component.kind !== 'directory') return finding('state.no-directory', seen, about)
  if (isOwn) seen.anothers = undefined
  if (answer.obstacle !== null && !directory.needed) return finding('state.read-only', seen, about)
  if (answer.obstacle !== null) return finding(isOwn || seen.shared ? 'state.unwritable' : 'state.wrong-owner', seen, about)
  if (!isOwn && directory.private && target.uid !== 0) return finding('state.foreign', seen, about)
  if (directory.private && (component.mode & 0o077) !== 0 && (await isOpen(context, answer))) return finding('state.open', seen, about)
  return finding('state.usable', seen, about)
}

/** Whether a user who is neither the target nor in its groups has access. If the kernel cannot be asked, the mode decides. */
async function isOpen({ asksStranger }: Context, answer: Answer) {
  const questions = [ACCESS.read, ACCESS.execute, ACCESS.write].map((access) => ({ path: answer.path, access }))
  const answers = await inquire(STRANGER, questions, !asksStranger)
  return answers.some(({ obstacle }) => obstacle === null)
}
