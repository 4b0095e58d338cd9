// The doctor's command line: help, exit status, JSON and nothing else, colours, width; and its ids in the documentation.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { helpOf, print, readArguments, readContext, rows } = require('./support/internals.js')
const binding = require('./support/addon.js')
const { needsLinux, needsRoot } = require('./support/launch.js')
const { AS_TARGET, BIN, argumentsFor, makeMachine, tenantFile } = require('./support/doctor.js')

const skip = needsLinux || needsRoot

/** @param {string[]} args @param {Record<string, string>} [env] */
function run(args, env = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    timeout: 240_000,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', ...env }
  })
  return { status, stdout, stderr }
}

test('help, unknown commands and wrong options', () => {
  for (const args of [['--help'], ['-h'], ['help'], ['doctor', '--help'], ['doctor', '-h']]) {
    const { status, stdout, stderr } = run(args)
    assert.deepEqual([status, stderr, stdout.split('\n')[0]], [0, '', 'Usage: provider-env doctor [options]'], args.join(' '))
    assert.ok(stdout.split('\n').every((line) => line.length <= 80))
  }
  for (const args of [['--version'], ['doctor', '--version']]) {
    assert.deepEqual(run(args), { status: 0, stdout: `${require('../package.json').version}\n`, stderr: '' })
  }
  for (const args of [[], ['docter'], ['\u001b[31m']]) {
    const { status, stdout, stderr } = run(args)
    assert.deepEqual([status, stdout], [64, ''], args.join(' '))
    assert.match(stderr, /The commands are doctor and run-as\./)
    assert.ok(!stderr.includes('\u001b'))
  }
  for (const [args, complaint] of /** @type {[string[], RegExp][]} */ ([
    [['--unknown'], /Unknown option '--unknown'/],
    [['extra'], /Unexpected argument/],
    [['--uid', '7'], /--uid and --gid must be passed together/],
    [['--uid', 'ada', '--gid', '7'], /--uid must be a number/],
    [['--uid', '4294967295', '--gid', '7'], /must be a whole number/],
    [['--groups', '1,x'], /--groups must be numbers, separated by commas/],
    [['--groups', '1'], /--groups requires --uid and --gid\./],
    [['--provider', 'nobody'], /--provider must be one of: claude, codex/],
    [['--command', '/bin/true'], /--command requires --provider/],
    [['--tmp-dir', ''], /--tmp-dir must be the path of a directory/],
    [['--codex-home', ''], /--codex-home must be the path of a directory/]
  ])) {
    const { status, stdout, stderr } = run(['doctor', ...args])
    assert.deepEqual([status, stdout], [64, ''], args.join(' '))
    assert.match(stderr, complaint)
    assert.match(stderr, /--help lists the options/)
    assert.doesNotMatch(stderr, /options\.\w/)
  }
})

test('what differs between providers comes from their rows', { skip: needsLinux }, (t) => {
  const { providerFacts } = binding
  t.after(() => (binding.providerFacts = providerFacts))
  const made = { ...providerFacts()[1], id: 'made-up', name: 'Made Up', stateOption: 'madeUpHome', stateVariable: 'MADE_UP_HOME' }
  const facts = [...providerFacts(), made]
  binding.providerFacts = () => facts
  const text = helpOf(facts)
  assert.match(text, /\n {2}--made-up-home DIR +MADE_UP_HOME of the CLI\n/)
  assert.match(text, /^ {2}--provider claude\|codex\|made-up /)
  assert.deepEqual(readArguments(['--made-up-home', '/x', '--provider', 'made-up'], facts).options, {
    provider: 'made-up',
    madeUpHome: '/x'
  })
  const { providers, states } = readContext({ provider: 'made-up', madeUpHome: '/x' })
  assert.deepEqual([providers, states], [[made], { 'made-up': { path: '/x', given: true } }])
  const finding = {
    id: 'files.none',
    severity: 'ok',
    provider: 'made-up',
    sentence: 'So.',
    remedy: null,
    commands: [],
    path: null,
    details: {}
  }
  const report = /** @type {any} */ ({
    version: '1',
    worst: 'ok',
    target: { uid: 1, gid: 1 },
    providers: [{ id: 'made-up', name: 'Made Up' }],
    findings: [finding]
  })
  assert.match(print(report, { width: 80, colour: false, unicode: true }), /\n\nMade Up\n {2}✓ So\.\n/)
})

test('JSON is the report and nothing else, in a stable shape', { skip }, (t) => {
  const machine = makeMachine(t)
  const { status, stdout, stderr } = run(argumentsFor(machine, {}), { PATH: machine.path, FORCE_COLOR: '1' })
  assert.deepEqual([status, stderr], [0, ''])
  const report = JSON.parse(stdout)
  assert.deepEqual(Object.keys(report), ['schemaVersion', 'version', 'ok', 'worst', 'target', 'providers', 'durationMs', 'findings'])
  assert.deepEqual([report.schemaVersion, report.version], [1, require('../package.json').version])
  for (const finding of report.findings) {
    assert.deepEqual(Object.keys(finding), ['id', 'severity', 'provider', 'sentence', 'remedy', 'commands', 'path', 'details'])
    assert.ok(
      rows.some(({ id, severity }) => id === finding.id && severity === finding.severity),
      finding.id
    )
    assert.ok(finding.sentence.endsWith('.') && !finding.sentence.includes('undefined'), finding.sentence)
  }
})

test('text: exit status by severity, colours where they are wanted, lines that fit', { skip }, (t) => {
  const machine = makeMachine(t)
  const args = argumentsFor(machine, {}).filter((arg) => arg !== '--json')
  const plain = run(args, { PATH: machine.path })
  assert.deepEqual([plain.status, plain.stderr, plain.stdout.includes('\u001b')], [0, '', false])
  assert.match(plain.stdout, /\n {2}✓ The addon, version /)
  assert.match(plain.stdout, /\n\nNo problem was found: \d+ checks passed\.\n$/)
  const groups = plain.stdout
    .split('\n')
    .filter((line) => /^\S/.test(line))
    .slice(1, -1)
  assert.deepEqual(groups, ['This machine', 'Claude Code', 'OpenAI Codex'])

  tenantFile(path.join(machine.homes.workspace, '.mcp.json'), '{"mcpServers": {"x": {}}}')
  const warned = run(args, { PATH: machine.path })
  assert.equal(warned.status, 1)
  assert.match(warned.stdout, /\n {2}! .*\.mcp\.json has\s+mcpServers/)
  assert.match(
    warned.stdout,
    /\n {8}\S+ \S+ run-as --uid \d+ --gid \d+ -- mv -nT -- \S+\.mcp\.json \S+\.mcp\.json\.disabled\n {4}\(files\.claude-project-mcp\)\n/
  )
  assert.ok(warned.stdout.includes(`\n        ${AS_TARGET} mv `))
  const [, page] = /\n\n1 warning\. \d+ checks passed\.\n(\S+)\s+explains every id\.\n$/.exec(warned.stdout) ?? []
  assert.ok(path.isAbsolute(page) && fs.statSync(page).isFile(), page)

  fs.rmdirSync(machine.homes.codexHome)
  for (const [env, coloured] of /** @type {[Record<string, string>, boolean][]} */ ([
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ FORCE_COLOR: 'false' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ NO_COLOR: '1' }, false]
  ])) {
    const { status, stdout } = run(args, { PATH: machine.path, ...env })
    assert.deepEqual([status, stdout.includes('\u001b[31m')], [2, coloured], JSON.stringify(env))
    assert.match(stdout, /1 error and 1 warning\./)
  }
  const ascii = run(args, { PATH: machine.path, LANG: 'C' }).stdout
  assert.ok(!/[^\x00-\x7f]/.test(ascii), 'where the locale is not UTF-8, plain marks')
  assert.match(ascii, /\n {2}x CODEX_HOME is /)
})

/** The text on a terminal of `columns`, by the program that makes one. */
function onTerminal(/** @type {string[]} */ args, /** @type {number} */ columns, /** @type {Record<string, string>} */ env) {
  const quoted = [process.execPath, BIN, ...args].map((arg) => `'${arg}'`).join(' ')
  const { stdout } = spawnSync('script', ['-qec', `stty cols ${columns}; ${quoted}`, '/dev/null'], {
    encoding: 'utf8',
    timeout: 240_000,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', TERM: 'xterm', ...env }
  })
  return stdout.replaceAll('\r', '')
}

const hasScript = spawnSync('script', ['--version']).status === 0

test('on a terminal: coloured, and wrapped to its width', {
  skip: skip || (!hasScript && 'script(1) is not there to make a terminal')
}, (t) => {
  const machine = makeMachine(t)
  const args = argumentsFor(machine, { provider: 'claude' }).filter((arg) => arg !== '--json')
  for (const columns of [60, 80, 200]) {
    const text = onTerminal(args, columns, { PATH: machine.path })
    assert.ok(text.includes('\u001b[32m✓\u001b[0m'), 'coloured')
    const lines = text.replace(/\u001b\[\d*m/g, '').split('\n')
    const most = Math.min(columns, 100)
    // A word without a space, such as a path, is not quoted.
    const wide = lines.filter((line) => line.length > most && line.trim().includes(' '))
    assert.deepEqual(wide, [], `${columns} columns`)
    assert.ok(Math.max(...lines.map((line) => line.length)) > most * 0.7, 'and the width is used')
  }
  assert.ok(!onTerminal(args, 80, { PATH: machine.path, NO_COLOR: '1' }).includes('\u001b['))
  assert.ok(!onTerminal(args, 80, { PATH: machine.path, TERM: 'dumb' }).includes('\u001b['))
})

test('a path is printed once, below a sentence that does not name it', () => {
  const finding = (/** @type {string} */ sentence, /** @type {string | null} */ at) => ({
    id: 'state.usable',
    severity: 'ok',
    provider: null,
    sentence,
    remedy: null,
    commands: [],
    path: at,
    details: {}
  })
  const findings = [
    finding('One.', '/a'),
    finding('Two.', '/a'),
    finding('Three is /b.', '/b'),
    finding('Four.', null),
    finding('Five.', '/a')
  ]
  const report = /** @type {any} */ ({ version: '1', worst: 'ok', target: { uid: 1, gid: 1 }, providers: [], findings })
  const lines = print(report, { width: 80, colour: false, unicode: true }).split('\n').slice(3, -3)
  assert.deepEqual(lines, ['  ✓ One.', '    /a', '  ✓ Two.', '  ✓ Three is /b.', '  ✓ Four.', '  ✓ Five.', '    /a'])
})

test('what a tenant chooses does not steer the terminal', { skip }, (t) => {
  const machine = makeMachine(t)
  const odd = path.join(machine.homes.workspace, 'a\u001b[2J\nb\u202e')
  const args = [...argumentsFor(machine, { provider: 'codex' }).filter((arg) => arg !== '--json'), '--codex-home', odd]
  const { stdout, status } = run(args, { PATH: machine.path })
  assert.equal(status, 2)
  assert.match(stdout, /CODEX_HOME is \S+a \[2J b/)
  assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/.test(stdout))
  // Pasted without what steers, a command would change another file.
  assert.doesNotMatch(stdout, /mkdir .*a \[2J b/)
  assert.match(stdout, /\n {8}\(this command contains control characters: use --json to see it\)\n/)
})

test('nor by JSON, which holds it all the same', { skip }, (t) => {
  const machine = makeMachine(t)
  const odd = path.join(machine.homes.workspace, 'a\u009b2J\u202e\u2028\u007f\u0085\u2066')
  const { stdout } = run([...argumentsFor(machine, { provider: 'codex' }), '--codex-home', odd], { PATH: machine.path })
  assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(stdout))
  assert.equal(JSON.parse(stdout).findings.find((/** @type {any} */ { id }) => id === 'state.missing').path, odd)
})

test('the package loads without the doctor and the mock', () => {
  const loaded = (/** @type {string} */ then) => {
    const code = `const own = require(process.argv[1]); ${then}; console.log(Object.keys(require.cache).filter((file) => /dist.doctor[.]cjs$/.test(file)).length)`
    return Number(spawnSync(process.execPath, ['-e', code, path.join(__dirname, '..', 'index.js')], { encoding: 'utf8', cwd: '/' }).stdout)
  }
  assert.equal(loaded(''), 0)
  assert.equal(loaded('own.diagnose({ start: false, provider: "codex" })'), 1, 'the count sees it')
})

test('the commands that the pages give for a clone run in one', () => {
  const commands = ['README.md', 'docs/doctor.md'].flatMap((page) => {
    const text = fs.readFileSync(path.join(__dirname, '..', page), 'utf8')
    return [...text.matchAll(/`(node bin\S+ [a-z-]+) …`/g)].map(([, command]) => command)
  })
  assert.deepEqual(
    commands.map((command) => command.split(' ').at(-1)),
    ['doctor', 'doctor', 'run-as']
  )
  for (const command of commands) {
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `${command} --help`], {
      cwd: path.join(__dirname, '..'),
      env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` },
      encoding: 'utf8'
    })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^usage: provider-env /i)
  }
})

test('every id is documented once, with its severity, and no other', () => {
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'doctor.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([a-z]+\.[a-z-]+)` \| (\w+) \|/gm)].map(([, id, severity]) => `${id} ${severity}`)
  assert.deepEqual(documented.toSorted(), rows.map(({ id, severity }) => `${id} ${severity}`).toSorted())
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
  for (const { id, severity, remedy } of rows)
    assert.equal(remedy !== undefined, severity === 'warning' || severity === 'error', `${id}: a remedy where one is needed`)
})
