// Checks each CLI's program: where it is, every step of its path as the target user, and who can read or change it.

import os from 'node:os'
import path from 'node:path'
import type { Component, SurveyedProgram } from '../../binding.js'
import { ACCESS, inquire, looked } from './ask.ts'
import type { Context, Facts } from './context.ts'
import { binding } from './facade.ts'
import type { About, Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import * as install from './install.ts'
import { command, list, octal, owner, whom } from './words.ts'

interface Manager {
  name: string
  part: string
  shim?: boolean
}

/** What a version manager's path has in it. A shim runs what its user has chosen, below that user's home. */
const MANAGERS: Manager[] = [
  { name: 'nvm', part: '/.nvm/' },
  { name: 'fnm', part: '/fnm_multishells/' },
  { name: 'fnm', part: '/fnm/node-versions/' },
  { name: 'Volta', part: '/.volta/', shim: true },
  { name: 'asdf', part: '/.asdf/', shim: true },
  { name: 'mise', part: '/mise/shims/', shim: true },
  { name: 'mise', part: '/mise/installs/' },
  { name: 'nodenv', part: '/.nodenv/', shim: true }
]

const EACCES = 13

const SYSTEM_WIDE =
  'As root, install the CLI system-wide, owned by root and without read permission for others, and put it first on the PATH of the worker (or name it in `command`)'
const ANEW =
  'The target user may already have changed these files, so root must neither run them nor take them over. Reinstall the CLI system-wide, and put the new program first on the PATH of the worker (or name it in `command`)'

/** What else than the program. */
const beside = (files: string[]) => (files.length > 1 ? ` (and ${list(files.slice(1).map((file) => path.basename(file)))} beside it)` : '')

interface Seen {
  facts: Facts
  program: SurveyedProgram
  target: Context['target']
  plan: Awaited<ReturnType<typeof install.plan>>
  message: string
  /** The step that keeps the target out. */
  blocked: Component
  /** The commands that let the target through; null if none may. */
  opened: string[] | null
  /** A program that a start passes over. */
  passed: SurveyedProgram
  manager: Manager
  home: string
  writable: string[]
  readable: string[]
  /** Whether the key is not in the CLI's process. */
  isBrokered: boolean
}

type Needed = Needs<
  Seen,
  {
    'program.reachable': 'facts' | 'program' | 'target'
    'program.unknown-version': 'facts' | 'program'
    'program.missing': 'facts' | 'plan'
    'program.outdated': 'facts' | 'message' | 'plan'
    'program.untested': 'facts' | 'program' | 'plan'
    'program.unreachable': 'program' | 'target' | 'blocked' | 'opened' | 'plan'
    'program.broken': 'facts' | 'message' | 'plan'
    'program.passed-over': 'passed'
    'program.version-manager': 'facts' | 'program' | 'manager' | 'plan'
    'program.below-home': 'program' | 'home' | 'plan'
    'program.writable': 'target' | 'writable' | 'plan'
    'program.readable': 'target' | 'readable' | 'plan' | 'isBrokered'
    'program.hidden': 'target'
    'program.script': 'program'
  }
>

export const rows: Table<Needed> = [
  {
    id: 'program.reachable',
    severity: 'ok',
    sentence: ({ facts, program, target }) =>
      `${facts.name}${program.version === null ? '' : ` ${program.version}`} is installed, and ${whom(target)} can run it.`
  },
  {
    id: 'program.unknown-version',
    severity: 'info',
    sentence: ({ facts, program }) =>
      `Its version is unknown. ${program.unknown} It is therefore not certain that the version is ${facts.oldestVersion} or newer, which a start requires.${facts.shieldedSince === undefined ? '' : ` ${facts.name} is not started with the server's key while its version is unknown, nor with any key or token if one of its configuration files sets variables that could redirect it, unless you pass delivery: 'broker'.`}`
  },
  {
    id: 'program.missing',
    severity: 'error',
    sentence: ({ facts }) => `${facts.name} is not installed: there is no ${facts.command} on the PATH, and no npm package of it.`,
    remedy: ({ plan }) => install.withPlan('Install it system-wide, and put it on the PATH of the worker (or name it in `command`)', plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.outdated',
    severity: 'error',
    sentence: ({ message }) => message,
    remedy: ({ facts, plan }) => install.withPlan(`Install ${facts.name} ${facts.oldestVersion} or newer system-wide`, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.untested',
    severity: 'warning',
    sentence: ({ facts, program }) =>
      `${facts.name} ${program.version} is newer than ${facts.testedVersion}, the newest that this package was tested with: its protections may have changed.`,
    remedy: ({ facts, plan }) => install.withPlan(`Update @webalive/provider-env, or install ${facts.name} ${facts.testedVersion}`, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.unreachable',
    severity: 'error',
    sentence: ({ program, target, blocked }) =>
      `${program.path} cannot be run as ${whom(target)}: ${blocked.path} belongs to ${owner(blocked)} and has mode ${octal(blocked.mode)}.`,
    remedy: ({ opened, plan }) =>
      opened ? 'Let the target user through, or install the CLI system-wide:' : install.withPlan(SYSTEM_WIDE, plan),
    commands: ({ opened, plan }) => opened ?? plan.commands
  },
  {
    id: 'program.broken',
    severity: 'error',
    sentence: ({ message }) => message,
    remedy: ({ facts, plan }) => install.withPlan(`Reinstall ${facts.name} system-wide`, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.passed-over',
    severity: 'info',
    sentence: ({ passed }) =>
      `${passed.foundAt} is skipped, because the target user cannot run it.${passed.error?.errno === EACCES ? '' : ` ${passed.error?.message}`}`
  },
  {
    id: 'program.version-manager',
    severity: 'warning',
    sentence: ({ facts, program, manager }) =>
      `${facts.name} comes from ${manager.name} (${program.foundAt}), which belongs to one user and changes when that user selects another version.`,
    remedy: ({ plan }) => install.withPlan(SYSTEM_WIDE, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.below-home',
    severity: 'warning',
    sentence: ({ program, home }) =>
      `${program.path} is inside the home directory ${home}: the owner of that directory can change or block the CLI of every tenant.`,
    remedy: ({ plan }) => install.withPlan(SYSTEM_WIDE, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.writable',
    severity: 'error',
    sentence: ({ target, writable }) =>
      `The target user, ${whom(target)}, can change ${list(writable)}: its agent could replace the CLI with another program, or make it look like another version.`,
    remedy: ({ plan }) => install.withPlan(ANEW, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.readable',
    severity: 'warning',
    otherwise: ({ isBrokered }) => (isBrokered ? 'info' : undefined),
    sentence: ({ target, readable, isBrokered }) =>
      `The program${beside(readable)} can be read by ${whom(target)}, so the kernel lets the agent read the environment, memory and descriptors of its CLI${isBrokered ? ". The key is not there, because the broker adds it; with delivery 'env' or 'fd', it is." : ', where the key is.'}`,
    remedy: ({ plan }) => install.withPlan(SYSTEM_WIDE, plan),
    commands: ({ plan }) => plan.commands
  },
  {
    id: 'program.hidden',
    severity: 'ok',
    sentence: ({ target }) =>
      `The program can be run by ${whom(target)} but not read, so the kernel hides its environment, memory and descriptors from the agent.`
  },
  {
    id: 'program.script',
    severity: 'info',
    sentence: ({ program }) =>
      `The program is a script for ${program.interpreter}, which must be able to read it, so the kernel cannot hide its environment and memory from the agent.`
  }
]

const finding = findingsOf<Needed>(() => rows)

export async function look(context: Context, facts: Facts): Promise<{ findings: Finding[]; program: SurveyedProgram | null }> {
  const { ids, byModeBits, packageRoots, target } = context
  const query = { provider: facts.id, command: context.command, path: context.path, packageRoots, ids }
  const all = await looked((abort) => binding.surveyPrograms(query, byModeBits, abort))
  const index = all.findIndex(({ error }) => error === null)
  const program = all[index === -1 ? 0 : index]
  const about = { provider: facts.id, path: program?.path ?? program?.foundAt }
  if (program === undefined)
    return {
      findings: [finding('program.missing', { facts, plan: await install.plan(context, facts, null) }, { provider: facts.id })],
      program: null
    }
  if (index === -1)
    return { findings: [await refusal(context, facts, program, about), ...(await origin(context, facts, program, about))], program: null }
  const { foundAt, foundBy, version, interpreter } = program
  const details = { foundAt, foundBy, version, interpreter, steps: steps(program) }
  const findings = [
    finding('program.reachable', { facts, program, target }, { ...about, details }),
    ...(await standing(context, facts, program, about)),
    ...all
      .slice(0, index)
      .map((passed) =>
        finding(
          'program.passed-over',
          { passed },
          { provider: facts.id, path: passed.foundAt, details: { reason: passed.error?.message ?? null } }
        )
      ),
    ...(await origin(context, facts, program, about)),
    ...(await changeable(context, facts, program, about))
  ]
  return { findings, program }
}

/** What its version says. */
async function standing(context: Context, facts: Facts, program: SurveyedProgram, about: About) {
  if (program.version === null) return [finding('program.unknown-version', { facts, program }, about)]
  if (!program.untested) return []
  const plan = await install.plan(context, { ...facts, package: `${facts.package}@${facts.testedVersion}` }, null)
  return [finding('program.untested', { facts, program, plan }, about)]
}

/** Why no candidate can be run, by the first of them. */
async function refusal(context: Context, facts: Facts, program: SurveyedProgram, about: About) {
  const error = program.error as NonNullable<SurveyedProgram['error']>
  const details = {
    foundAt: program.foundAt,
    foundBy: program.foundBy,
    code: error.code,
    errno: error.errno === null ? null : -error.errno,
    steps: steps(program)
  }
  if (error.code === 'ERR_PROVIDER_PROGRAM_OUTDATED') {
    return finding(
      'program.outdated',
      { facts, message: error.message, plan: await install.plan(context, facts, null) },
      { ...about, details }
    )
  }
  const blocked = program.components.find((component) => component.path === error.path && component.kind !== 'missing')
  // Without an obstacle on its own path it is a link to nowhere, no program, or one without what runs it.
  if (program.path === null || blocked === undefined || error.errno !== EACCES || error.names.length > 0) {
    return finding(
      'program.broken',
      { facts, message: error.message, plan: await install.plan(context, facts, null) },
      { ...about, details }
    )
  }
  // chmod follows links, and another user could replace a step with one.
  const opened = !canCopy(program) && (await install.isRoots(context, program)) ? openSteps(context, program) : null
  const plan = await install.plan(context, facts, canCopy(program) ? program : null)
  return finding(
    'program.unreachable',
    { program, target: context.target, blocked, opened, plan },
    { ...about, path: blocked.path, details }
  )
}

/** A native program can be copied to where everybody gets at it; a script needs what it comes with. */
function canCopy(program: SurveyedProgram) {
  const manager = managerOf(program)
  return !manager?.shim && isNative(program)
}

/** Whether the program itself is what a start executes. */
function isNative({ path: file, interpreter, shebang }: SurveyedProgram) {
  return file !== null && interpreter === null && !/\.[cm]?js$/.test(file) && !shebang
}

/** Opens every step that is closed to others. */
function openSteps({ target }: Context, { components }: SurveyedProgram) {
  const wanted = (component: Component) => (component.kind === 'directory' ? 1 : 5)
  const bits = ({ uid, gid, mode }: Component) => (uid === target.uid ? mode >> 6 : gid === target.gid ? mode >> 3 : mode)
  const closed = components.filter((component) => (bits(component) & wanted(component)) !== wanted(component))
  return closed.map((component) => command('chmod', wanted(component) === 1 ? 'a+x' : 'a+rx', component.path))
}

function managerOf({ foundAt, path: real }: SurveyedProgram) {
  return MANAGERS.find(({ part }) => foundAt.includes(part) || real?.includes(part))
}

/** Whether the program belongs to one user's own installation. */
async function origin(context: Context, facts: Facts, program: SurveyedProgram, about: About) {
  const manager = managerOf(program)
  const plan = () => install.plan(context, facts, canCopy(program) ? program : null)
  if (manager) return [finding('program.version-manager', { facts, program, manager, plan: await plan() }, about)]
  // A user's own project is no place for a server's CLI, but its own home is the same in a container.
  const home = program.path === null ? undefined : homeAbove(program.path, [context.directories.home, ownHome()])
  return home === undefined ? [] : [finding('program.below-home', { program, home, plan: await plan() }, about)]
}

/** The home that a path lies below, if any. */
export function homeAbove(file: string, known: (string | undefined)[]) {
  const below = (home: string | undefined) => home !== undefined && home !== '/' && file.startsWith(`${home}/`)
  return ['/root', ...known].find(below) ?? /^\/(?:home|Users)\/[^/]+(?=\/)/.exec(file)?.[0]
}

/** As a report has them: modes as everybody writes them. */
function steps({ components }: SurveyedProgram) {
  return components.map((component) => ({ ...component, mode: octal(component.mode) }))
}

/** Where HOME is unset and the uid has no passwd entry, Node throws. */
function ownHome() {
  try {
    return os.homedir()
  } catch {
    return undefined
  }
}

/** Whether the target user can change or replace the program or the file that states its version. */
async function changeable(context: Context, facts: Facts, program: SurveyedProgram, about: About) {
  const { ids, target, byModeBits } = context
  if (target.uid === 0) return []
  // By path: the ways to them begin alike.
  const components = [
    ...new Map([program.components, ...program.manifests].flat().map((component) => [component.path, component])).values()
  ]
  const answers = await inquire(
    ids,
    components.map(({ path: step }) => ({ path: step, access: ACCESS.write })),
    byModeBits
  )
  // In a sticky directory, users rename only their own files (rename(2)).
  const writable = components.filter(
    (component, index) =>
      answers[index].obstacle === null &&
      !(component.kind === 'directory' && (component.mode & 0o1000) !== 0 && component.uid !== target.uid)
  )
  if (writable.length === 0) return []
  const plan = await install.plan(context, facts, null)
  return [
    finding(
      'program.writable',
      { target, plan, writable: writable.map((component) => component.path) },
      { ...about, details: { writable: writable.map((component) => component.path) } }
    )
  ]
}

/** Whether the target can read the program, and what inherits its credential. */
export async function lookReadable(context: Context, facts: Facts, program: SurveyedProgram, isBrokered: boolean): Promise<Finding[]> {
  const about = { provider: facts.id, path: program.path ?? program.foundAt }
  const { ids, target, byModeBits } = context
  if (target.uid === 0) return []
  if (program.interpreter !== null) return [finding('program.script', { program }, about)]
  const real = program.path as string
  const files = [
    real,
    ...program.companions
      .filter(({ inheritsCredential }) => inheritsCredential)
      .map((companion) => path.join(path.dirname(real), companion.path))
  ]
  const answers = await inquire(
    ids,
    files.map((file) => ({ path: file, access: ACCESS.read })),
    byModeBits
  )
  const open = files.filter((_, index) => answers[index].obstacle === null)
  if (open.length === 0) return [finding('program.hidden', { target }, about)]
  const plan = await install.plan(context, facts, program)
  return [finding('program.readable', { plan, target, readable: open, isBrokered }, { ...about, details: { readable: open } })]
}
