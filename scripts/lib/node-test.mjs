// Runs test files under node:test, in a network that has only loopback if requested, and counts the results.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot } from './paths.mjs'
import { counted, failure, skip } from './report.mjs'
import { run } from './run.mjs'
import { makeScratch } from './scratch.mjs'

/** Bounds on a machine that has its cores for itself; a hang is then a failure with a name, not a run that never ends. */
const TEST_MS = 240_000 // node:test bounds each file as a whole by it, too
const STEP_MS = 540_000
const noNetwork = 3 // netns.sh's exit code where a namespace cannot be had

/**
 * A step's answer, with counts or a reason to skip; throws where a test failed or none ran.
 * @param {string[]} files
 * @param {{ slowness?: number, isPrivate?: boolean, node?: string, pattern?: string, env?: NodeJS.ProcessEnv, output?: 'tee' | 'keep', log?: (text: string) => void }} [options]
 *   slowness: how many times longer the bounds are; isPrivate: in its own network namespace; node: another than this one;
 *   pattern: of names, the others are not counted; log: gets all that was printed
 */
export async function nodeTest(
  files,
  { slowness = 1, isPrivate = false, node = process.execPath, pattern, env = {}, output = 'tee', log } = {}
) {
  if (!files.length) throw new Error('there is no test file')
  const scratch = makeScratch('provider-env-test-')
  const totals = join(scratch.dir, 'totals.json')
  const args = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_MS * slowness}`,
    ...(pattern ? [`--test-name-pattern=${pattern}`] : []),
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${fromRoot('scripts', 'lib', 'count-reporter.mjs')}`,
    `--test-reporter-destination=${totals}`,
    ...files
  ]
  try {
    const [command, ...rest] = [...(isPrivate ? ['sh', fromRoot('scripts', 'netns.sh')] : []), node, ...args]
    const { code, text, timedOut } = await run(command, rest, { env, output, timeoutMs: STEP_MS * slowness })
    log?.(text)
    if (isPrivate && code === noNetwork && !existsSync(totals)) return skip(text.trim().split('\n').at(-1))
    const counts = existsSync(totals) ? JSON.parse(readFileSync(totals, 'utf8') || 'null') : null
    if (timedOut) throw failure(`took longer than ${(STEP_MS * slowness) / 60_000} minutes and was ended`, counts)
    if (code !== 0) throw failure(`node --test ended with ${code}`, counts)
    if (!counts?.passed && !counts?.skipped) throw failure('node --test ran no test', counts)
    return counted(counts)
  } finally {
    scratch.remove()
  }
}
