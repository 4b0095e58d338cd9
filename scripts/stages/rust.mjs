// Stage `rust`: the core's own tests, built without Node.
import { counted, failure } from '../lib/report.mjs'
import { run } from '../lib/run.mjs'
import { rustEnv } from '../lib/rust.mjs'

export async function rust(report) {
  // Without the feature `node`: the core must not know Node, and a test binary could not call it anyway.
  await report.step('rust', 'core', () => cargoTest(['test', '--locked', '--no-default-features']))
}

async function cargoTest(args) {
  const { code, text, timedOut } = await run('cargo', args, { env: await rustEnv(), output: 'tee', timeoutMs: 480_000 })
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, passed, failed, ignored] of text.matchAll(/^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  if (timedOut) throw failure('cargo test took longer than 8 minutes and was ended', counts)
  if (code !== 0) throw failure('cargo test failed', counts)
  if (counts.passed === 0) throw failure('cargo test ran no test', counts)
  return counted(counts)
}
