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
  // That these have no version of a CLI's is another warning's to say.
  process.on('warning', ({ name, code, message, detail }) => code === 'PROVIDER_CLI_UNTESTED' || warnings.push([name, code, message, detail]))
  const env = main.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: JSON.parse(process.argv[2]) })
  // What is refused is said by its error alone.
  if (process.getuid() === 0) try { main.claudeAgentOptions(env, { command: '/bin/true' }) } catch {}
  setImmediate(() => {
    const early = warnings.length
    for (const command of ['/bin/true', '/bin/echo']) main.claudeAgentOptions(env, { command, ...(process.getuid() === 0 && { uid: ${UID}, gid: ${UID} }) })
    setImmediate(() => console.log(JSON.stringify({ early, warnings })))
  })`

for (const [who, ids, expected] of /** @type {[string, object, [string, string][]]} */ (
  /** @type {unknown} */ ([
    ['root', {}, [['SecurityWarning', 'PROVIDER_WORKER_IS_ROOT']]],
    ['not root', { uid: UID, gid: UID }, []]
  ])
)) {
  test(`a worker that is ${who}`, { skip: needsRoot }, async (t) => {
    const homes = makeHomes({ uid: UID, test: t })
    const main = copyPackage(t)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--no-warnings', '-e', BODY, main, JSON.stringify({ ...workspaceOf(homes), codexHome: undefined })],
      { ...ids, cwd: path.dirname(main) }
    )
    const { early, warnings } = JSON.parse(stdout)
    assert.equal(early, 0, 'a call that throws warns of nothing')
    assert.deepEqual(
      warnings.map(([name, code]) => [name, code]),
      expected
    )
    for (const [, , message, detail] of warnings) {
      assert.match(message, /in-process MCP tools, hooks/)
      assert.match(detail, /stdio MCP servers.*provider-env run-as.*node --disable-warning=PROVIDER_WORKER_IS_ROOT/s)
    }
  })
}
