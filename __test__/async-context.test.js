// Every callback runs in the asynchronous context of the call that requested it, as with child_process, and no context is kept.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { makeHomes } = require('./support/homes.js')
const { needsLinux, workspaceOf } = require('./support/launch.js')
const { writeLogin } = require('./support/token-endpoint.js')

const PROJECT = path.join(__dirname, '..')
const FIXTURE = path.join(__dirname, 'fixtures', 'contexts.js')
/** The lines of Node between which Node changed how a context is handed on. */
const LINES = [20, 22, 24, 26]
/** What child_process does not have. */
const OURS = /^(usage|failure|credentialMismatch|spawned|exited|error)$/

/** @param {any} t @param {string} node */
async function look(t, node) {
  const homes = makeHomes({ test: t })
  writeLogin(homes.claudeConfigDir, 'claude', { access: 'sk-ant-oat01-made-up', refresh: 'made-up', expiresAt: 1 })
  const directories = JSON.stringify({ ...workspaceOf(homes), codexHome: undefined })
  const { stdout } = await promisify(execFile)(node, ['--expose-gc', FIXTURE, PROJECT, directories, homes.claudeConfigDir], {
    timeout: 100_000
  })
  return JSON.parse(stdout)
}

for (const line of LINES) {
  test(`in Node ${line}`, { skip: needsLinux, timeout: 120_000 }, async (t) => {
    const { nodeBinary } = await import('../scripts/lib/node-versions.mjs')
    const own = process.versions.node.startsWith(`${line}.`)
    const { path: node = undefined, reason = undefined } = own ? { path: process.execPath } : await nodeBinary(String(line))
    if (node === undefined) return t.skip(reason)
    const { contexts, left } = await look(t, node)

    await t.test('every callback has its caller’s context', () => {
      const strangers = []
      for (const [name, requests] of Object.entries(contexts)) {
        if (name.startsWith('child_process')) continue
        for (const [request, seen] of Object.entries(requests)) {
          for (const [event, whose] of Object.entries(seen))
            if (whose !== request) strangers.push(`${name}: ${event} of ${request} ran as ${whose}`)
        }
      }
      assert.deepEqual(strangers, [])
    })

    await t.test('each start reports what child_process reports', () => {
      for (const [name, { one }] of Object.entries(contexts).filter(
        ([name]) => name.startsWith('child_process') && !/too long|another$/.test(name)
      )) {
        for (const how of ['native', 'portable']) {
          const ours = Object.keys(contexts[name.replace('child_process', how)].one)
          const missing = Object.keys(one).filter((event) => !ours.includes(event))
          assert.deepEqual(missing, [], `${name} by ${how}`)
          assert.deepEqual(
            Object.keys(one)
              .filter((event) => OURS.test(event))
              .filter((event) => event !== 'error'),
            []
          )
        }
      }
      assert.deepEqual(
        ['usage', 'failure', 'credentialMismatch'].filter((event) => !(event in contexts['native runs to its end'].one)),
        []
      )
      assert.ok('error' in contexts['native takes too long'].one && 'error' in contexts['native is aborted by another request'].one)
    })

    await t.test('no context stays in memory', () => assert.deepEqual(left, []))
  })
}
