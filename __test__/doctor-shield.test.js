// The CLI's own files and the version of the program: the doctor says what a start does about a file, and its remedy installs a program that states its version.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { buildProviderEnv, resolveProgram, spawnProvider, takeServerCredentials } = require('../index.js')
const { KEYS, ids, needsLinux, needsRoot, outcome, workspaceOf } = require('./support/launch.js')
const { makeMachine, nameVersion, program, runDoctor, tenantFile } = require('./support/doctor.js')

const skip = needsLinux || needsRoot

const REDIRECTS = '{"env": {"ANTHROPIC_BASE_URL": "x"}}'
const REFUSED = /\. Claude Code is not started with any key or token while the file exists, unless you pass delivery: 'broker': /
const SERVER = / With delivery 'env' or 'fd', Claude Code is not started with the server's key while the file exists\./

/**
 * Text of .claude.json, version of the program, severity, what the sentence says, and whether it starts with the key on a
 * pipe: on the tenant's key, on the server's. With the broker it starts always.
 */
const ROWS = /** @type {[string, string | null, string, RegExp, [boolean, boolean]][]} */ ([
  [REDIRECTS, null, 'error', new RegExp(`${REFUSED.source}the version of this program is unknown\\.`), [false, false]],
  [
    REDIRECTS,
    '2.1.300',
    'warning',
    /prevents Claude Code from obeying the file, even in a trusted workspace; a start without this package does not\.$/,
    [true, true]
  ],
  ['{"env": {"HTTP_PROXY": "x", "BUN_CONFIG_VERBOSE_FETCH": "x"}}', '2.1.330', 'warning', SERVER, [true, false]],
  [
    '{"env": {"HTTP_PROXY": "x"}, "mcpServers": {"a": {"command": "x"}}}',
    '2.1.330',
    'warning',
    /prevents Claude Code from obeying the variables in the file, even in a trusted workspace, and the rest of the file unless you pass workspaceTrust: 'trusted'/,
    [true, true]
  ],
  ['{ broken', null, 'error', REFUSED, [false, false]],
  ['{ broken', '2.1.330', 'warning', SERVER, [true, false]],
  ['{"env": []}', null, 'error', REFUSED, [false, false]],
  ['{"env": {"FOO": "x"}}', null, 'info', /contains no key that is known to be harmful/, [true, false]],
  ['{"env": {"FOO": "x"}}', '2.1.330', 'info', /contains no key that is known to be harmful/, [true, true]]
])

/**
 * Whether a start succeeds with the files of this machine's tenant.
 * @param {import('./support/doctor.js').Machine} machine
 * @param {any} payload
 * @param {any} options
 * @param {'auto' | 'broker' | 'fd'} delivery
 */
async function starts(machine, payload, options, delivery) {
  const workspace = { ...workspaceOf(machine.homes), claudeConfigDir: machine.homes.claudeConfigDir }
  const env = buildProviderEnv({ provider: 'claude', ...payload }, { workspace, baseUrl: 'http://127.0.0.1:9', ...options })
  const { error } = await outcome(
    spawnProvider(env, { ...ids, command: path.join(machine.bin, 'claude'), delivery, workspaceTrust: 'trusted' })
  ).finally(() => env.dispose())
  if (error) assert.ok(['ERR_PROVIDER_STATE_DIR_UNUSABLE', 'ERR_PROVIDER_PROGRAM_OUTDATED'].includes(error.code), error.message)
  return error === null
}

for (const [text, version, severity, sentence, expected] of ROWS) {
  test(`${text} beside ${version ?? 'a program of unknown version'}`, { skip }, async (t) => {
    const machine = makeMachine(t)
    if (version !== null) nameVersion(machine, version)
    const file = tenantFile(path.join(machine.homes.home, '.claude.json'), text)
    process.env.ANTHROPIC_API_KEY = 'sk-ant-api03-made-up-key-of-the-server'
    const serverCredentials = takeServerCredentials()
    t.after(() => serverCredentials.dispose())
    const both = async (/** @type {'auto' | 'broker' | 'fd'} */ delivery) => [
      await starts(machine, { apiKey: KEYS.claude }, {}, delivery),
      await starts(machine, {}, { serverCredentials }, delivery)
    ]
    assert.deepEqual(await both('fd'), expected)
    assert.deepEqual(await both('broker'), [true, true])
    assert.deepEqual(await both('auto'), version === null ? expected : [true, true])
    const found = runDoctor(machine, { provider: 'claude' }).report.findings.filter(({ path: at }) => at === file)
    assert.deepEqual(
      found.map((finding) => finding.severity),
      [severity],
      found[0]?.sentence
    )
    assert.match(found[0].sentence, sentence)
    assert.equal(runDoctor(machine, { provider: 'claude' }).ids.includes('program.unknown-version'), version === null)
    if (severity === 'error') assert.deepEqual(runDoctor(machine, { provider: 'claude' }, found[0].commands).bad, [], 'its commands fix it')
  })
}

test('the copy that the remedy makes states its version, and starts despite such a file', { skip }, async (t) => {
  const machine = makeMachine(t)
  const source = nameVersion(machine, '2.1.330', 0o755)
  const { commands } = runDoctor(machine, { provider: 'claude' }).find('program.readable')
  const after = runDoctor(machine, { provider: 'claude' }, commands)
  const copy = path.join(machine.prefix, 'claude/versions/2.1.330')
  assert.deepEqual([after.bad, after.find('program.hidden').path, fs.statSync(copy).mode & 0o7777], [[], copy, 0o711])
  const linked = path.join(machine.prefix, 'bin/claude')
  assert.equal(resolveProgram('claude', { ...ids, command: linked }).version, '2.1.330')
  // A later version takes its place beside the copy, and the link leads there.
  fs.renameSync(source, machine.at('versions/2.1.331'))
  fs.rmSync(path.join(machine.bin, 'claude'))
  fs.symlinkSync(machine.at('versions/2.1.331'), path.join(machine.bin, 'claude'))
  const later = runDoctor(machine, { provider: 'claude' }, runDoctor(machine, { provider: 'claude' }).find('program.readable').commands)
  assert.equal(later.find('program.reachable').details.version, '2.1.331')
  assert.equal(fs.realpathSync(linked), path.join(machine.prefix, 'claude/versions/2.1.331'))
  // Made readable again, it is closed where it is.
  fs.chmodSync(copy, 0o755)
  fs.rmSync(path.join(machine.bin, 'claude'))
  fs.symlinkSync(copy, path.join(machine.bin, 'claude'))
  assert.deepEqual(runDoctor(machine, { provider: 'claude' }).find('program.readable').commands, [
    `chown root:root ${copy}`,
    `chmod 0711 ${copy}`
  ])
})

test('no copy is made that states no version, or one that cannot be a file name: the npm package states one', { skip }, (t) => {
  const machine = makeMachine(t)
  program(path.join(machine.bin, 'claude'), 0o755)
  const first = () => runDoctor(machine, { provider: 'claude' }).find('program.readable').commands[0]
  const fromNpm = `npm install --global --prefix ${machine.prefix} @anthropic-ai/claude-code`
  assert.equal(first(), fromNpm)
  const home = machine.at('node_modules/@anthropic-ai/claude-code')
  fs.rmSync(path.join(machine.bin, 'claude'))
  fs.symlinkSync(program(path.join(home, 'bin/claude'), 0o755), path.join(machine.bin, 'claude'))
  const tell = (/** @type {string} */ version) => fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ version }))
  tell('2.1.330')
  assert.notEqual(first(), fromNpm)
  // A semver's build may be any text, and is in the version as it was stated.
  tell('2.1.330+/../../../../etc/x.y')
  assert.equal(first(), fromNpm)
  // What is no version, or too old, is not started at all.
  for (const version of ['2.1.330/../../../../etc/x.y', '..', '2']) {
    tell(version)
    const { commands } = runDoctor(machine, { provider: 'claude', args: ['--command', path.join(machine.bin, 'claude')] }).find(
      'program.outdated'
    )
    assert.equal(commands[0], fromNpm, version)
  }
})
