// `npm run sanitize [-- cargo test arguments]`: the core's tests under AddressSanitizer, on a nightly Rust.
import { fromRoot } from './lib/paths.mjs'
import { exists, must, run } from './lib/run.mjs'

if (!(await exists('cargo', ['+nightly', '--version']))) {
  process.stderr.write('a sanitizer requires a nightly Rust (rustup toolchain install nightly)\n')
  process.exitCode = 1
} else {
  const [, host] = /^host: (.+)$/m.exec(await must('rustc', ['+nightly', '-vV']))
  // A target by name keeps the sanitizer out of build scripts and macros; its own directory keeps the other builds.
  const args = ['+nightly', 'test', '--locked', '--no-default-features', '--lib', '--tests', '--target', host]
  const env = {
    CARGO_TARGET_DIR: fromRoot('target', 'sanitize'),
    RUSTFLAGS: [process.env.RUSTFLAGS, '-Zsanitizer=address'].filter(Boolean).join(' '),
    ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? 'detect_stack_use_after_return=1:strict_string_checks=1'
  }
  process.exitCode = (await run('cargo', [...args, ...process.argv.slice(2)], { env })).code
}
