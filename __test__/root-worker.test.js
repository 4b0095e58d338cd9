// claudeAgentOptions() in a worker that is root says once that in-process tools are root too.
'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { makeHomes } = require('./support/homes.js')
const { UID, needsRoot, workspaceOf } = require('./support/launch.js')
const { copyPackage } = require('./support/worker.js')

/** Calls it twice and prints the warnings. */
const BODY = `
  const main = require(process.argv[1])
  const warnings = []
  process.on('warning', ({ name, code, message }) => warnings.push([name, code, message]))
  const env = main.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: JSON.parse(process.argv[2]) })
  for (const command of ['/bin/true', '/bin/echo']) main.claudeAgentOptions(env, { command, ...(process.getuid() === 0 && { uid: ${UID}, gid: ${UID} }) })
  setImmediate(() => console.log(JSON.stringify(warnings)))`

for (const [who, ids, expected] of /** @type {[string, object, [string, string][]]} */ (/** @type {unknown} */ ([
  ['root', {}, [['SecurityWarning', 'PROVIDER_WORKER_IS_ROOT']]],
  ['not root', { uid: UID, gid: UID }, []]
]))) {
  test(`a worker that is ${who}`, { skip: needsRoot }, async (t) => {
    const homes = makeHomes({ uid: UID, test: t })
    const main = copyPackage(t)
    const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '-e', BODY, main, JSON.stringify({ ...workspaceOf(homes), codexHome: undefined })], { ...ids, cwd: path.dirname(main) })
    const warnings = JSON.parse(stdout)
    assert.deepEqual(warnings.map(([name, code]) => [name, code]), expected)
    for (const [, , message] of warnings) assert.match(message, /in-process MCP tools, hooks/)
  })
}
