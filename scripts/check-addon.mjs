// Checks the addon's file as a user gets it: its size, the oldest glibc that it runs on, and that it contains no path
// of the machine that built it.
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './lib/paths.mjs'

// 3 MiB before it spoke HTTP and TLS (rustls, ring), which take two more; the broker (hyper, tokio) takes another.
const mostBytes = 6 * 1024 * 1024
// Debian 11 and RHEL 9 have more; what a release promises is lower and checked with --glibc there.
const newestGlibc = '2.34'

/** @param {string} [file] the addon; the one in the repository's root by default */
export function checkAddon(file = built(), glibc = newestGlibc) {
  const bytes = readFileSync(file)
  const text = bytes.toString('latin1')
  const wrong = []
  if (bytes.length > mostBytes) wrong.push(`has ${bytes.length} bytes; the limit is ${mostBytes}`)
  for (const path of new Set([root, homedir(), process.env.CARGO_HOME])) {
    if (path && path !== '/' && text.includes(`${path}/`)) wrong.push(`contains paths below ${path}`)
  }
  // The names of versioned symbols are in the file's dynamic string table; musl and macOS have none.
  const versions = [...text.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)])
  const top = versions.sort(order).at(-1)
  if (top && order(top, glibc.split('.').map(Number)) > 0) wrong.push(`needs glibc ${top.join('.')}; the newest allowed is ${glibc}`)
  process.stdout.write(`${(bytes.length / 1024).toFixed(0)} KiB, glibc ${top ? `${top.join('.')} or newer` : 'not used'}\n`)
  if (wrong.length) throw new Error(`${file}: ${wrong.join('; ')}`)
}

const order = (a, b) => a[0] - b[0] || a[1] - b[1]

function built() {
  const [name, ...more] = readdirSync(root).filter((n) => n.endsWith('.node'))
  if (!name || more.length) throw new Error(`expected one addon in the repository's root, but found ${name ? more.length + 1 : 0}`)
  return join(root, name)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) checkAddon(process.argv[2], process.argv[3])
