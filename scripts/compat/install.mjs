// Installs a published version of a CLI into the user's cache, where the next run finds it.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { userCache } from '../lib/paths.mjs'
import { run, tail } from '../lib/run.mjs'
import { clis, expand } from './clis.mjs'

const NPM_MS = 300_000
const quiet = ['--no-audit', '--no-fund', '--no-update-notifier']

/** The exact version that a name of the registry stands for today; an exact one stands for itself. */
export async function exactVersion({ cli, version }) {
  if (/^\d/.test(version)) return version
  const text = await npm(['view', `${clis[cli].package}@${version}`, 'version', ...quiet], tmpdir(), `${cli}@${version}`)
  const [exact] = /^\d+\.\d+\.\d+\S*$/m.exec(text) ?? []
  if (!exact) throw new Error(`${cli}@${version} is not published`)
  return exact
}

/** @returns {Promise<string>} the native program */
export async function installed({ cli, version }) {
  const dir = userCache('compat', `${cli}-${version}`)
  if (!existsSync(dir)) await install({ cli, version }, dir)
  const found = clis[cli].programs.flatMap((parts) => expand(join(dir, 'node_modules'), parts))
  if (found.length !== 1) throw new Error(`${cli}@${version} has no native program for this system where it is looked for: scripts/compat/clis.mjs names the places`)
  const { text, code } = await run(found[0], ['--version'], { cwd: tmpdir(), env: { HOME: '/nonexistent' }, output: 'keep', timeoutMs: 60_000 })
  if (code !== 0 || !text.includes(version)) throw new Error(`${cli}@${version} ended with ${code} when asked for its version, and said ${JSON.stringify(tail(text, 3))}`)
  return found[0]
}

/** Complete or not there: what was interrupted leaves nothing under the name. */
async function install({ cli, version }, dir) {
  const scratch = `${dir}.${process.pid}`
  const remove = () => rmSync(scratch, { recursive: true, force: true })
  process.once('exit', remove)
  mkdirSync(scratch, { recursive: true })
  writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n')
  try {
    const what = `${clis[cli].package}@${version}`
    await npm(['install', '--ignore-scripts', '--no-save', '--no-package-lock', ...quiet, what], scratch, `${cli}@${version}`)
    mkdirSync(dirname(dir), { recursive: true })
    renameSync(scratch, dir)
  } finally {
    remove()
    process.off('exit', remove)
  }
}

async function npm(args, cwd, what) {
  // By default a registry that cannot be reached is tried for over a minute.
  const { npm_config_fetch_retries = '1' } = process.env
  const { code, text, timedOut } = await run('npm', args, { cwd, env: { npm_config_fetch_retries }, output: 'keep', timeoutMs: NPM_MS })
  if (timedOut) throw new Error(`${what}: npm took longer than ${NPM_MS / 1000} s and was ended`)
  if (code !== 0) throw new Error(npmFailure(text, what))
  return text
}

/** What npm's output means. */
export function npmFailure(text, what) {
  const [, code = ''] = /^npm (?:error|ERR!) code (\w+)$/m.exec(text) ?? []
  if (['E404', 'ETARGET'].includes(code)) return `${what} is not published`
  if (['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT', 'FETCH_ERROR'].includes(code)) {
    return `${what}: the npm registry cannot be reached (${code}), and no earlier run has left this version in ${userCache('compat')}`
  }
  return `${what}: npm failed\n${tail(text, 10)}`
}
