// `npm run fuzz [-- target …] [--seconds 30]`: runs each fuzz target for some seconds, with cargo-fuzz on a nightly
// Rust.
import { basename } from 'node:path'
import { readOptions, refuse } from './lib/command-line.mjs'
import { fromRoot, walk } from './lib/paths.mjs'
import { exists, run } from './lib/run.mjs'

const usage = 'usage: npm run fuzz [-- target …] [--seconds 30]'
const { values, positionals } = readOptions({ seconds: { type: 'string', default: '30' } }, usage)
const all = walk(fromRoot('fuzz', 'fuzz_targets'), (path) => path.endsWith('.rs')).map((path) => basename(path, '.rs'))
const stranger = positionals.find((name) => !all.includes(name))
const seconds = Number(values.seconds)
if (stranger) refuse(`${stranger} is not a fuzz target; use one of ${all.join(', ')}`, usage)
if (!(seconds > 0)) refuse('--seconds must be a number above 0', usage)

if (!(await exists('cargo', ['+nightly', 'fuzz', '--version']))) {
  process.stderr.write(
    'fuzzing requires a nightly Rust and cargo-fuzz (rustup toolchain install nightly; cargo install --locked cargo-fuzz)\n'
  )
  process.exitCode = 1
} else {
  for (const name of positionals.length ? positionals : all) {
    process.stdout.write(`\n── ${name}, ${seconds} s\n`)
    const { code } = await run('cargo', ['+nightly', 'fuzz', 'run', name, '--', `-max_total_time=${seconds}`, '-print_final_stats=1'])
    if (code !== 0) process.exitCode = 1 // the others run all the same: one crash must not hide the next
  }
}
