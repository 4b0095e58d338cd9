// A listener that throws is its caller's bug, as with child_process: it is an uncaught exception, and the run goes on.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { makeHomes } = require('./support/homes.js')
const { ids, needsLinux, workspaceOf } = require('./support/launch.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'throwing-listeners.js')
const PROJECT = path.join(__dirname, '..')

/** What the fixture's script prints, scrubbed. @param {string} word */
const printed = (word) => `${[1, 2, 3, 4, 5, 6].map((n) => `${word} ${n} of ${'*'.repeat(26)}\n`).join('')}made-up-secret`
const WHOLE = { stdout: printed('line'), stderr: printed('error'), errors: 0, told: true, heard: true, closed: true, code: 3, signal: null }
/** What each case comes to. @type {Record<string, object>} */
const EXPECTED = {
  'stdout, the first time': WHOLE,
  'stderr, each time': WHOLE,
  spawn: WHOLE,
  exit: WHOLE,
  'error of a start': { ...WHOLE, stdout: '', stderr: '', code: -2 },
  'error of a timeout': { ...WHOLE, stdout: '', stderr: '', code: 4 }
}

test('every listener of a run, and of a redactor’s stream', { skip: needsLinux }, async (t) => {
  const workspace = JSON.stringify(workspaceOf(makeHomes({ uid: ids.uid, test: t })))
  const { stdout } = await promisify(execFile)(process.execPath, [FIXTURE, PROJECT, workspace, JSON.stringify(ids)])
  const seen = JSON.parse(stdout)
  const { 'a stream': streams, ...runs } = seen
  assert.deepEqual(streams.redactor, streams.PassThrough)
  assert.deepEqual(Object.keys(runs), Object.keys(EXPECTED))
  for (const [name, hows] of Object.entries(runs)) {
    for (const [how, result] of Object.entries(hows)) assert.deepEqual(result, EXPECTED[name], `${name}, ${how}`)
  }
})
