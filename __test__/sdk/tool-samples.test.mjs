// The samples of the guide for tools that a worker of root's gives to an agent, run unchanged: both do their work as the tenant.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { query } from '@anthropic-ai/claude-agent-sdk'
import { buildProviderEnv, claudeAgentOptions } from '../../index.mjs'
import homesOf from '../support/homes.js'
import kernel from '../support/kernel.js'
import launch from '../support/launch.js'
import network from '../support/namespace.js'
import placed from '../support/programs.js'
import { quiet } from '../support/quiet.js'
import real from '../support/real-turn.js'

network.requirePrivateNetwork()

const { AGENT, agentHomes, startMock } = real
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const SECTION = /^### Tools that run in the worker\n([\s\S]*?)^## /m.exec(
  fs.readFileSync(path.join(PROJECT, 'docs', 'migration.md'), 'utf8')
)[1]
/** The blocks of code in that section, without the indentation of its list. */
const SAMPLES = [...SECTION.matchAll(/^ {3}```js\n([\s\S]*?)^ {3}```$/gm)].map(([, code]) => code.replace(/^ {3}/gm, ''))

/** A server of one tool, which says who it is once its tools were requested. */
const SERVER = `
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'made', version: '1.0.0' } }),
  'tools/list': () => ({ tools: [{ name: 'lint', description: 'Lints.', inputSchema: { type: 'object', properties: {} } }] })
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const result = answers[method]?.(params)
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error: { code: -32601, message: 'none' } }) }) + '\\n')
  if (method === 'tools/list') require('node:fs').writeFileSync(process.env.TMPDIR + '/asked', String(process.getuid()))
})`

test('a stdio server: the CLI starts it as the tenant, and asks it for its tools', async (t) => {
  const homes = agentHomes(t)
  const dir = homesOf.makeOpenDir('provider-env-tools-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const file = path.join(dir, 'server.cjs')
  fs.writeFileSync(file, SERVER)
  const sample = SAMPLES.find((code) => code.includes("type: 'stdio'"))
  const { mcpServers } = new Function(`return { ${sample} }`)()
  const [[name, definition]] = Object.entries(mcpServers)
  assert.deepEqual([definition.command, definition.args.length], ['/usr/bin/node', 1])

  const { home, workspace, tmpDir, claudeConfigDir } = homes
  const asked = path.join(tmpDir, 'asked')
  const mock = await startMock(t, {
    answer: async () => (await kernel.until('the server is asked', () => fs.existsSync(asked)), { text: 'fine' })
  })
  const env = buildProviderEnv(
    { provider: 'claude', apiKey: launch.KEYS.claude },
    { baseUrl: mock.anthropicBaseUrl, set: quiet.claude.env, workspace: { dir: workspace, home, tmpDir, claudeConfigDir } }
  )
  t.after(() => env.dispose())
  const agent = claudeAgentOptions(env, { cwd: workspace, ...AGENT, command: placed.installForAnyone({ test: t }).claude })
  const servers = { [name]: { ...definition, command: process.execPath, args: [file], env: { TMPDIR: tmpDir } } }
  const messages = []
  for await (const message of query({
    prompt: 'hello',
    options: { cwd: workspace, model: 'claude-sonnet-4-5', maxTurns: 1, ...agent, mcpServers: servers }
  }))
    messages.push(message)
  assert.deepEqual(
    messages.find(({ subtype }) => subtype === 'init').mcp_servers.map((server) => server.name),
    [name]
  )
  assert.equal(fs.readFileSync(asked, 'utf8'), String(AGENT.uid ?? process.getuid()))
})

test('a command by run-as: from a worker with only a plain PATH, as a uid that passwd does not know', {
  skip: launch.needsRoot
}, (t) => {
  const { home, workspace } = agentHomes(t)
  const lint = `node -e "require('fs').writeFileSync('ran', String(process.getuid())); console.log('linted')"`
  fs.writeFileSync(path.join(workspace, 'package.json'), JSON.stringify({ name: 'tenants', version: '1.0.0', scripts: { lint } }))
  const app = homesOf.makeOpenDir('provider-env-app-')
  t.after(() => fs.rmSync(app, { recursive: true, force: true }))
  fs.mkdirSync(path.join(app, 'node_modules/@webalive'), { recursive: true })
  fs.symlinkSync(PROJECT, path.join(app, 'node_modules/@webalive/provider-env'))
  const sample = SAMPLES.find((code) => code.includes("'run-as'"))
  fs.writeFileSync(
    path.join(app, 'sample.mjs'),
    `const { uid, gid, home, dir } = JSON.parse(process.argv[2])\n${sample}\nprocess.stdout.write(stdout)\n`
  )
  const tenant = JSON.stringify({ ...AGENT, home, dir: workspace })
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(app, 'sample.mjs'), tenant], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', SECRET: 'of the worker' },
    encoding: 'utf8',
    timeout: 60_000
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^linted$/m)
  assert.equal(fs.readFileSync(path.join(workspace, 'ran'), 'utf8'), String(AGENT.uid))
})
