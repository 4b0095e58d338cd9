// Slows the machine down for a run: fewer cores, and a busy loop on each of them.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { exists, must } from './run.mjs'

// Ends with the process that started it, however that ended: it then has another parent.
const SPIN = 'while (process.ppid === Number(process.argv[1]));'

let cores = availableParallelism()

/**
 * Keeps every core busy at normal priority, until the function that it returns is called or this process ends.
 * @returns {() => void}
 */
export function keepBusy() {
  const spinners = Array.from({ length: cores }, () => spawn(process.execPath, ['-e', SPIN, String(process.pid)], { stdio: 'ignore' }))
  const idle = () => spinners.forEach((child) => child.kill('SIGKILL'))
  process.once('exit', idle)
  for (const child of spinners) {
    child.unref()
    child.once('error', (error) => {
      throw error
    })
  }
  return () => {
    process.off('exit', idle)
    idle()
  }
}

/**
 * Confines this process and all that it starts from now on to the first of the cores that it may use.
 * @param {number} wanted
 * @returns {Promise<number>} how many times slower that is at the most
 */
export async function pinTo(wanted) {
  if (!(await exists('taskset'))) throw new Error('--cores requires taskset, which is not installed (Debian: util-linux)')
  const pid = String(process.pid)
  const list = (await must('taskset', ['-c', '-p', pid])).split(':').at(-1).trim()
  const allowed = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  if (wanted > allowed.length) throw new Error(`--cores ${wanted}: this process may use only ${allowed.length}`)
  await must('taskset', ['-a', '-c', '-p', allowed.slice(0, wanted).join(','), pid])
  cores = wanted
  return allowed.length / wanted
}
