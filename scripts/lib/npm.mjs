// Queries the npm registry through npm itself, installs from it into the user's cache, and explains its failures.
import { existsSync, renameSync } from 'node:fs'
import { run, tail } from './run.mjs'
import { temporary } from './scratch.mjs'

const NPM_MS = 300_000
const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT', 'FETCH_ERROR']

/** npm's output. @param {string[]} args @param {string} cwd @param {string} what npm does, as an error names it */
export async function npm(args, cwd, what) {
  // By default a registry that cannot be reached is tried for over a minute.
  const { npm_config_fetch_retries = '1' } = process.env
  const all = [...args, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']
  const { code, text, timedOut } = await run('npm', all, { cwd, env: { npm_config_fetch_retries }, output: 'keep', timeoutMs: NPM_MS })
  if (timedOut) throw new Error(`${what}: npm took longer than ${NPM_MS / 1000} s and was ended`)
  if (code !== 0) throw new Error(npmFailure(text, what))
  return text
}

/** What npm's output means. */
export function npmFailure(text, what) {
  const [, code = ''] = /^npm (?:error|ERR!) code (\w+)$/m.exec(text) ?? []
  if (['E404', 'ETARGET'].includes(code)) return `${what} is not published`
  if (UNREACHABLE.includes(code)) return `${what}: the npm registry cannot be reached (${code})`
  return `${what}: npm failed\n${tail(text, 10)}`
}

/**
 * Installs packages into a directory, unless it is there. Complete or not at all: what is interrupted leaves nothing under its name.
 * @param {string} dir
 * @param {string} what
 * @param {(scratch: string) => string[]} prepare writes what is needed, and names the packages
 */
export async function installInto(dir, what, prepare) {
  if (existsSync(dir)) return
  const scratch = `${dir}.${process.pid}`
  const remove = temporary(scratch)
  try {
    await npm(['install', '--ignore-scripts', '--no-save', '--no-package-lock', ...prepare(scratch)], scratch, what)
    renameSync(scratch, dir)
  } finally {
    remove()
  }
}
