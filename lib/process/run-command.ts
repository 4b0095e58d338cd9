// Runs a command that is not a CLI as the target user, with the privilege drop of a start: in its own session, without
// our terminal, our descriptors or our environment.

import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { ChildOptions, IdentityRequest } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { builtin } from '../internal/builtins.ts'
import { bare, providerError } from '../internal/errors.ts'
import { tearDownAtExit } from '../internal/tear-down.ts'
import { cutHeldStreams } from './held-streams.ts'
import { startCommand } from './native-start.ts'
import { ownGroup } from './portable-start.ts'
import * as keepAlive from './running-processes.ts'
import { portable } from './spawn-provider.ts'
import { IGNORE, PIPE } from './stdio.ts'

/** How long a killed process may take to end. Even SIGKILL does not end a process that waits for a FUSE daemon's answer. */
const LAST_MS = 2000

/** The target user, who is not root. */
export type CommandIds = Pick<IdentityRequest, 'uid' | 'gid' | 'groups'>
type CommandResult = { code: number | null; signal: NodeJS.Signals | null }

interface RunningCommand {
  /** Ours: to its stdin, from its stdout and its stderr. */
  streams: (Socket | null)[]
  /** SIGTERM to its group, then, after the grace, SIGKILL to all that it started. */
  stop: () => void
  /** Rejects if it could not be started. */
  ended: Promise<CommandResult>
}

/**
 * @param command An absolute path, or a name.
 * @param options `stdio`: which streams
 * are wanted; the others are /dev/null.
 */
export function runCommand(
  command: string,
  args: string[],
  ids: CommandIds,
  {
    cwd = '/',
    stdio = [false, false, false],
    timeoutMs,
    graceMs = binding.DEFAULT_GRACE_MS
  }: { cwd?: string; stdio?: readonly boolean[]; timeoutMs?: number; graceMs?: number } = {}
): RunningCommand {
  if (portable) return runPortable(command, args, ids, stdio, timeoutMs)
  let resolve: (result: CommandResult) => void
  let reject: (error: unknown) => void
  const exited: Promise<CommandResult> = new Promise((...both) => ([resolve, reject] = both))
  const resource = new AsyncResource('ProviderCommand')
  const driver = {
    inContext: (call: () => void) => resource.runInAsyncScope(call),
    onSpawned: () => {},
    onTimedOut: () => {},
    onFailed: (error: unknown) => reject(error),
    onExited: (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal })
  }
  const giveUpAfter = (delay: number) => void setTimeout(() => reject(endless(command)), delay + graceMs + LAST_MS).unref()
  const asked: ChildOptions = {
    command,
    args,
    cwd,
    ids: bare(ids),
    attributes: bare({}),
    stop: { killSignal: builtin('os').constants.signals.SIGTERM, killGraceMs: graceMs, timeoutMs, killGroupOnExit: true },
    stdio: stdio.map((wanted) => (wanted ? PIPE : IGNORE)),
    aborted: false
  }
  const { native, streams } = startCommand(asked, driver)
  keepAlive.hold()
  if (timeoutMs !== undefined) giveUpAfter(timeoutMs)
  const open = streams.slice(1).filter((stream) => stream !== null)
  let isOver = false
  exited.finally(() => (isOver = true)).catch(() => {})
  const stop = () => {
    native.stop()
    // Once it has ended, what is left to stop is the reading.
    if (isOver) open.forEach((stream) => stream.destroy())
    giveUpAfter(0)
  }
  return { streams, stop, ended: afterStreams(exited, open).finally(keepAlive.release) }
}

function endless(command: string) {
  const message = `${command} was killed but has not ended, because it is waiting for a file system that does not answer. Check the mounts below the directories of that uid (FUSE, NFS).`
  return providerError({ code: 'ERR_PROVIDER_TIMEOUT', message })
}

/** Its end, once all that it said is read. What it has left behind may go on writing, but nothing waits for it. */
async function afterStreams(exited: Promise<CommandResult>, streams: Socket[]) {
  const closed = streams.map((stream) => (stream.on('error', () => {}), once(stream, 'close')))
  try {
    return await exited
  } finally {
    cutHeldStreams(streams)
    await Promise.all(closed)
  }
}

/**
 * Used if the native start is not available. It keeps what child_process passes on: docs/hardening.md. So nothing that comes from
 * it reaches a terminal, and no command of ours is offered for one.
 */
function runPortable(
  command: string,
  args: string[],
  { uid, gid }: CommandIds,
  stdio: readonly boolean[],
  timeout?: number
): RunningCommand {
  if (stdio.includes(true)) {
    const message = `A command as another user requires the native start, but ${missing()}. Run the command as that user in another way, without a terminal.`
    throw providerError({ code: 'ERR_PROVIDER_UNSUPPORTED', message })
  }
  const child = builtin('child_process').spawn(command, args, {
    uid,
    gid,
    cwd: '/',
    // child_process takes inherited properties too.
    env: bare({ PATH: binding.COMMAND_PATH }),
    stdio: 'ignore',
    detached: true,
    timeout,
    killSignal: 'SIGKILL'
  })
  tearDownAtExit()
  ownGroup(child)
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return { streams: [null, null, null], stop: () => void child.kill('SIGKILL'), ended }
}

/** Why there is no native start here, as the rest of a sentence. */
function missing() {
  if (process.versions.bun !== undefined) return 'Bun does not support it'
  const call = process.platform === 'linux' ? binding.missingForNativeStart() : null
  return call ? `this kernel or sandbox does not support ${call}` : 'it is available only on Linux'
}
