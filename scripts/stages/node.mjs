// Stage `node`: node:test over the built package; what starts real CLIs runs where only loopback exists.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { fromRoot, root, walk } from '../lib/paths.mjs'
import { counted, failure, skip } from '../lib/report.mjs'
import { run } from '../lib/run.mjs'

/** The step of what is in no private directory. */
const PACKAGE = 'package'
const privateDirs = ['real-cli', 'sdk']
/** Bounds on a machine that has its cores for itself; a hang is then a failure with a name, not a run that never ends. */
const TEST_MS = 240_000 // node:test bounds each file as a whole by it, too
const STEP_MS = 540_000
const noNetwork = 3 // netns.sh's exit code where a namespace cannot be had

export async function node(report, { files, slowness }) {
  const plain = testFiles(files, PACKAGE)
  if (plain.length || !files.length) await report.step('node', PACKAGE, () => nodeTest(plain, slowness))
  for (const dir of privateDirs) {
    const own = testFiles(files, dir)
    if (own.length) await report.step('node', dir, () => nodeTest(own, slowness, ['sh', fromRoot('scripts', 'netns.sh')]))
  }
}

/**
 * The test files that these name, as files or as directories that hold them; all where none is named.
 * @param {string[]} files
 * @param {string} [step] those of this step alone
 */
export function testFiles(files, step) {
  const tests = walk(fromRoot('__test__'), (path) => /\.test\.[cm]?js$/.test(path)).map((path) => relative(root, path))
  const isIn = (test, path) => test === path || test.startsWith(path + sep)
  const chosen = tests.filter((test) => !files.length || files.some((file) => isIn(resolve(root, test), resolve(file))))
  const stepOf = (test) => privateDirs.find((dir) => isIn(test, join('__test__', dir))) ?? PACKAGE
  return step === undefined ? chosen : chosen.filter((test) => stepOf(test) === step)
}

async function nodeTest(files, slowness, wrapper = []) {
  if (!files.length) throw new Error('there is no test file')
  const scratch = mkdtempSync(join(tmpdir(), 'provider-env-test-'))
  const totals = join(scratch, 'totals.json')
  const args = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_MS * slowness}`,
    '--test-reporter=spec', '--test-reporter-destination=stdout',
    `--test-reporter=${fromRoot('scripts', 'lib', 'count-reporter.mjs')}`, `--test-reporter-destination=${totals}`,
    ...files,
  ]
  try {
    const [command, ...rest] = [...wrapper, process.execPath, ...args]
    const env = { NAPI_RS_ENFORCE_VERSION_CHECK: '1' } // the generated loader then refuses an addon of another version
    const { code, text, timedOut } = await run(command, rest, { env, output: 'tee', timeoutMs: STEP_MS * slowness })
    if (wrapper.length && code === noNetwork && !existsSync(totals)) return skip(text.trim().split('\n').at(-1))
    const counts = existsSync(totals) ? JSON.parse(readFileSync(totals, 'utf8') || 'null') : null
    if (timedOut) throw failure(`took longer than ${(STEP_MS * slowness) / 60_000} minutes and was ended`, counts)
    if (code !== 0) throw failure(`node --test ended with ${code}`, counts)
    if (!counts?.passed && !counts?.skipped) throw failure('node --test ran no test', counts)
    return counted(counts)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
