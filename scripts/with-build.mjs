// Runs a program of this repository after its set-up: node scripts/with-build.mjs [node options] file [arguments].
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ensure } from './ensure.mjs'

try {
  await ensure()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
const child = spawn(process.execPath, process.argv.slice(2), { stdio: 'inherit' })
// A terminal's Ctrl-C reaches the program itself; this one only has to outlive it, and to pass on what was sent here alone.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : code
})
