// Reads the command line of a script, and prints its usage if that is requested or an option is invalid.
import { parseArgs } from 'node:util'

/** @param {string} usage */
export function readOptions(options, usage) {
  let parsed
  try {
    parsed = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
  } catch (error) {
    // What follows the first sentence is about arguments that begin with a dash.
    refuse(error.message.split('. ')[0], usage)
  }
  if (!parsed.values.help) return parsed
  process.stdout.write(`${usage}\n`)
  process.exit(0)
}

/** @param {string} message @param {string} usage */
export function refuse(message, usage) {
  process.stderr.write(`${message}\n${usage}\n`)
  process.exit(2)
}
