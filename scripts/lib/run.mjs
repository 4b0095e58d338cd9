// Runs a program and waits for it; the scripts start everything through here.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { identify, isStillThere } from '../../__test__/support/kernel.js'
import { root } from './paths.mjs'

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, output?: 'stdout' | 'stderr' | 'keep' | 'tee', timeoutMs?: number }} [options]
 *   output: where the program's own output goes; `keep` returns it instead, `tee` does both
 * @returns {Promise<{ code: number, text: string, timedOut: boolean }>}
 */
export function run(command, args, { cwd = root, env = {}, output = 'stdout', timeoutMs = 0 } = {}) {
  const sink = output === 'keep' || output === 'tee' ? 'pipe' : output === 'stderr' ? 2 : 1
  return new Promise((resolve, reject) => {
    // Its own group only where it may have to be killed whole: Ctrl-C must reach the rest.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', sink, sink === 1 ? 2 : sink],
      detached: timeoutMs > 0
    })
    let text = ''
    let timedOut = false
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
        if (output === 'tee') process.stdout.write(chunk)
      })
    }
    // When it has ended, the number of its group is its own for as long as one of these is in it.
    let left
    if (timeoutMs > 0)
      child.once('exit', () => {
        left = membersOf(child.pid)
      })
    const stop = () => {
      try {
        if (child.pid && (!left || left.some(isStillThere))) process.kill(-child.pid, 'SIGKILL')
      } catch {
        /* it has ended */
      }
      // What left the group may still hold the pipes open.
      setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, 2000).unref()
    }
    const interrupted = () => {
      stop()
      process.exit(130)
    }
    const timer =
      timeoutMs > 0 &&
      setTimeout(() => {
        timedOut = true
        stop()
      }, timeoutMs)
    if (timeoutMs > 0) process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    const settle = () => {
      if (timer) clearTimeout(timer)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('close', (code, signal) => {
      settle()
      resolve({ code: code ?? (signal ? 128 : 1), text, timedOut })
    })
  })
}

/** The processes of a group; none if that cannot be found out. */
function membersOf(group) {
  if (!existsSync('/proc/self/stat')) return
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(identify)
    .filter((one) => one?.group === group)
}

/** Runs a program whose output is wanted only when it fails; throws with the end of that output. */
export async function must(command, args, options = {}) {
  const result = await run(command, args, { output: 'keep', ...options })
  if (result.code === 0 && !result.timedOut) return result.text
  const why = result.timedOut ? `took longer than ${options.timeoutMs / 1000} s` : `ended with ${result.code}`
  throw new Error(`${command} ${args.join(' ')}\n  ${why}\n${tail(result.text, 120)}`)
}

/** The last lines of a text. */
export function tail(text, lines) {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

/** Whether a program can be started at all. */
export async function exists(command, args = ['--version'], options = {}) {
  return run(command, args, { output: 'keep', ...options }).then(
    (r) => r.code === 0,
    () => false
  )
}
