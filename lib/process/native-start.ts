// The native start: passes a launch to the addon, and the addon's events to the process object.

import type { ChildOptions, NativeProcess, NativeSpawner, ProcessEvent } from '../../binding.js'
import { binding } from '../internal/binding.ts'
import { builtin } from '../internal/builtins.ts'
import { fromNative, translate } from '../internal/errors.ts'
import { tearDownAtExit } from '../internal/tear-down.ts'
import { weakly } from '../internal/weakly.ts'
import type { MissingProtection } from './backend.ts'
import { hold } from './child-streams.ts'
import { completed } from './failed-start.ts'
import type { Launch } from './launch.ts'
import type { Driver } from './provider-process.ts'
import { makeProcess } from './provider-process.ts'
import { redact } from './redact-output.ts'
import * as keepAlive from './running-processes.ts'
import { signalName } from './signals.ts'
import { warnOfUntested } from './untested-version.ts'
import { tap } from './usage-tap.ts'

type Hearer = Pick<Driver, 'inContext' | 'onSpawned' | 'onFailed' | 'onTimedOut' | 'onExited'>
/** `release` lets the streams be read. */
export type Running = { id: number; native: NativeProcess; driver: Hearer; release: () => void }

const running: Map<number, Running> = new Map()
/** Starts the processes of this copy of the package. */
let made: NativeSpawner | undefined
/** What no native start can provide here; known once one was requested. */
let missing: MissingProtection[] | undefined

function onEvent(id: number, event: ProcessEvent) {
  const entry = running.get(id)
  if (!entry) return
  // After these there are no more.
  if (event.type === 'Failed' || event.type === 'Exited') {
    running.delete(id)
    if (running.size === 0) keepAlive.awaited.delete(onEvent)
    entry.native.forget()
  }
  entry.driver.inContext(() => tell(entry, event))
}

function tell({ driver, release }: Running, event: ProcessEvent) {
  switch (event.type) {
    case 'Untested':
      return warnOfUntested(event.message)
    case 'Spawned':
      try {
        return driver.onSpawned(event.pid, event.argv, event.delivery)
      } finally {
        // Also when a listener throws: the run goes on, as with child_process.
        release()
      }
    case 'Failed':
      release()
      return driver.onFailed(fromNative(event.error))
    case 'TimedOut':
      return driver.onTimedOut()
    case 'Exited':
      return driver.onExited(event.code, event.signal === null ? null : nameOf(event.signal, event.realTimeSignal))
  }
}

function nameOf(signal: number, realTimeSignal: string | null) {
  return (realTimeSignal ?? signalName(signal)) as NodeJS.Signals | null
}

function spawner() {
  // It outlives its first caller and serves all others, who must not see that one's AsyncLocalStorage.
  if (!made) binding.callWithoutContext(() => void (made = new binding.NativeSpawner(weakly(onEvent))))
  return made as NativeSpawner
}

function follow(entry: Running) {
  running.set(entry.id, entry)
  keepAlive.awaited.add(onEvent)
}

export function startNative(launch: Launch): Driver {
  const missingHere = (missing ??= binding.missingFromNativeStart())
  const native = translate(() => spawner().spawn(launch.env, launch.child, launch.cli))
  try {
    return attend(launch, native, missingHere)
  } catch (error) {
    // The caller would get no handle for it.
    native.stop()
    throw error
  }
}

/** Gives a start its process and streams. */
function attend(launch: Launch, native: NativeProcess, missingHere: MissingProtection[]): Driver {
  const { id, meter, streams: ends } = native.begun()
  const sockets = ends.map(socket)
  // A start that got no descriptors for them has failed, and its event is on the way.
  const { streams, end } = completed(launch, sockets)
  redact(launch, streams)
  const held = sockets.slice(1).flatMap((made) => (made ? [hold(made)] : []))
  const driver = makeProcess(
    {
      startPath: 'native',
      missingProtections: [...missingHere, ...launch.redactOutput.missing],
      stdio: streams,
      signal: (number) => native.signal(number),
      stop: () => native.stop(),
      ref: () => {},
      unref: () => {}
    },
    launch.facts
  )
  if (meter) tap(meter, launch.watch, streams, driver)
  const release = () => [...held, end].forEach((each) => each())
  follow({ id, native, driver, release })
  return driver
}

/** Our end of a stream, if there is one. */
function socket(fd: number | null, index: number) {
  if (fd === null) return null
  const options = {
    fd,
    readable: index !== 0,
    writable: index === 0,
    // net's own word for "do not read yet"; `hold` needs it.
    manualStart: true,
    // What net would look for on Object.prototype.
    allowHalfOpen: false,
    construct: undefined,
    decodeStrings: undefined,
    defaultEncoding: undefined,
    destroy: undefined,
    encoding: undefined,
    final: undefined,
    handle: undefined,
    highWaterMark: undefined,
    objectMode: false,
    onread: undefined,
    read: undefined,
    readableHighWaterMark: undefined,
    readableObjectMode: false,
    signal: undefined,
    writableHighWaterMark: undefined,
    writableObjectMode: false,
    write: undefined,
    writev: undefined
  }
  return new (builtin('net').Socket)(options)
}

/**
 * Begins a command that is no CLI.
 * @param driver What hears of it.
 */
export function startCommand(child: ChildOptions, driver: Hearer) {
  tearDownAtExit()
  const native = translate(() => spawner().runCommand(child))
  const { id, streams } = native.begun()
  follow({ id, native, driver, release: () => {} })
  return { native, streams: streams.map(socket) }
}
