// `provider-env run-as`: runs a command as another user, with the privilege drop of a start and without this terminal.

import type { Socket } from 'node:net'
import { constants } from 'node:os'
import path from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { parseArgs, types } from 'node:util'
import type { CommandIds } from '../process/run-command.ts'
import { number, numbers, UsageError } from './arguments.ts'
import { runCommand } from './facade.ts'
import { escaped } from './words.ts'

/** Those of env(1), timeout(1) and chroot(1). */
const STATUS = Object.freeze({ failed: 125, notExecutable: 126, notFound: 127 })
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

const HELP = `Usage: provider-env run-as --uid N --gid N [--groups N,N] [--cwd DIR]
                           -- COMMAND [ARG…]

Runs a command as another user, with the same privilege drop as a start: in its
own session, without this terminal, this process's descriptors or its
environment. Its only variable is PATH, with the system's directories. Its
output is relayed; on a terminal, control characters are written as \\u escapes.
It reads the stdin of run-as unless that is a terminal.

  --uid N --gid N  the target user of the command
  --groups N,N     its supplementary groups (default: none)
  --cwd DIR        its working directory (default: /)
  --help           print this help

Exit status: the command's own, or 128 plus the number of the signal that ended
it; 125 if it could not be started, 126 if it is not executable, 127 if it was
not found, 64 if an option is invalid.
`

/** @returns The exit status. */
export async function runAs(args: string[]): Promise<number> {
  const asked = readRunAs(args)
  if (asked === null) {
    process.stdout.write(HELP)
    return 0
  }
  const { ids, cwd, command, rest } = asked
  try {
    return await relayed(command, rest, ids, cwd)
  } catch (error) {
    if (!isOurs(error)) throw error
    process.stderr.write(`provider-env run-as: ${escaped(error.message.replace(/\boptions\.(\w+)/g, '--$1'))}\n`)
    return statusOf(error)
  }
}

function readRunAs(args: string[]) {
  const end = args.indexOf('--')
  const values = parse(end === -1 ? args : args.slice(0, end))
  if (values.help) return null
  if (end === -1 || end === args.length - 1) throw new UsageError('the command must follow --')
  if (values.uid === undefined || values.gid === undefined) throw new UsageError('--uid and --gid are required')
  const ids = {
    uid: number(values.uid, 'uid'),
    gid: number(values.gid, 'gid'),
    groups: values.groups === undefined ? [] : numbers(values.groups, 'groups')
  }
  if ([ids.uid, ids.gid, ...ids.groups].includes(0))
    throw new UsageError('--uid, --gid and --groups must not be 0: no privilege would be dropped')
  const cwd = path.resolve(values.cwd ?? '/')
  const [command, ...rest] = args.slice(end + 1)
  return { ids, cwd, command: command.includes('/') ? path.resolve(cwd, command) : command, rest }
}

function parse(args: string[]) {
  try {
    const text = { type: 'string' } as const
    return parseArgs({ args, options: { uid: text, gid: text, groups: text, cwd: text, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new UsageError(types.isNativeError(error) ? error.message.split('. ')[0] : 'the options are invalid')
  }
}

/** Runs it, with its streams relayed: the descriptors of a terminal must not be its to hold. */
async function relayed(command: string, args: string[], ids: CommandIds, cwd: string) {
  let caught: NodeJS.Signals | null = null
  // Before the command can run: a signal would else end this process, and leave the command to its parent's death.
  for (const name of SIGNALS) {
    process.on(name, () => {
      caught ??= name
      child.stop()
    })
  }
  const child = runCommand(command, args, ids, { cwd, stdio: [!process.stdin.isTTY, true, true] })
  const [stdin, stdout, stderr] = child.streams as [Socket | null, Socket, Socket]
  if (stdin) feed(process.stdin, stdin)
  try {
    const [{ code, signal }] = await Promise.all([child.ended, relay(stdout, process.stdout), relay(stderr, process.stderr)])
    const by = caught ?? signal
    return by === null ? (code ?? STATUS.failed) : 128 + constants.signals[by]
  } finally {
    // A stdin that nothing reads any more must not keep this process alive.
    process.stdin.destroy()
  }
}

function feed(from: NodeJS.ReadStream, to: Socket) {
  // A command that reads nothing has closed it before all of it came.
  to.on('error', () => from.destroy())
  from.on('error', () => to.end())
  from.pipe(to)
}

async function relay(from: Socket, to: NodeJS.WriteStream) {
  to.on('error', () => {})
  const steps = to.isTTY ? [from, harmlessly(), to] : [from, to]
  // If nobody reads any more, the command learns it from the end of its own stream.
  await pipeline(steps, { end: false }).catch(() => from.destroy())
}

/** Text as it may be on a terminal. */
function harmlessly() {
  const decoder = new StringDecoder('utf8')
  return new Transform({
    transform: (chunk, _, done) => done(null, escaped(decoder.write(chunk))),
    flush: (done) => done(null, escaped(decoder.end()))
  })
}

type Refusal = Error & { code: string; step?: string; errno?: number }

function isOurs(error: unknown): error is Refusal {
  return String((error as NodeJS.ErrnoException | null)?.code).startsWith('ERR_')
}

function statusOf({ code, step, errno }: Refusal) {
  if (code === 'ERR_PROVIDER_PROGRAM_NOT_FOUND') return STATUS.notFound
  if (step !== 'execute') return STATUS.failed
  return errno === -constants.errno.ENOENT || errno === -constants.errno.ENOTDIR ? STATUS.notFound : STATUS.notExecutable
}
