// A process that runs first: it has the plaintext, writes the rows of the lockbox, passes the keys to the scanner, and
// ends.
'use strict'

const { randomBytes } = require('node:crypto')
const { Lockbox } = require('../..')
const { madeUp } = require('../scenes.js')
const { toLine } = require('./lines.js')
const { PURPOSES, toTableRow, writeRows } = require('./rows.js')
const { readSetting } = require('./setting.js')

const ROW_VERSION = 1

const { tenant, lockbox: file } = readSetting()
const masterKey = randomBytes(32).toString('hex')
const keys = { claude: madeUp('sk-ant-api03'), codex: madeUp('sk-proj') }

const lockbox = new Lockbox({ masterKeys: [Buffer.from(masterKey)] })
const rows = Object.entries(keys).map(([provider, key]) => {
  const context = { tenant, ...PURPOSES[provider], rowVersion: ROW_VERSION }
  return toTableRow(tenant, provider, ROW_VERSION, lockbox.seal(Buffer.from(key), context))
})
writeRows(file, rows)
// To a pipe that only the demo reads: it must know what to look for.
process.stdout.write(toLine({ masterKey, keys }))
