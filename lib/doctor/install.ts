// Writes the commands that install a CLI system-wide and unreadable: owned by root, with mode 0711, together with the
// files beside it.

import path from 'node:path'
import type { SurveyedProgram } from '../../binding.js'
import type { Context, Facts } from './context.ts'
import { openAt } from './way.ts'
import { command, quote } from './words.ts'

/** Commands of root's, or why there are none. */
export type Plan = { commands: string[]; withheld: string | null }

/**
 * How to install a CLI where the target can run it and only root can change it. Root copies no file that another user
 * may have replaced, takes none over, and installs nothing below another user's directory.
 * @param program What may be copied; null: nothing.
 */
export async function plan(context: Context, facts: Facts, program: SurveyedProgram | null): Promise<Plan> {
  const copied =
    program !== null && isTold(facts, program) && (await isRoots(context, program)) ? (program as SurveyedProgram & { path: string }) : null
  if (copied !== null && copied.path === target(context, facts, copied)) return { commands: close(copied), withheld: null }
  const open = await openAt(context, context.prefix)
  if (open !== null) {
    return { commands: [], withheld: `users other than root can change files below ${context.prefix}, at ${open}` }
  }
  return { commands: copied === null ? fromNpm(context, facts) : copy(context, facts, copied), withheld: null }
}

/** How a remedy ends: with what the commands below it do, or with why there are none. */
export function withPlan(remedy: string, { withheld }: Plan) {
  return withheld === null
    ? `${remedy}:`
    : `${remedy}. The doctor shows no command, because ${withheld}. Name another directory with --prefix, and run the doctor again.`
}

/** A version that names a file, and that the addon reads from that name. What a manifest says can be anything. */
const VERSION = /^\d[\w+-]*(?:\.[\w+-]+)+$/

/**
 * Whether a copy of it starts as the program itself does. If a start requires the version, a copy must have a name that
 * states it.
 */
function isTold({ shieldedSince }: Facts, { path: file, version }: SurveyedProgram) {
  return file !== null && (shieldedSince === undefined || (version !== null && VERSION.test(version)))
}

/** Whether only root, or the user who asks, can have changed the program and what belongs to it. */
export async function isRoots(context: Context, program: SurveyedProgram) {
  const file = program.path as string
  const files = [file, ...program.companions.map((companion) => path.join(path.dirname(file), companion.path))]
  const open = await Promise.all(files.map((each) => openAt(context, each)))
  return open.every((each) => each === null)
}

/** The path of a copy of the program. If a start needs the version, the copy is named after it, as the vendor's installer does. */
function target({ prefix }: Context, { command: name, shieldedSince }: Facts, { version }: SurveyedProgram) {
  return shieldedSince !== undefined && version !== null
    ? path.join(prefix, name, 'versions', version)
    : path.join(prefix, name, 'bin', name)
}

/** Copies a native program into `prefix`, and puts it first on this shell's PATH. */
function copy(context: Context, facts: Facts, program: SurveyedProgram & { path: string }) {
  const { prefix } = context
  const to = target(context, facts, program)
  const bin = path.dirname(to)
  const from = path.dirname(program.path)
  // What inherits the credential must be as unreadable as the program. The rest need not be.
  const files = program.companions.map((companion) => ({
    source: path.join(from, companion.path),
    target: path.join(bin, companion.path),
    mode: companion.inheritsCredential ? '0711' : companion.path.endsWith('.json') ? '0644' : '0755'
  }))
  const directories = [
    prefix,
    path.join(prefix, 'bin'),
    path.join(prefix, facts.command),
    bin,
    ...files.map((file) => path.dirname(file.target))
  ]
  const as = ['-o', 'root', '-g', 'root', '-m']
  return [
    command('install', '-d', ...as, '0755', ...new Set(directories)),
    ...[{ source: program.path, target: to, mode: '0711' }, ...files].map((file) =>
      command('install', ...as, file.mode, file.source, file.target)
    ),
    command('ln', '-sfn', to, path.join(prefix, 'bin', facts.command)),
    onPath(prefix)
  ]
}

/** Makes a program that belongs to root unreadable in its place. */
function close(program: SurveyedProgram & { path: string }) {
  const inheriting = program.companions.filter((companion) => companion.inheritsCredential)
  const files = [program.path, ...inheriting.map((companion) => path.join(path.dirname(program.path), companion.path))]
  return [command('chown', 'root:root', ...files), command('chmod', '0711', ...files)]
}

/** Installs a CLI that is not there, or is only a version manager's shim, from its npm package. */
function fromNpm({ prefix }: Context, facts: Facts) {
  return [command('npm', 'install', '--global', '--prefix', prefix, facts.package), onPath(prefix)]
}

function onPath(prefix: string) {
  return `export PATH=${quote(path.join(prefix, 'bin'))}:"$PATH"`
}
