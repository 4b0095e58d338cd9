// Finds a Rust that is new enough and returns the environment to use it, without letting rustup download one.

import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fromRoot } from './paths.mjs'
import { run } from './run.mjs'

const at = (text) => /(\d+)\.(\d+)\.\d+/.exec(text)?.slice(1, 3).map(Number)
const enough = (found, floor) => found && (found[0] > floor[0] || (found[0] === floor[0] && found[1] >= floor[1]))

// Outside the repository, so that rust-toolchain.toml has no say in what is the default.
const ask = (command, args, env = {}) =>
  run(command, args, { cwd: tmpdir(), output: 'keep', env }).then(
    (r) => (r.code === 0 ? r.text.trim() : ''),
    () => ''
  )

/** The floor, from Cargo.toml's `rust-version`. */
function floor() {
  const [, version] = /^rust-version\s*=\s*"([\d.]+)"/m.exec(readFileSync(fromRoot('Cargo.toml'), 'utf8')) ?? []
  return version.split('.').map(Number)
}

let known
/** Environment that makes cargo use an installed toolchain; throws when none is new enough. */
export function rustEnv() {
  known ??= find()
  return known
}

async function find() {
  const least = floor()
  // RUSTUP_TOOLCHAIN overrules rust-toolchain.toml, whose `components` would otherwise be fetched where they are missing.
  const installed = await ask('rustup', ['toolchain', 'list'])
  const names = [process.env.RUSTUP_TOOLCHAIN, /^stable-\S+/m.exec(installed)?.[0], '']
  for (const name of names.filter((n) => n !== undefined)) {
    const env = name ? { RUSTUP_TOOLCHAIN: name } : {}
    if (!enough(at(await ask('rustc', ['--version'], env)), least)) continue
    if (name || !installed) return env
    const [active] = (await ask('rustup', ['show', 'active-toolchain'])).split(/\s/)
    return active ? { RUSTUP_TOOLCHAIN: active } : {}
  }
  throw new Error(
    `Building the addon requires Rust ${least.join('.')} or newer, which was not found. Install it with rustup (https://rustup.rs).`
  )
}
