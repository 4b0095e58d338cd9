// A worker in a separate process, for tests that kill one: starts the turn that it reads from stdin, and prints the CLI's pid.
'use strict'

const { readFileSync } = require('node:fs')
const { startTurn } = require('../support/real-turn.js')

const provider = /** @type {'claude' | 'codex'} */ (process.argv[2])
const { child } = startTurn(provider, JSON.parse(readFileSync(0, 'utf8')))
child.once('spawn', () => process.stdout.write(`${child.pid}\n`))
