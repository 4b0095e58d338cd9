// Stage `lint`: the checks of the sources that do not run them.
import { checkCatchUnwind } from '../check-catch-unwind.mjs'
import { checkDeny } from '../check-deny.mjs'
import { checkDependencies } from '../check-dependencies.mjs'
import { checkDocs } from '../check-docs.mjs'
import { checkFiles } from '../check-files.mjs'
import { checkGenerated } from '../check-generated.mjs'
import { checkVersions } from '../check-versions.mjs'
import { fromRoot } from '../lib/paths.mjs'
import { must } from '../lib/run.mjs'
import { rustEnv } from '../lib/rust.mjs'

export async function lint(report, { regenerated, isBuilt }) {
  const cargo = async (args, env = {}) => void (await must('cargo', args, { env: { ...(await rustEnv()), ...env } }))
  const deny = ['--', '-D', 'warnings']
  await report.step('lint', 'rustfmt', () => cargo(['fmt', '--check']))
  await report.step('lint', 'clippy', () => cargo(['clippy', '--locked', '--all-targets', ...deny]))
  await report.step('lint', 'clippy-core', () => cargo(['clippy', '--locked', '--all-targets', '--no-default-features', ...deny]))
  // Nothing else here compiles them, and they use the core's own types. Their dependencies have their own lock file.
  const ofFuzz = ['--manifest-path', fromRoot('fuzz', 'Cargo.toml')]
  await report.step('lint', 'fuzz-targets', async () => {
    await cargo(['fmt', ...ofFuzz, '--check'])
    await cargo(['clippy', ...ofFuzz, '--locked', '--no-default-features', ...deny], { CARGO_TARGET_DIR: fromRoot('target') })
  })
  await report.step('lint', 'rustdoc', () =>
    cargo(['doc', '--locked', '--no-deps', '--document-private-items'], { RUSTDOCFLAGS: '-D warnings' })
  )
  await report.step('lint', 'deny', () => checkDeny(['bans', 'licenses', 'sources']))
  await report.step('lint', 'advisories', () => checkDeny(['advisories']))
  await report.step('lint', 'types', async () => {
    const tsc = fromRoot('node_modules', 'typescript', 'bin', 'tsc')
    for (const config of ['tsconfig.json', 'tsconfig.types.json', '__test__/types/tsconfig.json'])
      await must(process.execPath, [tsc, '-p', fromRoot(config)])
  })
  await report.step('lint', 'style', async () => {
    const biome = fromRoot('node_modules', '@biomejs', 'biome', 'bin', 'biome')
    await must(process.execPath, [biome, 'check', '--error-on-warnings', '--max-diagnostics=200', fromRoot()])
  })
  await report.step('lint', 'generated', () => checkGenerated(regenerated, isBuilt))
  await report.step('lint', 'catch-unwind', checkCatchUnwind)
  await report.step('lint', 'dependencies', () => checkDependencies())
  await report.step('lint', 'versions', () => checkVersions())
  await report.step('lint', 'docs', () => checkDocs())
  await report.step('lint', 'files', checkFiles)
}
