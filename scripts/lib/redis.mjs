// Unpacks a Redis server for the tests if the system is a Debian without one: from the system's own packages, next to
// the other caches.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot } from './paths.mjs'
import { exists, run } from './run.mjs'

const packages = ['redis-tools', 'redis-server', 'liblzf1', 'libjemalloc2', 'libatomic1', 'liblua5.1-0', 'lua-cjson', 'lua-bitop']

/** Without it the tests that need it are skipped, and say so. Tried once for each installation of `node_modules`. */
export async function ensureRedis(say) {
  const target = fromRoot('node_modules', '.cache', 'provider-env', 'redis')
  const tried = `${target}.tried`
  if (existsSync(target) || existsSync(tried) || (await exists('redis-server', ['--version'])) || !(await exists('apt-get', ['--version'])))
    return
  const scratch = `${target}.${process.pid}`
  mkdirSync(join(scratch, 'debs'), { recursive: true })
  try {
    say('unpacking a Redis server for the tests')
    writeFileSync(tried, '')
    const download = await run('apt-get', ['download', ...packages], { cwd: join(scratch, 'debs'), output: 'stderr' })
    if (download.code !== 0) return
    for (const deb of readdirSync(join(scratch, 'debs'))) {
      if ((await run('dpkg', ['-x', join(scratch, 'debs', deb), join(scratch, 'root')], { output: 'stderr' })).code !== 0) return
    }
    renameSync(join(scratch, 'root'), target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
