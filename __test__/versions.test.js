// The range of a CLI's versions: an older one is not started, a newer one is warned of, and an unknown one is reported.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { claudeAgentOptions, resolveProgram, spawnProvider } = require('../index.js')
const binding = require('./support/addon.js')
const { makeOpenDir } = require('./support/homes.js')
const { makeMachine, runDoctor } = require('./support/doctor.js')
const { UID, ids, makeEnv, needsLinux, needsRoot, outcome } = require('./support/launch.js')

/** As the rows have them. @type {Record<string, { oldest: string, tested: string }>} */
const ROWS = Object.fromEntries(
  binding.providerFacts().map(({ id, oldestVersion, testedVersion }) => [id, { oldest: oldestVersion, tested: testedVersion }])
)
const PROVIDERS = /** @type {const} */ (['claude', 'codex'])

/** The version before or after one. @param {string} version @param {-1 | 1} step */
function beside(version, step) {
  const [major, minor, patch] = version.split('.').map(Number)
  return step > 0 ? `${major}.${minor}.${patch + 1}` : patch > 0 ? `${major}.${minor}.${patch - 1}` : `${major}.${minor - 1}.99`
}

/**
 * A shell in the CLI's place, which states its version: Claude Code by its name, Codex by the manifest beside it.
 * @param {any} t
 * @param {string} provider
 * @param {string | null} version
 */
function place(t, provider, version) {
  const dir = makeOpenDir('provider-env-version-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const bin = path.join(dir, provider === 'claude' && version !== null ? 'versions' : 'bin')
  fs.mkdirSync(bin)
  const file = path.join(bin, provider === 'claude' ? (version ?? 'claude') : 'codex')
  fs.copyFileSync(fs.realpathSync('/bin/sh'), file)
  if (provider === 'codex' && version !== null) fs.writeFileSync(path.join(dir, 'codex-package.json'), JSON.stringify({ version }))
  return file
}

/** @param {any} t @param {string} provider @param {any} options */
async function start(t, provider, options) {
  const { env } = makeEnv(t, { provider })
  return await outcome(spawnProvider(env, { ...ids, workspaceTrust: 'trusted', args: ['-c', 'echo ran'], ...options }))
}

for (const provider of PROVIDERS) {
  const { oldest, tested } = ROWS[provider]

  test(`${provider}: a version before ${oldest} is found, named and not started`, async (t) => {
    for (const version of [beside(oldest, -1), `${oldest}-alpha.1`]) {
      const command = place(t, provider, version)
      const expected = { code: 'ERR_PROVIDER_PROGRAM_OUTDATED', path: command, provider }
      /** @type {any} */
      let found
      assert.throws(
        () => resolveProgram(provider, { ...ids, command }),
        (error) => Boolean((found = error))
      )
      const { error, events } = await start(t, provider, { command })
      for (const each of [found, error]) {
        assert.deepEqual({ code: each.code, path: each.path, provider: each.provider }, expected)
        assert.ok(each.message.includes(version) && each.message.includes(`Install ${oldest} or newer`), each.message)
      }
      assert.deepEqual(events, ['error', 'close'])
    }
  })

  test(`${provider}: ${oldest} and ${tested} are in the range, and the next one is not`, async (t) => {
    for (const [version, inRange] of /** @type {const} */ ([
      [oldest, true],
      [tested, true],
      [beside(tested, 1), false],
      [null, null]
    ])) {
      const command = place(t, provider, version)
      const { version: told, tested: isTested } = resolveProgram(provider, { ...ids, command })
      assert.deepEqual([told, isTested], [version, inRange])
      const { error, events } = await start(t, provider, { command })
      assert.equal(error, null)
      assert.ok(events.includes('spawn'))
    }
  })
}

/** What a process warns of that does this for a program. @param {string} command @param {string} what */
function warnings(command, what) {
  const script = `
    const { spawnPortable } = require(${JSON.stringify(path.join(__dirname, 'support/portable.js'))})
    const { buildProviderEnv, resolveProgram, spawnProvider } = require(${JSON.stringify(path.join(__dirname, '..'))})
    const [command, ids, home] = [${JSON.stringify(command)}, ${JSON.stringify(ids)}, ${JSON.stringify(path.dirname(command))}]
    const said = []
    process.on('warning', ({ name, code, message }) => said.push({ name, code, message }))
    const env = buildProviderEnv({ apiKey: 'sk-ant-api03-made-up-7c1b' }, { workspace: { home, tmpDir: '/tmp' } })
    const options = { ...ids, command, args: ['-c', 'exit'], workspaceTrust: 'trusted', stdio: 'ignore' }
    const starts = { native: () => spawnProvider(env, options), portable: () => spawnPortable(env, options) }
    ;(async () => {
      for (let round = 0; round < 2; round += 1) {
        if (${JSON.stringify(what)} === 'resolve') resolveProgram('claude', { ...ids, command })
        else await starts[${JSON.stringify(what)}]().exited
      }
      // A warning is emitted in the next tick.
      await new Promise(setImmediate)
      process.stdout.write(JSON.stringify(said))
    })()`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--no-warnings', '-e', script], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

for (const what of ['resolve', 'native', 'portable']) {
  test(`a newer version, and an unknown one, is warned of once, and no other: ${what}`, { skip: what === 'native' && needsLinux }, (t) => {
    const { oldest, tested } = ROWS.claude
    const newer = beside(tested, 1)
    const [warning, ...rest] = warnings(place(t, 'claude', newer), what)
    assert.deepEqual([warning.name, warning.code, rest], ['SecurityWarning', 'PROVIDER_CLI_UNTESTED', []])
    assert.ok(warning.message.includes(newer) && warning.message.includes(tested), warning.message)
    assert.deepEqual(warnings(place(t, 'claude', oldest), what), [])
    // For an unknown one, in different words.
    const [unknown, ...more] = warnings(place(t, 'claude', null), what)
    assert.deepEqual([unknown.name, unknown.code, more], ['SecurityWarning', 'PROVIDER_CLI_UNTESTED', []])
    assert.match(
      unknown.message,
      new RegExp(`^The version of Claude Code is unknown: .*nor its name states it\\. Versions before ${oldest} are not supported`)
    )
  })
}

test('only so many warnings are remembered: a tenant that chooses the program chooses its version', () => {
  const script = `
    const { warnOfUntested } = require(${JSON.stringify(require.resolve('./support/internals.js'))})
    const said = []
    process.emitWarning = (message) => said.push(message)
    for (const text of ['first', 'first', ...Array.from({ length: 100 }, (_, index) => 'number ' + index), 'number 99', 'first', 'first']) warnOfUntested(text)
    process.stdout.write(JSON.stringify([said.length, said.filter((text) => text === 'first').length, said.at(-1)]))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  assert.equal(stdout, '[102,2,"first"]', stderr)
})

/** The oldest version of an SDK, by its peer dependency. @param {string} name */
function oldestSdk(name) {
  const { peerDependencies, peerDependenciesMeta, devDependencies } = require('../package.json')
  const range = peerDependencies[name]
  assert.match(range, /^>=\d+\.\d+\.\d+$/)
  assert.deepEqual([peerDependenciesMeta[name], Number(devDependencies[name].split('.')[1]) > 0], [{ optional: true }, true])
  return range.slice(2)
}

test('the Agent SDK: a version before its peer dependency starts nothing', async (t) => {
  const oldest = oldestSdk('@anthropic-ai/claude-agent-sdk')
  const command = place(t, 'claude', ROWS.claude.tested)
  const { env, homes } = makeEnv(t)
  const { spawnClaudeCodeProcess } = claudeAgentOptions(env, { ...ids, command, workspaceTrust: 'trusted' })
  const start = (/** @type {string | undefined} */ version) =>
    spawnClaudeCodeProcess({
      command,
      args: ['-c', 'exit'],
      cwd: homes.workspace,
      env: { CLAUDE_AGENT_SDK_VERSION: version },
      signal: new AbortController().signal
    })
  for (const old of ['0.2.41', beside(oldest, -1), `${oldest}-beta.2`, '0.2']) {
    assert.throws(() => start(old), {
      code: 'ERR_PROVIDER_UNSUPPORTED',
      names: ['@anthropic-ai/claude-agent-sdk'],
      message: new RegExp(`is ${old}; .*Install ${oldest} or newer`)
    })
  }
  // What people write for a version is understood, and what is none is refused.
  for (const old of ['v0.2.41', '0.2.41 ', '\n0.2.41'])
    assert.throws(() => start(old), { code: 'ERR_PROVIDER_UNSUPPORTED', message: /is 0\.2\.41; / })
  for (const none of ['made up', '', 'latest'])
    assert.throws(() => start(none), { code: 'ERR_PROVIDER_UNSUPPORTED', message: /states a version that is not valid; / })
  for (const version of [oldest, beside(oldest, 1), undefined]) assert.deepEqual((await outcome(start(version))).code, 0)
})

test('the Codex SDK: a version before its peer dependency, beside the main module, is refused', (t) => {
  const oldest = oldestSdk('@openai/codex-sdk')
  const dir = makeOpenDir('provider-env-sdk-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const main = path.join(dir, 'app/src/main.js')
  fs.mkdirSync(path.dirname(main), { recursive: true })
  const command = place(t, 'codex', ROWS.codex.tested)
  fs.writeFileSync(
    main,
    `
    const { buildProviderEnv, codexOptions } = require(${JSON.stringify(path.join(__dirname, '..'))})
    const env = buildProviderEnv({ provider: 'codex', apiKey: 'sk-proj-made-up-9f2e' }, { workspace: { dir: ${JSON.stringify(dir)}, home: ${JSON.stringify(dir)} } })
    try {
      codexOptions(env, { exposeSecrets: true, allowRoot: true, command: ${JSON.stringify(command)} })
      process.stdout.write('null')
    } catch ({ code, names, message }) {
      process.stdout.write(JSON.stringify({ code, names, message }))
    }`
  )
  const manifest = path.join(dir, 'app/node_modules/@openai/codex-sdk/package.json')
  fs.mkdirSync(path.dirname(manifest), { recursive: true })
  for (const [version, refused] of /** @type {const} */ ([
    [beside(oldest, -1), true],
    [oldest, false],
    ['made up', true],
    [undefined, true],
    [`v${oldest}`, false]
  ])) {
    fs.writeFileSync(manifest, JSON.stringify({ version }))
    const { stdout, stderr } = spawnSync(process.execPath, [main], { encoding: 'utf8' })
    const error = JSON.parse(stdout || JSON.stringify({ message: stderr }))
    if (!refused) assert.equal(error, null)
    else
      assert.deepEqual(
        [error.code, error.names, error.message.includes(`Install ${oldest} or newer`)],
        ['ERR_PROVIDER_UNSUPPORTED', ['@openai/codex-sdk'], true],
        error.message
      )
  }
})

test('an older version on the PATH is passed over for a newer one', async (t) => {
  const { oldest } = ROWS.codex
  const old = place(t, 'codex', beside(oldest, -1))
  const good = place(t, 'codex', oldest)
  const program = resolveProgram('codex', { ...ids, path: `${path.dirname(old)}:${path.dirname(good)}` })
  assert.deepEqual([program.path, program.version], [good, oldest])
})

/** @type {[string, boolean][]} What a manifest says, and whether its program is started. */
const WRITTEN = [
  ['{"version":"v0.124.0"}', false],
  ['{"version":" 0.124.0"}', false],
  ['{"version":"0.124.0\\n"}', false],
  ['{"version":"0.124"}', false],
  ['\ufeff{"version":"0.124.0"}', false],
  [`{"version":"0.124.0","x":"${'x'.repeat(300_000)}"}`, false],
  ['{"version":"latest"}', false],
  ['{}', false],
  ['', false],
  ['{"version":"0.140"}', true],
  ['\ufeff{"version":"v0.140.0 "}', true],
  ['{"version":"0.99999999999999999999.0"}', true]
]

test('a stated version that cannot be parsed keeps a program from being started', { skip: needsLinux }, async (t) => {
  for (const [text, isStarted] of WRITTEN) {
    const command = place(t, 'codex', ROWS.codex.oldest)
    const manifest = path.join(command, '../../codex-package.json')
    fs.writeFileSync(manifest, text)
    const { error } = await start(t, 'codex', { command })
    assert.equal(error?.code, isStarted ? undefined : 'ERR_PROVIDER_PROGRAM_OUTDATED', text.slice(0, 40))
    if (error?.message.includes('valid one')) assert.ok(error.message.includes(`${manifest} should state its version`), error.message)
  }
  for (const [version, isStarted] of /** @type {const} */ ([
    ['2.1.299.1', false],
    ['2.1', false],
    ['2.1.x', false],
    ['v2.1.332', true],
    ['2.1.332.1', true]
  ])) {
    const { error } = await start(t, 'claude', { command: place(t, 'claude', version) })
    assert.equal(error?.code, isStarted ? undefined : 'ERR_PROVIDER_PROGRAM_OUTDATED', version)
  }
})

test('a manifest that another can write makes no version known, and the doctor says so', { skip: needsRoot || needsLinux }, (t) => {
  const { oldest, tested } = ROWS.codex
  /** @type {[string, (manifest: string) => void, boolean][]} what was done to it, and whether the target can write it */
  const ways = [
    ['given to the target', (manifest) => fs.chownSync(manifest, UID, UID), true],
    ['given to another', (manifest) => fs.chownSync(manifest, UID + 1, UID + 1), false],
    ['open to all', (manifest) => fs.chmodSync(manifest, 0o666), true],
    ['in a directory of the target', (manifest) => fs.chownSync(path.dirname(manifest), UID, UID), true]
  ]
  for (const [name, change, isTargets] of ways) {
    const command = place(t, 'codex', tested)
    fs.chmodSync(command, 0o711)
    const manifest = path.join(command, '../../codex-package.json')
    assert.equal(resolveProgram('codex', { ...ids, command }).version, tested)
    change(manifest)
    assert.deepEqual(
      [resolveProgram('codex', { ...ids, command }).version, resolveProgram('codex', { ...ids, command }).tested],
      [null, null],
      name
    )
    const { ids: found, find } = runDoctor(makeMachine(t), { provider: 'codex', args: ['--command', command] })
    assert.ok(
      find('program.unknown-version').sentence.includes(
        `Users other than root and this process can change ${manifest}, which states the version`
      ),
      name
    )
    assert.equal(found.includes('program.writable'), isTargets, name)
    if (isTargets && !name.startsWith('in')) assert.ok(find('program.writable').sentence.includes(manifest), name)
    // Where it says that the program is too old, it is believed: nobody gains by that.
    fs.writeFileSync(manifest, JSON.stringify({ version: beside(oldest, -1) }))
    assert.throws(() => resolveProgram('codex', { ...ids, command }), { code: 'ERR_PROVIDER_PROGRAM_OUTDATED' }, name)
  }
})

test('a start sees that the file that states the version has changed', { skip: needsLinux }, async (t) => {
  const { oldest, tested } = ROWS.codex
  const command = place(t, 'codex', tested)
  assert.equal((await start(t, 'codex', { command })).error, null)
  fs.writeFileSync(path.join(command, '../../codex-package.json'), JSON.stringify({ version: beside(oldest, -1) }))
  assert.equal((await start(t, 'codex', { command })).error?.code, 'ERR_PROVIDER_PROGRAM_OUTDATED')
})

test('the doctor says of each whether it is supported', { skip: needsRoot || needsLinux }, (t) => {
  for (const provider of PROVIDERS) {
    const { oldest, tested } = ROWS[provider]
    for (const [version, id, severity] of /** @type {const} */ ([
      [beside(oldest, -1), 'program.outdated', 'error'],
      [beside(tested, 1), 'program.untested', 'warning'],
      [null, 'program.unknown-version', 'info'],
      [tested, null, null]
    ])) {
      const machine = makeMachine(t)
      const file = place(t, provider, version)
      fs.chmodSync(file, 0o711)
      const { ids: found, find } = runDoctor(machine, { provider, args: ['--command', file] })
      const standings = found.filter((each) => ['program.outdated', 'program.untested', 'program.unknown-version'].includes(each))
      assert.deepEqual(standings, id === null ? [] : [id])
      if (id === null) continue
      const finding = find(id)
      assert.equal(finding.severity, severity)
      if (id === 'program.outdated') assert.match(finding.sentence, new RegExp(version.replaceAll('.', '\\.')))
      if (severity !== 'info') assert.match(finding.commands.join('\n'), /npm install --global/)
    }
  }
})
