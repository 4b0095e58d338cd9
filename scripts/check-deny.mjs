// Runs cargo-deny: licences, duplicate and banned crates, sources, and advisories if their database can be reached.
import { skip } from './lib/report.mjs'
import { exists, run } from './lib/run.mjs'
import { rustEnv } from './lib/rust.mjs'

export async function checkDeny(checks) {
  const env = await rustEnv()
  if (!(await exists('cargo', ['deny', '--version'], { env }))) {
    return skip('cargo-deny is not installed (cargo install --locked cargo-deny)')
  }
  const { code, text, timedOut } = await run('cargo', ['deny', '--locked', 'check', ...checks], { env, output: 'keep', timeoutMs: 90_000 })
  if (code === 0) return
  // The advisory database is a git repository: not having it says nothing about the crates.
  if (checks.includes('advisories') && (timedOut || /failed to fetch advisory database/.test(text))) {
    return skip('the advisory database cannot be reached')
  }
  throw new Error(`cargo deny check ${checks.join(' ')} ended with ${code}\n${text}`)
}
