// `npm run compat` and `npm run matrix`: what they refuse, the table as it is written and read, and that nothing outlives an interrupted run.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { makeOpenDir } = require('./support/homes.js')
const { isRunning, pause, until } = require('./support/kernel.js')
const { needsLinux, needsRoot } = require('./support/launch.js')
const { descendantsOf } = require('./support/proc.js')

const SCRIPTS = path.join(__dirname, '..', 'scripts')
const DOCUMENT = path.join(__dirname, '..', 'docs', 'compatibility.md')

/** @param {string} name @returns {Promise<any>} */
const load = (name) => import(path.join(SCRIPTS, 'compat', name))
/** @param {string[]} args @param {NodeJS.ProcessEnv} [env] */
const compat = (args, env = {}) =>
  spawnSync(process.execPath, [path.join(SCRIPTS, 'compat.mjs'), ...args], { encoding: 'utf8', env: { ...process.env, ...env } })

const REFUSED = /** @type {[string, string[], RegExp][]} */ ([
  ['compat', [], /^name the versions to run/],
  ['compat', ['gemini@1.2.3'], /^gemini is not a known CLI; use one of claude, codex/],
  ['compat', ['@1.2.3'], /^@1\.2\.3 is not a known CLI/],
  ['compat', ['constructor'], /^constructor is not a known CLI/],
  ['compat', ['codex@^0.150'], /^codex@\^0\.150: the version must be exact/],
  ['compat', ['codex@0.150.1@2'], /the version must be exact/],
  ['compat', ['--wet', 'latest'], /^Unknown option '--wet'/],
  ['matrix', ['npm'], /^npm: name a stage with --only/],
  ['matrix', ['--only', 'nothing'], /^nothing is not a stage/],
  [
    'matrix',
    ['--only', 'bundlers/rollup'],
    /^rollup is not a step of bundlers; the steps are esbuild-cjs, esbuild-esm, webpack-cjs, webpack-esm/
  ]
])

test('the tables of requests show each version, what only one side sends, and what is the same', async () => {
  const { withRequests, requestTables } = await load('requests.mjs')
  const side = (/** @type {string} */ credential, /** @type {string[]} */ headers, /** @type {string[]} */ bodies) => ({
    sent: [{ request: 'POST api.example/v1', credential, headers }],
    bodies
  })
  const older = {
    scenario: 'codex key',
    version: '0.9.0',
    direct: { ...side('the credential', ['a: 1'], ['model']), sent: [] },
    broker: side('none', ['a: 1'], ['model'])
  }
  const newer = {
    scenario: 'codex key',
    version: '0.10.0',
    direct: side('the credential', ['a: 1', 'b: 2'], ['model', 'input[]']),
    broker: side('the credential', ['a: 1', 'c: 3'], ['model'])
  }
  const table = requestTables([newer, older])
  assert.deepEqual(table.split('\n'), [
    '**codex key**',
    '',
    '| | 0.9.0 | 0.10.0 |',
    '|---|---|---|',
    '| `POST api.example/v1` | – → none | the credential → the credential |',
    '| header `b: 2 (api.example/v1)` |  | lost |',
    '| header `c: 3 (api.example/v1)` |  | added |',
    '| in bodies `input[]` |  | lost |',
    '| equal: headers, members of bodies | 0, 1 | 1, 1 |'
  ])
  const document = fs.readFileSync(path.join(__dirname, '..', 'docs', 'broker-requests.md'), 'utf8')
  const written = withRequests(document, [newer, older])
  assert.ok(written.includes(table))
  assert.equal(withRequests(written, [newer, older]), written)
  assert.throws(() => withRequests('nothing', [newer]), /must have exactly one/)
})

test('a wrong argument is refused with the usage, and nothing is run or written', () => {
  const before = fs.readFileSync(DOCUMENT, 'utf8')
  for (const [command, args, message] of REFUSED) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(SCRIPTS, `${command}.mjs`), ...args], { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [2, ''], args.join(' '))
    assert.match(stderr, message)
    assert.match(stderr, new RegExp(`^usage: npm run ${command} `, 'm'))
  }
  assert.equal(fs.readFileSync(DOCUMENT, 'utf8'), before)
})

test('each requested version is tested once', async () => {
  const { targetsOf } = await load('targets.mjs')
  const listed = [
    { cli: 'codex', version: '0.150.1' },
    { cli: 'claude', version: '2.1.200' }
  ]
  const named = (/** @type {string[]} */ ...words) =>
    targetsOf(words, listed).map((/** @type {any} */ { cli, version }) => `${cli}@${version}`)
  assert.deepEqual(named('latest'), ['claude@latest', 'codex@latest'])
  assert.deepEqual(named('codex', 'codex@latest', 'claude@2.1.200', 'codex@0.150.1-alpha.2'), [
    'codex@latest',
    'claude@2.1.200',
    'codex@0.150.1-alpha.2'
  ])
  assert.deepEqual(named('listed', 'codex@0.150.1'), ['codex@0.150.1', 'claude@2.1.200'])
})

const row = (/** @type {string} */ cli, /** @type {string} */ version, /** @type {string[]} */ failures = []) => ({
  cli,
  version,
  passed: 90,
  failed: failures.length,
  skipped: 1,
  date: '2026-11-26',
  own: '0.1.0',
  failures
})

test('the table is written by CLI and version, read back as it was, and a version has its newest row alone', async () => {
  const { rowsIn, tableText, withRows } = await load('table.mjs')
  const rows = [
    row('codex', '0.99.0'),
    row('codex', '0.150.1', ['usage: a | b', 'turns: codex, x']),
    row('claude', '2.1.200', ['one']),
    row('codex', '0.150.1-alpha.2')
  ]
  const empty = withRows(fs.readFileSync(DOCUMENT, 'utf8').replace(/^\|.*\n|^.* failed:\n|^- `.*`\n/gm, ''), [])
  assert.deepEqual(rowsIn(empty), [])
  const document = withRows(empty, rows)
  assert.deepEqual(
    rowsIn(document).map(({ cli, version }) => `${cli} ${version}`),
    ['claude 2.1.200', 'codex 0.150.1', 'codex 0.150.1-alpha.2', 'codex 0.99.0']
  )
  assert.deepEqual(
    new Set(rowsIn(document).map((/** @type {any} */ each) => JSON.stringify(each))),
    new Set(rows.map((each) => JSON.stringify(each)))
  )
  assert.match(tableText(rows), /^\| codex \| 0\.150\.1 \| 90 \| 2 \| 1 \| 2026-11-26 \| 0\.1\.0 \|$/m)
  const later = withRows(document, [row('codex', '0.150.1')])
  assert.deepEqual(rowsIn(later).find((/** @type {any} */ { version }) => version === '0.150.1').failures, [])
  assert.equal(withRows(later, []), later, 'nothing else changes')
  assert.equal(later.split('\n### Run it')[1], empty.split('\n### Run it')[1])
  assert.throws(() => withRows('# no markers', []), /the document must have exactly one/)
})

test("a failed test's name is short, and cannot break the list", async () => {
  const { rowsIn, shortName, shortened, withRows } = await load('table.mjs')
  assert.equal(shortName('__test__/real-cli/usage.test.js: codex: a `b`\nc'), "usage: codex: a 'b' c")
  assert.equal(shortName('x'.repeat(500)).length, 110)
  const many = ['a', 'b', 'c', 'd', 'e'].map((name) => `__test__/real-cli/turns.test.js: ${name}`)
  assert.deepEqual(shortened([...many, '__test__/real-cli/stop.test.js: f']), ['stop: f', 'turns: 5 tests'])
  assert.deepEqual(shortened(many.slice(1)), ['turns: b', 'turns: c', 'turns: d', 'turns: e'])
  const names = ['a` failed:', '- b', '| codex | 1.2.3 | 1 | 1 | 1 | x | y |'].map(shortName)
  const document = withRows(fs.readFileSync(DOCUMENT, 'utf8'), [row('codex', '0.1.0', names)])
  assert.deepEqual(rowsIn(document).find((/** @type {any} */ { version }) => version === '0.1.0').failures, names)
})

test('which test belongs to which CLI', async () => {
  const { filesOf, patternOf } = await load('clis.mjs')
  const files = ['a/claude-x.test.js', 'a/codex-x.test.js', 'a/usage.test.js']
  assert.deepEqual(filesOf('codex', files), files.slice(1))
  assert.deepEqual(filesOf('claude', files), [files[0], files[2]])
  // As node:test itself takes it, with a test around another.
  const dir = makeOpenDir('provider-env-names-')
  const file = path.join(dir, 'names.test.js')
  fs.writeFileSync(
    file,
    `const test = require('node:test')
    for (const name of ['codex, a turn', 'claude: a turn', "claude's claim", 'both Claude and Codex', 'neither']) test(name, () => {})
    test('around', async (t) => { await t.test('inside', () => {}) })
    test('skipped', { skip: 'a reason' }, () => {})`
  )
  try {
    const { nodeTest } = await import(path.join(SCRIPTS, 'lib', 'node-test.mjs'))
    const ran = async (/** @type {string} */ cli) => {
      let text = ''
      // Or node:test takes it for a part of this run.
      const env = { NODE_TEST_CONTEXT: undefined }
      const { counts } = await nodeTest([file], {
        pattern: patternOf(cli),
        env,
        output: 'keep',
        log: (/** @type {string} */ all) => (text = all)
      })
      return [counts.passed, counts.failed, counts.skipped, ...[...text.matchAll(/✔ (c.*|both.*) \(/g)].map(([, name]) => name)]
    }
    assert.deepEqual(await ran('codex'), [5, 0, 1, 'codex, a turn', 'both Claude and Codex'])
    assert.deepEqual(await ran('claude'), [6, 0, 1, 'claude: a turn', "claude's claim", 'both Claude and Codex'])
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
})

test('where a program lies in its package', async (t) => {
  const { clis, expand } = await load('clis.mjs')
  const dir = makeOpenDir('provider-env-layout-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const make = (/** @type {string[]} */ parts) => {
    const file = path.join(dir, ...parts.map((part) => (part === '*' ? 'x86_64-made-up' : part)))
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, '')
    return file
  }
  for (const { programs } of Object.values(clis)) {
    for (const parts of programs) {
      assert.deepEqual(expand(dir, parts), [])
      const file = make(parts)
      assert.deepEqual(expand(dir, parts), [file])
      fs.rmSync(path.dirname(file), { recursive: true })
    }
  }
})

test("what npm's failure means", async () => {
  const { npmFailure } = await import(path.join(SCRIPTS, 'lib', 'npm.mjs'))
  assert.equal(npmFailure('npm error code E404\nnpm error 404 No match', 'codex@9.9.9'), 'codex@9.9.9 is not published')
  assert.equal(npmFailure('npm error code ETARGET\n', 'codex@9.9.9'), 'codex@9.9.9 is not published')
  assert.equal(npmFailure('npm error code EAI_AGAIN\n', 'codex@9.9.9'), 'codex@9.9.9: the npm registry cannot be reached (EAI_AGAIN)')
  assert.match(npmFailure('npm error code ENOSPC\nnpm error full', 'codex@9.9.9'), /npm failed\n.*ENOSPC\nnpm error full/s)
})

test('a program that is named but not there fails with the name of the variable', () => {
  const find = (/** @type {string} */ file) =>
    spawnSync(process.execPath, ['-p', `require(${JSON.stringify(path.join(__dirname, 'support', 'programs.js'))}).findPrograms().codex`], {
      encoding: 'utf8',
      env: { ...process.env, PROVIDER_ENV_TEST_CODEX: file }
    })
  assert.equal(find('/bin/sh').stdout.trim(), fs.realpathSync('/bin/sh'))
  assert.match(find('/nowhere/codex').stderr, /there is no file \/nowhere\/codex, which PROVIDER_ENV_TEST_CODEX names/)
  assert.match(find('codex').stderr, /PROVIDER_ENV_TEST_CODEX must be an absolute path/)
})

test('without a registry a version is not run, the next is tried, and what the table had stays', () => {
  const before = fs.readFileSync(DOCUMENT, 'utf8')
  const cache = makeOpenDir('provider-env-cache-')
  try {
    const { status, stdout } = compat(['--dry', 'codex@0.1.2', 'claude'], {
      XDG_CACHE_HOME: cache,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: path.join(cache, 'npm'),
      npm_config_fetch_retries: '0'
    })
    assert.equal(status, 1)
    assert.match(
      stdout,
      /^Not run:\n\n- codex@0\.1\.2: the npm registry cannot be reached \(ECONNREFUSED\).*\n- claude@latest: the npm registry cannot be reached/m
    )
    assert.deepEqual(fs.readdirSync(path.join(cache, 'provider-env', 'compat')), [], 'nothing half installed')
    assert.equal(fs.readFileSync(DOCUMENT, 'utf8'), before)
  } finally {
    fs.rmSync(cache, { recursive: true, force: true })
  }
})

test('Ctrl-C ends the tests, the CLIs that they started, and their directories', { skip: needsLinux }, async (t) => {
  // The installed CLI is in the cache as if it had been fetched.
  const dir = makeOpenDir('provider-env-interrupt-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const modules = path.join(__dirname, '..', 'node_modules')
  const { version } = JSON.parse(fs.readFileSync(path.join(modules, '@openai', 'codex', 'package.json'), 'utf8'))
  const cached = path.join(dir, 'provider-env', 'compat', `codex-${version}`, 'node_modules')
  fs.mkdirSync(cached, { recursive: true })
  fs.symlinkSync(path.join(modules, '@openai'), path.join(cached, '@openai'))
  const temporary = path.join(dir, 'tmp')
  fs.mkdirSync(temporary)
  fs.chmodSync(temporary, 0o1777)

  const env = { ...process.env, XDG_CACHE_HOME: dir, TMPDIR: temporary, NODE_TEST_CONTEXT: undefined }
  const runner = spawn(process.execPath, [path.join(SCRIPTS, 'compat.mjs'), '--dry', `codex@${version}`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => runner.kill('SIGKILL'))
  let said = ''
  runner.stdout.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise((resolve) => runner.once('close', (code) => resolve(code)))
  const started = await until('a CLI runs', async () => {
    await pause(20)
    if (runner.exitCode !== null) return ['none']
    const pids = descendantsOf(Number(runner.pid))
    return pids.some((pid) => programOf(pid).startsWith(temporary)) && pids
  })
  if (started[0] === 'none' && said.includes('netns.sh: ')) return t.skip(said.trim().split('\n').at(-1))
  assert.notDeepEqual(started, ['none'], said)
  runner.kill('SIGINT')
  assert.equal(await ended, 130)
  await until('all have ended', () => !started.some((pid) => isRunning(Number(pid))))
  assert.deepEqual(fs.readdirSync(temporary), [])
})

/** @param {number} pid */
function programOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]
  } catch {
    return ''
  }
}

test('what the lint step `versions` reads agrees, and each place that does not is named', async () => {
  const { disagreements } = await import(path.join(SCRIPTS, 'check-versions.mjs'))
  const text = (/** @type {string} */ file) => fs.readFileSync(path.join(SCRIPTS, '..', file), 'utf8')
  assert.deepEqual(disagreements(text), [])
  // The next version of Codex in its row alone, then in all but one of the other places.
  const [, tested = ''] = /tested: Version::new\((0, \d+, \d+)\)/.exec(text('src/provider/codex/cli.rs')) ?? []
  const version = tested.replaceAll(', ', '.')
  const others = {
    'README.md': /README\.md does not say "OpenAI Codex .* to 0\.9999\.0"/,
    'docs/providers.md': /does not have 0\.9999\.0 as "newest tested" of codex/,
    'docs/compatibility.md': /no row of codex 0\.9999\.0 in which all tests passed/
  }
  const next = (/** @type {string} */ file) => text(file).replace(tested, '0, 9999, 0').replaceAll(version, '0.9999.0')
  assert.equal(disagreements((/** @type {string} */ file) => (file.startsWith('src/') ? next(file) : text(file))).length, 3)
  for (const [stale, message] of Object.entries(others)) {
    const [problem, ...rest] = disagreements((/** @type {string} */ file) => (file === stale ? text(file) : next(file)))
    assert.match(problem, message)
    assert.deepEqual(rest, [])
  }
  const failed = (/** @type {string} */ file) => text(file).replace(new RegExp(`(\\| codex \\| ${version} \\| \\d+ \\| )0 `), '$11 ')
  assert.deepEqual(disagreements(failed), [`docs/compatibility.md has no row of codex ${version} in which all tests passed`])
  // A third row, which is Codex by another name and which no other place knows.
  const third = (/** @type {string} */ file) => {
    if (file === 'src/provider/mod.rs') return text(file).replace('&codex::CODEX', '&codex::CODEX, &third::THIRD')
    const isRow = file.startsWith('src/provider/third/')
    return isRow ? text(file.replace('third', 'codex')).replace('name: "OpenAI Codex"', 'name: "Third"') : text(file)
  }
  const unknown = disagreements(third)
  for (const place of ['README.md', 'docs/providers.md', 'docs/compatibility.md', 'scripts/compat/clis.mjs'])
    assert.ok(
      unknown.some((/** @type {string} */ problem) => problem.startsWith(place) && /third/i.test(problem)),
      `${place}: ${unknown.join('\n')}`
    )
})

test('a fetched program prints its version as nobody, without a network and without our environment', {
  skip: needsLinux || needsRoot
}, async (t) => {
  const dir = makeOpenDir('provider-env-fetched-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const { clis } = await load('clis.mjs')
  const [directory, ...rest] = clis.codex.programs[0]
  const program = path.join(
    dir,
    'provider-env/compat/codex-9.9.9/node_modules',
    directory,
    ...rest.map((/** @type {string} */ part) => part.replace('*', 'any'))
  )
  fs.mkdirSync(path.dirname(program), { recursive: true })
  fs.writeFileSync(program, '#!/bin/sh\nid -u; id -G; env; cat /proc/net/dev; exit 1\n', { mode: 0o755 })
  const script = `import { installed } from ${JSON.stringify(path.join(SCRIPTS, 'compat/install.mjs'))}\ntry { await installed({ cli: 'codex', version: '9.9.9' }) } catch ({ message }) { process.stdout.write(message) }`
  const env = { ...process.env, XDG_CACHE_HOME: dir, MADE_UP_TOKEN: 'made-up-token-of-the-worker' }
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env })
  if (stdout.includes('netns.sh:')) return t.skip(stdout)
  const said = /and printed (".*")$/.exec(stdout)?.[1]
  assert.ok(said, stdout + stderr)
  const lines = JSON.parse(said).split('\n')
  assert.deepEqual(lines.slice(0, 2), ['65534', '65534'])
  assert.deepEqual(
    lines
      .filter((/** @type {string} */ line) => /^[A-Z_]+=/.test(line))
      .map((/** @type {string} */ line) => line.split('=')[0])
      .toSorted(),
    ['HOME', 'PATH', 'PWD']
  )
  assert.deepEqual(
    lines.slice(-1).map((/** @type {string} */ line) => line.trim().split(':')[0]),
    ['lo']
  )
})
