// Stage `rust`: runs the core's own tests, built without Node.
import { counted, failure } from '../lib/report.mjs'
import { run } from '../lib/run.mjs'
import { rustEnv } from '../lib/rust.mjs'

/** On a machine that has its cores for itself; a build is part of it. */
const STEP_MS = 480_000

export async function rust(report, { slowness }) {
  // Without the feature `node`: the core must not know Node, and a test binary could not call it anyway.
  await report.step('rust', 'core', () => cargoTest(['test', '--locked', '--no-default-features'], STEP_MS * slowness))
}

async function cargoTest(args, timeoutMs) {
  const { code, text, timedOut } = await run('cargo', args, { env: await rustEnv(), output: 'tee', timeoutMs })
  const failures = [...text.matchAll(/^test (\S+)(?: - [^\n]*)? \.\.\. FAILED$/gm)].map(([, name]) => name)
  const counts = { passed: 0, failed: 0, skipped: 0, failures }
  for (const [, passed, failed, ignored] of text.matchAll(/^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  if (timedOut) throw failure(`cargo test took longer than ${timeoutMs / 60_000} minutes and was ended`, counts)
  if (code !== 0) throw failure('cargo test failed', counts)
  if (counts.passed === 0) throw failure('cargo test ran no test', counts)
  return counted(counts)
}
